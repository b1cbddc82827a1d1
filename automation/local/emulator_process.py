"""The emulator's own process; it ends when the process that started it is gone, however it went.

Run by path with `python -I`, so that nothing of the caller's environment reaches it.
"""

import os
import signal
import sys
import threading

from ministack.app import main  # pyright: ignore[reportMissingTypeStubs] it has none


def _end_with_owner() -> None:
    # The owner holds the other end of standard input; a killed owner closes it too.
    while sys.stdin.buffer.read(1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_end_with_owner, daemon=True).start()
    sys.argv = ["ministack"]
    main()
