"""Wrong use is refused with the name, the value and the limit; exit codes are 0, 1, 2."""

import contextlib
import subprocess
import sys

import pytest

from automation import cli
from automation.commands import e2e
from automation.errors import AutomationError
from automation.installation import REPOSITORY
from automation.proof.report import Options


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    return int(ended.value.code or 0), captured.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rate", "0"], "'--rate': 0.0 is not in the range 0<x<=10000"),
        (["--rate", "fast"], "'--rate': 'fast' is not a valid float range"),
        (["--bad-ratio", "1.5"], "'--bad-ratio': 1.5 is not in the range 0<=x<=1"),
        (["--messages", "0"], "'--messages': 0 is not in the range 1<=x<=1000000"),
        (["--duration", "900"], "'--duration': 900.0 is not in the range 0<x<=890"),
        (["--timeout", "-1"], "'--timeout': -1.0 is not in the range x>0"),
        (["--target", "azure"], "'--target': 'azure' is not one of 'local', 'aws'"),
        (["--colour"], "No such option '--colour'"),
        (["--stack", "a b"], "--stack: 'a b' is no stack name"),
        (["--config", "batchSize"], "--config takes KEY=VALUE, got 'batchSize'"),
    ],
)
def test_wrong_flag_is_refused_before_anything_starts(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.setattr(e2e, "run_e2e", lambda *_, **__: pytest.fail("it started"))
    code, error = run(capsys, "e2e", *arguments)
    assert code == 2
    assert said in error


def test_only_a_flag_leads_the_main_job_into_an_account(monkeypatch: pytest.MonkeyPatch) -> None:
    targets: list[str] = []

    def no_run(options: Options, **_: object) -> None:
        targets.append(options.target)
        raise AutomationError("enough")

    monkeypatch.setattr(e2e, "run_e2e", no_run)
    monkeypatch.setenv("RELIABLE_QUEUE_TARGET", "aws")
    for arguments in (["e2e"], ["e2e", "--target", "aws"]):
        with pytest.raises(SystemExit):
            cli.main(arguments)
    assert targets == ["local", "aws"]


def test_unlimited_rate_is_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_run(options: object, **_: object) -> None:
        raise AutomationError(str(options))

    monkeypatch.setattr(e2e, "run_e2e", no_run)
    with pytest.raises(SystemExit):
        cli.main(["e2e", "--rate", "unlimited"])


def test_error_of_the_environment_is_a_message_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(e2e, "run_e2e", full_disk)
    code, error = run(capsys, "e2e")
    assert code == 2
    assert error == (
        "error: [Errno 28] No space left on device: the disk is full; make room, or name a folder "
        "on another, and run the command again\n"
    )


def test_full_disk_is_told_before_what_went_wrong_because_of_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object, **__: object) -> None:
        with contextlib.ExitStack() as at_the_end:
            at_the_end.callback(destroy)
            raise OSError(28, "No space left on device", "letters")

    def destroy() -> None:
        raise AutomationError("the stack could not be destroyed")

    monkeypatch.setattr(e2e, "run_e2e", full_disk)
    code, error = run(capsys, "e2e")
    first, second = error.splitlines()
    assert code == 2
    assert first.startswith(
        "error: [Errno 28] No space left on device: 'letters': the disk is full"
    )
    assert second == "error: the stack could not be destroyed"


def test_defect_of_ours_does_not_look_like_a_broken_verdict(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_: object, **__: object) -> None:
        raise ValueError("\x1b[2JShifter, 396144610")

    monkeypatch.setattr(e2e, "run_e2e", defect)
    with pytest.raises(SystemExit) as ended:
        cli.main(["e2e"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("Traceback (most recent call last):\n")
    assert "in defect\n" in said
    # Its words may quote a message; here the code spells them, elsewhere it does not.
    assert said.endswith("\nValueError\n")


@pytest.mark.parametrize(
    "start",
    [
        "runpy.run_module('automation', run_name='__main__')",
        "runpy.run_path('automation/e2e.py', run_name='__main__')",
        "runpy.run_path('tools/installed.py')['main']()",
    ],
)
def test_ctrl_c_while_it_starts_is_no_traceback(start: str) -> None:
    interrupted = (
        "import runpy, sys\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name in ('automation.cli', 'reliable_queue_operations'):\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", interrupted + start],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", "error: stopped\n")


def test_what_an_error_takes_the_place_of_is_not_told_beside_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(*_: object, **__: object) -> None:
        try:
            raise AutomationError("nobody answers")
        except AutomationError:
            raise AutomationError("the embedded AWS ended") from None

    monkeypatch.setattr(e2e, "run_e2e", end)
    assert run(capsys, "e2e") == (2, "error: the embedded AWS ended\n")
