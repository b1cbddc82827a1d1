"""A command inside the embedded AWS hears the signals that the terminal or somebody else sends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]

# Not the embedded AWS, which is no part of it: only what is done with the command.
RUN = """
import sys
from types import SimpleNamespace
from automation.commands.local import _run

sys.exit(_run(sys.argv[1:], SimpleNamespace(), {}))
"""
# Says that it is there and how it ended; a program that ignores Ctrl-C would never end.
COMMAND = """
import signal, sys

signal.signal(signal.SIGTERM, lambda *_: sys.exit(43))
try:
    print("there", flush=True)
    signal.pause()
except KeyboardInterrupt:
    sys.exit(42)
"""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 42), (signal.SIGTERM, 43)], ids=["Ctrl-C", "SIGTERM"]
)
def test_a_signal_reaches_the_command_and_its_exit_code_is_ours(
    number: signal.Signals, code: int
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUN, sys.executable, "-c", COMMAND],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "there\n"
        if number == signal.SIGINT:
            # As a terminal does: the whole group.
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        assert process.wait(30) == code
