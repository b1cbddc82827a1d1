"""The one tree of errors that a command shows to its user as a message, without a traceback."""

import errno


class AutomationError(Exception):
    """Wrong use, or an environment that can't do what was asked: exit code 2.

    The message says what was wrong, the value, the limit and the fix.
    """


def disk_is_full(error: BaseException | None) -> bool:
    """Whether a file could not be written because its disk, or what the user may have, is full."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


class StillWaitingError(AutomationError):
    """A condition did not come true before its deadline; the message says what was last seen."""
