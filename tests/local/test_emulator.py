"""The emulator is a child that starts, keeps state when asked to, and leaves nothing behind."""

import http.server
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import psutil
import pytest

from automation.local.emulator import (
    Emulator,
    EmulatorEndedError,
    EmulatorError,
    PortTakenError,
    _answers,
    running_emulator,
)
from automation.waiting import wait_until

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

REGION = "eu-west-1"


def sqs_of(emulator: Emulator) -> "SQSClient":
    return boto3.client(
        "sqs",
        region_name=REGION,
        endpoint_url=emulator.endpoint_url,
        aws_access_key_id="123456789012",
        aws_secret_access_key="local",
    )


def is_group_gone(leader: int) -> tuple[bool, str]:
    try:
        os.killpg(leader, 0)
    except (ProcessLookupError, PermissionError):
        # macOS gives no permission where all of it waits to be collected.
        return True, "gone"
    return False, "running"


def test_two_run_side_by_side_on_loopback_ports_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with (
        running_emulator(tmp_path / "a", region=REGION) as one,
        running_emulator(tmp_path / "b", region=REGION) as other,
    ):
        sqs_of(one).create_queue(QueueName="q")
        assert one.port != other.port
        assert not sqs_of(other).list_queues().get("QueueUrls")


def test_what_fails_while_it_starts_leaves_no_process(tmp_path: Path) -> None:
    before, started = set(psutil.Process().children()), set[psutil.Process]()

    def fail() -> None:
        started.update(set(psutil.Process().children()) - before)
        raise LookupError("no engine")

    with (
        pytest.raises(LookupError, match="no engine"),
        running_emulator(tmp_path, region=REGION, meanwhile=fail),
    ):
        pytest.fail("it started all the same")
    assert started
    assert not any(process.is_running() for process in started)


def test_listens_on_loopback_only(tmp_path: Path) -> None:
    with running_emulator(tmp_path, region=REGION) as emulator:
        table = Path(f"/proc/{emulator.process.pid}/net/tcp")
        if not table.exists():
            pytest.skip("no /proc on this system")
        listening = [
            line.split()[1]
            for line in table.read_text().splitlines()[1:]
            if line.split()[3] == "0A" and line.split()[1].endswith(f"{emulator.port:04X}")
        ]
    assert [address.split(":")[0] for address in listening] == ["0100007F"]


def test_state_is_found_again_when_it_was_kept(tmp_path: Path) -> None:
    with running_emulator(tmp_path, region=REGION, keeps_state=True) as emulator:
        url = sqs_of(emulator).create_queue(QueueName="q")["QueueUrl"]
        port = emulator.port
    with running_emulator(tmp_path, region=REGION, keeps_state=True, port=port) as emulator:
        assert sqs_of(emulator).list_queues()["QueueUrls"] == [url]


def s3_of(emulator: Emulator) -> Any:
    session: Any = boto3.Session(aws_access_key_id="100000000001", aws_secret_access_key="local")
    return session.client("s3", region_name=REGION, endpoint_url=emulator.endpoint_url)


def test_objects_are_found_again_when_state_was_kept(tmp_path: Path) -> None:
    place = {"LocationConstraint": REGION}
    with running_emulator(tmp_path, region=REGION, keeps_state=True) as emulator:
        s3 = s3_of(emulator)
        s3.create_bucket(Bucket="kept", CreateBucketConfiguration=place)
        s3.put_object(Bucket="kept", Key="folder/a", Body=b"1")
        s3.put_object(Bucket="kept", Key="b", Body=b"2")
        s3.delete_object(Bucket="kept", Key="b")
    with running_emulator(tmp_path, region=REGION, keeps_state=True) as emulator:
        s3 = s3_of(emulator)
        assert [item["Key"] for item in s3.list_objects_v2(Bucket="kept")["Contents"]] == [
            "folder/a"
        ]
        assert s3.get_object(Bucket="kept", Key="folder/a")["Body"].read() == b"1"


def test_taken_port_is_refused_by_its_number(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(PortTakenError, match=f"port {port} .* end the process"),
            running_emulator(tmp_path, region=REGION, port=port),
        ):
            pytest.fail("it started")


@pytest.mark.skipif(not hasattr(socket, "AF_NETLINK"), reason="this system does not tell")
def test_server_of_another_user_on_its_port_is_not_taken_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Impostor(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Impostor) as server:
        threading.Thread(target=server.serve_forever).start()
        process: Any = None
        port = server.server_port
        emulator = Emulator(endpoint_url=f"http://127.0.0.1:{port}", port=port, process=process)
        try:
            assert _answers(emulator)
            user = os.geteuid()
            monkeypatch.setattr(os, "geteuid", lambda: user + 1)
            assert not _answers(emulator)
        finally:
            server.shutdown()


def test_failed_start_shows_the_end_of_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with (
        pytest.raises(EmulatorError, match="ended while it started"),
        running_emulator(tmp_path, region=REGION),
    ):
        pytest.fail("it started")


def test_user_s_environment_does_not_reach_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_USER", "x")
    with running_emulator(tmp_path, region=REGION) as emulator:
        environment = Path(f"/proc/{emulator.process.pid}/environ")
        if not environment.exists():
            pytest.skip("no /proc on this system")
        assert b"SECRET_OF_THE_USER" not in environment.read_bytes()


def test_it_does_not_outlive_a_killed_owner(tmp_path: Path) -> None:
    owner = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import signal, sys; from pathlib import Path\n"
            "from automation.local.emulator import running_emulator\n"
            f"with running_emulator(Path({str(tmp_path)!r}), region='eu-west-1') as emulator:\n"
            "    print(emulator.process.pid, flush=True)\n"
            "    signal.pause()",
        ],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        text=True,
    )
    assert owner.stdout is not None
    with owner.stdout:
        leader = int(owner.stdout.readline())
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    wait_until("the emulator is gone", lambda: is_group_gone(leader), timeout_seconds=20)


def test_one_that_is_killed_in_use_is_the_error_whatever_failed_because_of_it(
    tmp_path: Path,
) -> None:
    with (
        pytest.raises(
            EmulatorEndedError, match="was ended by SIGKILL while it was in use"
        ) as ended,
        running_emulator(tmp_path, region=REGION) as emulator,
    ):
        emulator.process.kill()
        emulator.process.wait()
        raise ConnectionError("nobody answers")
    assert ended.value.__suppress_context__
