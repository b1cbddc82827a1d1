"""An emulator that keeps its state ends after the batches that its mappings have in work."""

from pathlib import Path

import pytest

from automation.local.emulator import running_emulator
from automation.local.resources.cloud import Cloud, Connections
from automation.waiting import wait_until
from tests.local.conftest import make_function

ACCOUNT, REGION = "123456789012", "us-east-1"

# Ends when it is let, and the emulator still answers it then.
WAITS = """
import pathlib, time, urllib.request
def handler(event, context):
    folder = pathlib.Path("{folder}")
    (folder / "begun").touch()
    while not (folder / "end").exists():
        time.sleep(0.2)
    urllib.request.urlopen("{url}/_ministack/health", timeout=5).read()
"""


def test_message_in_work_loses_no_receive_to_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_emulator(tmp_path, region=REGION, keeps_state=True) as emulator:
        cloud = cloud_of(emulator.endpoint_url, tmp_path)
        source = WAITS.format(folder=tmp_path, url=emulator.endpoint_url)
        function = make_function(cloud, "works", source)
        cloud.functions.update_function_configuration(FunctionName=function, Timeout=30)
        url = cloud.sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "30"})
        queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"
        cloud.functions.create_event_source_mapping(EventSourceArn=queue, FunctionName=function)
        cloud.sqs.send_message(QueueUrl=url["QueueUrl"], MessageBody="x")
        begun = tmp_path / "begun"
        wait_until("it has begun", lambda: (begun.exists(), ""), timeout_seconds=20)
        terminate = emulator.process.terminate

        def terminate_then_let_it_end() -> None:
            terminate()
            (tmp_path / "end").touch()

        monkeypatch.setattr(emulator.process, "terminate", terminate_then_let_it_end)
    assert counted(tmp_path) == {"ApproximateNumberOfMessages": "0"} | {
        "ApproximateNumberOfMessagesNotVisible": "0"
    }
    # An abort at the very end would leave a core, with the messages in it.
    assert emulator.process.returncode == 0


def counted(folder: Path) -> dict[str, str]:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    with running_emulator(folder, region=REGION, keeps_state=True) as emulator:
        sqs = cloud_of(emulator.endpoint_url, folder).sqs
        url = sqs.get_queue_url(QueueName="q")["QueueUrl"]
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)  # type: ignore[arg-type]
        return {str(name): value for name, value in answer["Attributes"].items()}


def cloud_of(url: str, folder: Path) -> Cloud:
    connections = Connections(endpoint_url=url, account_id=ACCOUNT, program_directory=folder)
    return Cloud(connections=connections, region=REGION)
