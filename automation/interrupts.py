"""Ctrl-C and friends, and every policy about them: raise, shield, cancel, hold.

The first signal lets the running engine command end and the stack be destroyed.

An engine that is interrupted in the middle leaves a lock or pending operations behind, and
resources that nobody has on a list. So the engine runs in a process group of its own, where
a terminal's Ctrl-C doesn't reach it, and only a second signal ends it.
"""

import contextlib
import signal
import threading
from collections.abc import Callable, Generator, Iterable
from types import FrameType

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Handler = Callable[[int, FrameType | None], None]


@contextlib.contextmanager
def handled_signals(
    handler: Handler, signals: Iterable[signal.Signals] = ENDING_SIGNALS
) -> Generator[None]:
    """Handle signals until the block ends; outside the main thread, where none arrive, nothing.

    What `nohup` has made of SIGHUP stays: the run goes on when its terminal is closed.

    Args:
        handler: is called in the main thread.
        signals: which; default those that ask a process to end.
    """
    with contextlib.ExitStack() as restored:
        if threading.current_thread() is threading.main_thread():
            for number in signals:
                if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                    continue
                restored.callback(signal.signal, number, signal.signal(number, handler))
        yield


@contextlib.contextmanager
def held_signals() -> Generator[None]:
    """Deliver signals to their handlers only after the block; what is ignored stays ignored."""
    held: list[int] = []
    heard = [n for n in ENDING_SIGNALS if signal.getsignal(n) not in (None, signal.SIG_IGN)]
    with contextlib.ExitStack() as restored:
        restored.callback(lambda: [signal.raise_signal(number) for number in held])
        restored.enter_context(handled_signals(lambda number, _: held.append(number), heard))
        yield


@contextlib.contextmanager
def raising_signals() -> Generator[None]:
    """Make signals that would end us without clean-up raise KeyboardInterrupt inside the block.

    Its argument is the signal. Who has handlers of their own for SIGTERM or SIGHUP keeps them
    (Python's own for SIGINT raises already).
    """

    def interrupt(number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt(signal.Signals(number))

    unhandled = [n for n in ENDING_SIGNALS if signal.getsignal(n) is signal.SIG_DFL]
    with handled_signals(interrupt, unhandled):
        yield


class SignalledError(BaseException):
    """A signal ended the run. No `Exception`: a library that retries would swallow that."""


class InterruptedRunError(SignalledError):
    """A first signal ended the run; what it had created is destroyed on the way out."""


class AbandonedRunError(SignalledError):
    """A second signal ended the run at once; the message of who catches it says what is left."""


class Interrupts:
    """Turns signals into exceptions, but not in the middle of what must come to its own end.

    Args:
        report: is given one line when a signal has to wait.
        then: what that line says of afterwards.
    """

    def __init__(
        self, report: Callable[[str], None], *, then: str = "everything is destroyed"
    ) -> None:
        self._report = report
        self._then = then
        self._received: list[signal.Signals] = []
        self._shields = 0

    @contextlib.contextmanager
    def handled(self) -> Generator[None]:
        """Handle SIGINT, SIGTERM and SIGHUP until the block ends."""
        with handled_signals(self._receive):
            yield

    @contextlib.contextmanager
    def shielded(self) -> Generator[None]:
        """Let a first signal wait until the block has ended, then raise InterruptedRunError."""
        received_before = len(self._received)
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
        if len(self._received) > received_before and not self._shields:
            raise self._interrupted()

    def raise_received(self) -> None:
        """Raise InterruptedRunError when a signal has come, should nothing have come of it.

        An exception is lost when the signal comes while the interpreter runs a finaliser.
        """
        if self._received:
            raise self._interrupted()

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        self._received.append(signal.Signals(number))
        if len(self._received) > 2:
            return
        if len(self._received) == 2:
            raise AbandonedRunError(f"stopped at once by a second {self._received[-1].name}")
        if not self._shields:
            raise self._interrupted()
        self._report(
            f"{self._received[0].name}: the running step comes to its end first, then "
            f"{self._then}; once more stops at once"
        )

    def _interrupted(self) -> InterruptedRunError:
        return InterruptedRunError(f"interrupted by {self._received[0].name}")


@contextlib.contextmanager
def cancelled_by_signals(report: Callable[[str], None]) -> Generator[threading.Event]:
    """Yield an event that the first Ctrl-C, SIGTERM or SIGHUP sets; a second one ends at once.

    Args:
        report: is given one line at the first signal.

    Raises:
        AbandonedRunError: at the second signal.
    """
    cancel = threading.Event()

    def receive(number: int, _frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if cancel.is_set():
            raise AbandonedRunError(
                f"stopped at once by a second {name}; run the same command again to go on"
            )
        cancel.set()
        report(f"{name}: what is begun comes to its end first; once more stops at once")

    with handled_signals(receive):
        yield cancel
