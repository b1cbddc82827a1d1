"""The one tree of errors that a command shows to its user as a message, without a traceback."""


class AutomationError(Exception):
    """Wrong use, or an environment that can't do what was asked: exit code 2.

    The message says what was wrong, the value, the limit and the fix.
    """


class StillWaitingError(AutomationError):
    """A condition did not come true before its deadline; the message says what was last seen."""
