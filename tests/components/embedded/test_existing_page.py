"""Every program and command of docs/existing-queue.md does what the page says."""

import json
import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pulumi.automation import CommandError

from automation.target import Target

pytestmark = pytest.mark.engine

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "existing-queue.md").read_text()
AROUND, BESIDE, INSIDE = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
PROJECT = "name: page\nruntime:\n  name: python\n  options: {toolchain: pip}\n"
# The page imports the installed package.
PACKAGE = f"import sys\nsys.path.append({str(ROOT)!r})\nfrom components import *\n"


class Folder:
    """A program's folder beside a queue `orders` that was made without Pulumi."""

    def __init__(self, folder: Path, aws: Target) -> None:
        self._folder, self._aws, self._sqs = folder, aws, aws.clients.sqs
        # As the page's programs say of it.
        attributes: dict[Any, str] = {"VisibilityTimeout": "60"}
        self.url = self._sqs.create_queue(QueueName="orders", Attributes=attributes)["QueueUrl"]
        (folder / "Pulumi.yaml").write_text(PROJECT)
        (folder / "reliable_queue.py").write_text(PACKAGE)
        (folder / "consumer").mkdir()
        (folder / "consumer" / "orders.py").write_text("def handler(event, context): return {}\n")
        self.run("pulumi stack init page")
        self.run(f"pulumi config set aws:region {aws.region}")

    def write(self, program: str) -> None:
        (self._folder / "__main__.py").write_text(self.here(program))

    def here(self, text: str) -> str:
        """The page's queue is that of the test."""
        place = "arn:aws:sqs:eu-north-1:123456789012:orders"
        arn = self.attributes()["QueueArn"]
        # The official provider works where the program is; the embedded one, which all tests share,
        # does not.
        text = text.replace('Path("consumer")', f"Path({str(self._folder / 'consumer')!r})")
        text = text.replace("https://sqs.eu-north-1.amazonaws.com/123456789012/orders", self.url)
        return text.replace(place, arn)

    def attributes(self) -> dict[str, str]:
        answer = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])
        return {str(name): value for name, value in answer["Attributes"].items()}

    def run(self, command: str) -> str:
        _, *arguments = shlex.split(self.here(command) if "https:" in command else command)
        environment = dict(self._aws.environment)
        return self._aws.engine.run(arguments, str(self._folder), environment).stdout

    def previewed(self) -> dict[str, int]:
        return json.loads(self.run("pulumi preview --json"))["changeSummary"]

    def steps(self) -> dict[str, set[str]]:
        """What a deployment did: names by kind of step."""
        events = self.run("pulumi up --yes --skip-preview --json").splitlines()
        done: dict[str, set[str]] = {}
        for event in map(json.loads, events):
            step = event.get("resourcePreEvent", {}).get("metadata")
            if step and step["op"] not in ("same", "read"):
                done.setdefault(step["op"], set()).add(step["urn"].rpartition("::")[2])
        return done


@pytest.fixture
def folder(aws: Target, tmp_path: Path) -> Iterator[Folder]:
    made = Folder(tmp_path, aws)
    yield made
    made.run("pulumi state unprotect --all --yes")
    made.run("pulumi destroy --yes --skip-preview")
    made.run("pulumi stack rm page --yes")
    with suppress(aws.clients.sqs.exceptions.QueueDoesNotExist):
        aws.clients.sqs.delete_queue(QueueUrl=made.url)


@pytest.mark.slow
def test_the_queue_is_wrapped_and_then_imported_beside_the_component(folder: Folder) -> None:
    folder.write(AROUND)
    for command in ("pulumi preview", "pulumi up --yes"):
        assert command in COMMANDS
        folder.run(command)
    assert "RedrivePolicy" in folder.attributes()
    folder.write(BESIDE.replace("seconds=60", "seconds=61"))
    assert {"import", "update"} <= folder.previewed().keys(), "a difference is seen"
    folder.write(BESIDE)
    assert folder.steps() == {"import": {"orders"}}
    assert folder.steps() == {}
    with pytest.raises(CommandError, match="protected"):
        folder.run("pulumi destroy --yes --skip-preview")


@pytest.mark.slow
def test_the_queue_is_imported_by_the_command(folder: Folder) -> None:
    [command] = [line for line in COMMANDS if line.startswith("pulumi import ")]
    folder.run(command)
    folder.write(BESIDE)
    steps = folder.steps()
    assert steps.keys() == {"create"}
    assert "orders-queue" not in steps["create"]
    assert "orders-mapping" in steps["create"]


@pytest.mark.slow
def test_the_queue_becomes_the_component_s_own_and_leaves_it_again(folder: Folder) -> None:
    folder.write(AROUND)
    folder.run("pulumi up --yes")
    folder.write(INSIDE)
    of_queue = ("import-replacement", "replace", "discard-replaced")
    steps = {kind: {"orders-queue"} for kind in of_queue}
    assert folder.steps() == {**steps, "create": {"orders-queue-policy"}}
    folder.write(AROUND)
    assert folder.steps() == {"delete": {"orders-queue-policy"}}
    assert folder.attributes()["VisibilityTimeout"] == "60"
    assert "RedrivePolicy" in folder.attributes()
    folder.run("pulumi destroy --yes --skip-preview")
    assert "RedrivePolicy" not in folder.attributes()
