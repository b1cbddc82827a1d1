"""What runs on an operator's machine: deploy, prove, look into and repair a reliable queue."""

import importlib.util
import os
import sys
from pathlib import Path

_OWN_PYTHON = Path(__file__).resolve().parent.parent / ".venv" / "bin" / "python"

# `python automation/e2e.py` with the machine's Python should do what it says, not fail to import.
if importlib.util.find_spec("pulumi") is None:
    if not _OWN_PYTHON.exists() or Path(sys.executable) == _OWN_PYTHON:
        sys.stderr.write(
            "error: the packages that this project needs are not installed; run: make setup\n"
        )
        sys.exit(2)
    os.execv(_OWN_PYTHON, [str(_OWN_PYTHON), *sys.orig_argv[1:]])  # noqa: S606 the same command
