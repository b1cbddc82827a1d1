"""Round numbers for the axis of a picture."""

import math

# So many steps at the most; with steps of 1, 2 and 5 there are never fewer than three.
_MOST_STEPS = 6


def round_ticks(highest: float, *, smallest_step: float = 0) -> list[float]:
    """Ticks from 0 up to a round number that is not below a value: 3 to 7, evenly spaced.

    Args:
        highest: what has to have a place on the axis; below or at 0 counts as 1.
        smallest_step: for numbers that have no parts, 1; default 0, any step.
    """
    highest = highest if highest > 0 else 1
    step = max(_round_up(highest / _MOST_STEPS), smallest_step)
    # Five steps of 2e-06 are a little less than 1e-05 to a computer.
    steps = max(2, math.ceil(highest / step - 1e-9))
    # Written in the step's own decimals: 3 * 0.1 is a little more than 0.3.
    decimals = max(0, -math.floor(math.log10(step)))
    return [round(number * step, decimals) for number in range(steps + 1)]


def _round_up(exact: float) -> float:
    """1, 2 or 5 times a power of ten."""
    exponent = math.floor(math.log10(exact))
    candidates = (
        factor * 10.0**power for power in (exponent, exponent + 1) for factor in (1, 2, 5)
    )
    return next(candidate for candidate in candidates if candidate >= exact)
