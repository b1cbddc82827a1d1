"""What runs on an operator's machine: deploy, prove, look into and repair a reliable queue."""

import importlib.util
import os
import sys
from pathlib import Path

from automation.installation import REPOSITORY, how_to_get, is_checkout

_OWN_PYTHON = REPOSITORY / ".venv" / "bin" / "python"

# `python automation/e2e.py` with the machine's Python should do what it says, not fail to import.
# An installed package has an interpreter of its own, and its entry says what is missing there.
if is_checkout() and importlib.util.find_spec("pulumi") is None:
    if not _OWN_PYTHON.exists() or Path(sys.executable) == _OWN_PYTHON:
        sys.stderr.write(
            f"error: the packages that this project needs are not installed; {how_to_get()}\n"
        )
        sys.exit(2)
    os.execv(_OWN_PYTHON, [str(_OWN_PYTHON), *sys.orig_argv[1:]])  # noqa: S606 the same command
