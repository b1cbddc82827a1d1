"""AWS Solutions Constructs' queue and Lambda, synthesised and deployed to the same embedded AWS."""

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.embedded import Cloud

_SOURCE = Path(__file__).resolve().parent / "constructs"
_BUILD = Path(__file__).resolve().parent.parent / ".build" / "constructs"


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """What the construct has made: URLs of its queues."""

    queue_url: str
    dlq_url: str


@contextlib.contextmanager
def deployed(cloud: Cloud, consumer: Path) -> Generator[Deployed | None]:
    """The construct around a consumer until the block ends; None where npm is not there."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        print("npm is not there: no figure for Solutions Constructs", file=sys.stderr)
        yield None
        return
    formation = cloud.clients.session.client(
        "cloudformation", endpoint_url=cloud.clients.endpoint_url
    )
    name = cloud.name("constructs")
    formation.create_stack(
        StackName=name, TemplateBody=_template(consumer), Capabilities=["CAPABILITY_IAM"]
    )
    formation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    try:
        resources = formation.describe_stack_resources(StackName=name)["StackResources"]
        urls = [
            resource["PhysicalResourceId"]
            for resource in resources
            if resource["ResourceType"] == "AWS::SQS::Queue"
        ]
        (queue_url,) = [url for url in urls if _has_dead_letters(cloud, url)]
        (dlq_url,) = [url for url in urls if url != queue_url]
        yield Deployed(queue_url=queue_url, dlq_url=dlq_url)
    finally:
        formation.delete_stack(StackName=name)
        formation.get_waiter("stack_delete_complete").wait(
            StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )


def _template(consumer: Path) -> str:
    _BUILD.mkdir(parents=True, exist_ok=True)
    for path in _SOURCE.iterdir():
        shutil.copy(path, _BUILD)
    if not (_BUILD / "node_modules").exists():
        print("npm ci", file=sys.stderr)
        subprocess.run(["npm", "ci", "--silent"], cwd=_BUILD, check=True, stdout=sys.stderr)
    template = _BUILD / "template.json"
    command = ["node", "synthesise.mjs", str(consumer), str(template)]
    # It comments on what is not its default.
    subprocess.run(command, cwd=_BUILD, check=True, stdout=subprocess.DEVNULL, stderr=sys.stderr)
    return template.read_text()


def _has_dead_letters(cloud: Cloud, queue_url: str) -> bool:
    answer = cloud.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["RedrivePolicy"])
    return "RedrivePolicy" in answer.get("Attributes", {})
