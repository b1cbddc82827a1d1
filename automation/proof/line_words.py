"""Numbers of lines, and ids, as a person would write them."""

from collections.abc import Iterable, Sequence

_SHOWN = 20


def line_numbers(numbers: Iterable[int]) -> str:
    """`line 3`, `lines 1, 4-6`; the first 20 numbers and ranges, and how many lines follow."""
    ranges: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    count = sum(last - first + 1 for first, last in ranges)
    shown = [str(first) if first == last else f"{first}-{last}" for first, last in ranges[:_SHOWN]]
    more = sum(last - first + 1 for first, last in ranges[_SHOWN:])
    words = ", ".join(shown) + (f" and {more} more" if more else "")
    return f"{'line' if count == 1 else 'lines'} {words}"


def some(names: Sequence[str]) -> str:
    """The first 20 names, and how many follow."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
