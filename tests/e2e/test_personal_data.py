"""No value of a message's body is in anything that a run writes, or shows in the process list."""

import gzip
import json
import re
import runpy
import secrets
import shutil
import stat
import subprocess
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import psutil
import pytest

from automation.proof.throwaway import STATES

from .conftest import COMMAND, REPOSITORY

MESSAGES, SEED = 60, 20_211_017


def sent_bodies() -> list[dict[str, Any]]:
    """What the producer sends for that seed."""
    producer = runpy.run_path(str(REPOSITORY / "functions" / "producer" / "store_messages.py"))
    messages = producer["generate_messages"](run_id="r", bad_ratio=0.25, seed=SEED)
    return [json.loads(message.body) for message in islice(messages, MESSAGES)]


def personal(bodies: list[dict[str, Any]]) -> "re.Pattern[str]":
    """Any of the values; a name with its key, since the producer's code has all the names."""
    values = {body[key] for body in bodies for key in ("dob", "ssn_no", "evnt_time")}
    names = {body["name"] for body in bodies}
    quoted = "|".join(map(re.escape, sorted(values)))
    return re.compile(rf"{quoted}|name\W{{1,12}}(?:{'|'.join(sorted(names))})\b")


def text_of(path: Path) -> str:
    content = path.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
    return content.decode(errors="replace")


@pytest.fixture
def stack() -> Iterator[str]:
    name = f"kept-{secrets.token_hex(3)}"
    yield name
    shutil.rmtree(STATES / name, ignore_errors=True)


def watch_processes(seen: set[str], ended: threading.Event) -> None:
    """Remember the command lines that anybody on the machine could see."""
    while not ended.wait(0.2):
        for process in psutil.process_iter(["cmdline"]):
            seen.add(" ".join(process.info["cmdline"] or []))


@pytest.mark.engine
@pytest.mark.slow
def test_nothing_that_a_run_writes_holds_a_value_of_a_body(
    stack: str, tmp_path: Path, e2e_environment: dict[str, str]
) -> None:
    page, commands, ended = tmp_path / "run.html", set[str](), threading.Event()
    watcher = threading.Thread(target=watch_processes, args=(commands, ended))
    watcher.start()
    try:
        # Kept, so that the logs of both functions are on the disk; redriven, so that no message is.
        run = subprocess.run(
            [
                *(*COMMAND, "--json", "--keep", "--redrive", "--stack", stack),
                *("--messages", str(MESSAGES), "--rate", "unlimited", "--seed", str(SEED)),
                *("--report", str(page)),
            ],
            cwd=REPOSITORY,
            env=e2e_environment,
            umask=0,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
    finally:
        ended.set()
        watcher.join()
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["sent"] == MESSAGES
    written = {"output": run.stdout, "error": run.stderr, "processes": "\n".join(commands)}
    files = [page, *(path for path in (STATES / stack).rglob("*") if path.is_file())]
    written |= {str(path): text_of(path) for path in files}
    # What is looked through is what the run wrote: both functions' records, the journal, the page.
    for proof in ("missing_store_id", '"event": "intended"', "msg_cnt", "<html", stack):
        assert any(proof in text for text in written.values()), proof
    forbidden = personal(sent_bodies())
    for body in map(json.dumps, sent_bodies()):
        assert forbidden.search(json.dumps({"message": body})), "it would be found in a log record"
    assert {
        name: found for name, text in written.items() if (found := forbidden.search(text))
    } == {}
    # No umask: it is the run that closes them to others.
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert stat.S_IMODE((STATES / stack).stat().st_mode) == 0o700
