"""Notice that a queue fills as fast as a redrive drains it."""

from automation.deadletters.move_plan import Counts

# Below this a window says nothing about what comes in against what goes out.
_TELLING_MESSAGES = 20
# The counts are approximate, so one look is not enough.
_TELLING_LOOKS = 2


class RefillWatch:
    """Compares what came in with what went out, from one look to the next."""

    def __init__(self) -> None:
        self._before: tuple[int, int, int] | None = None
        self._looks_in_a_row = 0

    def is_refilling(self, counts: Counts, depth: int) -> bool:
        """Take a look; return whether two in a row have found as much coming in as going out.

        Args:
            counts: what the run has done so far.
            depth: how many messages are in the queue, hidden ones included.
        """
        before, now = self._before, (counts.moved, counts.returned, depth)
        self._before = now
        is_suspicious = before is not None and _refills(before, now)
        self._looks_in_a_row = self._looks_in_a_row + 1 if is_suspicious else 0
        return self._looks_in_a_row >= _TELLING_LOOKS


def _refills(before: tuple[int, int, int], now: tuple[int, int, int]) -> bool:
    """Whether as much came in as went out, from (moved, returned, depth) at two times."""
    moved, returned, deeper = (new - old for new, old in zip(now, before, strict=True))
    # What came back is known exactly; what else came in only by approximate counts.
    return moved >= _TELLING_MESSAGES and max(returned, deeper + moved) >= moved
