"""The emulator's own process; it ends when the process that started it is gone, however it went.

Run by path with `python -I`, so that nothing of the caller's environment reaches it.
"""

import os
import signal
import sys
import threading
from pathlib import Path

from ministack.app import main  # pyright: ignore[reportMissingTypeStubs] it has none

# Last, so that nothing here takes the place of what is installed.
sys.path.append(str(Path(__file__).parents[2]))

from automation.local.corrections import apply_corrections


def _end_with_owner() -> None:
    # The owner holds the other end of standard input; a killed owner closes it too.
    # Not by Python's own buffer: its lock, held by this thread, would make the end an abort.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    # First: with a thread that waits for input the process could not end in good order.
    apply_corrections()
    threading.Thread(target=_end_with_owner, daemon=True).start()
    sys.argv = ["ministack"]
    main()
