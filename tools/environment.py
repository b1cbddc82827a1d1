"""Make `.venv` from `requirements.lock`, once; the Makefile calls it. Standard library only.

It has to run on old Pythons as well, to say that they are too old.
"""

import contextlib
import fcntl
import os
import pathlib
import subprocess
import sys

OLDEST_PYTHON = (3, 11)
REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
VENV = REPOSITORY / ".venv"
LOCK = REPOSITORY / "requirements.lock"
# Written last and compared by content: it stands for a complete environment of exactly this lock.
STAMP = VENV / ".installed-requirements.lock"
# There while an installation is at work; left by one that was ended.
UNFINISHED = VENV / ".unfinished"


def main():
    """Return 0 when the environment is complete, 2 when it can't be made."""
    if sys.version_info < OLDEST_PYTHON:
        return refuse(
            f"Python 3.11 or newer is needed, {sys.executable} is {sys.version.split()[0]}; "
            "name another one: make setup PYTHON=python3.12"
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as error:
        return refuse(
            f"{sys.executable} lacks the module {error.name} that makes environments "
            "(on Debian and Ubuntu: apt install python3-venv)"
        )
    with lock_on(REPOSITORY):
        if is_complete():
            return 0
        try:
            install()
        except (OSError, subprocess.CalledProcessError) as error:
            return refuse(f"could not make {VENV}: {error}")
        except KeyboardInterrupt:
            return refuse("interrupted; the next run starts over")
    say(f"{VENV} is ready")
    return 0


def install():
    """Create the environment where needed, and install exactly what the lock names."""
    if UNFINISHED.exists() or not has_good_python():
        say(f"making {VENV} with Python {sys.version.split()[0]}")
        run([sys.executable, "-m", "venv", "--clear", str(VENV)])
    UNFINISHED.touch()
    if STAMP.exists():
        STAMP.unlink()
    say(f"installing what {LOCK.name} pins (a minute or two)")
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    run([*pip, "install", "--progress-bar", "off", "--require-hashes", "-r", str(LOCK)])
    STAMP.write_bytes(LOCK.read_bytes())
    UNFINISHED.unlink()


def is_complete():
    """Compare the lock with the one that was installed."""
    return STAMP.exists() and STAMP.read_bytes() == LOCK.read_bytes() and has_good_python()


def has_good_python():
    """Look whether the environment's own Python still runs, is new enough and has pip."""
    check = (
        "import importlib.util, sys; "
        f"sys.exit(sys.version_info < {OLDEST_PYTHON} or not importlib.util.find_spec('pip'))"
    )
    try:
        return subprocess.call([str(VENV / "bin" / "python"), "-c", check]) == 0  # noqa: S603
    except OSError:
        return False


@contextlib.contextmanager
def lock_on(folder):
    """Let one set-up at a time work on this folder; the lock needs no file."""
    descriptor = os.open(str(folder), os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another set-up is at work in this folder; waiting for it")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def run(command):
    """Run a command with its output on standard error, where all progress goes."""
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)  # noqa: S603


def say(line):
    """Write one line of progress."""
    sys.stderr.write(f"setup: {line}\n")
    sys.stderr.flush()


def refuse(line):
    """Write why it can't be done; the exit code for wrong use or environment."""
    say(line)
    return 2


if __name__ == "__main__":
    sys.exit(main())
