"""The provider under the real engine: stacks made, changed, mended, imported, removed."""

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pulumi.automation import CommandError

from automation.opening import opened_target
from automation.target import Target

pytestmark = pytest.mark.engine

PROJECT = """\
name: provider
runtime:
  name: python
  options: {toolchain: pip}
"""
# A queue with dead letters, fed to a function.
PIPELINE = """\
config = pulumi.Config()
dlq = aws.sqs.Queue("dlq")
queue = aws.sqs.Queue("queue", visibility_timeout_seconds=60)
aws.sqs.RedrivePolicy(
    "redrive",
    queue_url=queue.url,
    redrive_policy=pulumi.Output.json_dumps(
        {"deadLetterTargetArn": dlq.arn, "maxReceiveCount": config.require_int("receives")}
    ),
)
trust = {"Effect": "Allow", "Action": "sts:AssumeRole"}
trust["Principal"] = {"Service": "lambda.amazonaws.com"}
role = aws.iam.Role(
    "role", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
)
consume = {"Effect": "Allow", "Action": ["sqs:*"], "Resource": queue.arn}
policy = aws.iam.RolePolicy(
    "policy",
    role=role.name,
    policy=pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": [consume]}),
)
source = config.require("source")
layer = aws.lambda_.LayerVersion("layer", layer_name="layer", code=pulumi.FileArchive(source))
function = aws.lambda_.Function(
    "function",
    role=role.arn,
    runtime="python3.12",
    handler="handler.handler",
    code=pulumi.AssetArchive({"handler.py": pulumi.FileAsset(f"{source}/handler.py")}),
    layers=[layer.arn],
    opts=pulumi.ResourceOptions(depends_on=[policy]),
)
aws.lambda_.EventSourceMapping(
    "mapping", event_source_arn=queue.arn, function_name=function.name
)
"""


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    home = tmp_path_factory.mktemp("home")
    with opened_target("local", home=home, report=lambda _line: None) as opened:
        yield opened


class Project:
    """A folder with a program, and a stack of it."""

    def __init__(self, folder: Path, target: Target) -> None:
        self._folder = folder
        self._target = target
        (folder / "Pulumi.yaml").write_text(PROJECT)
        # The tests of this module share a backend, and pytest names each test's folder anew.
        self._run("stack", "init", folder.parent.name)
        self.configure("aws:region", target.region)

    def write(self, program: str) -> None:
        imports = "import json\n\nimport pulumi\nimport pulumi_aws as aws\n\n"
        (self._folder / "__main__.py").write_text(imports + textwrap.dedent(program))

    def configure(self, key: str, value: str) -> None:
        self._run("config", "set", key, value)

    def preview(self) -> dict[str, int]:
        """How many resources would be created, updated, replaced, left the same."""
        return json.loads(self._run("preview", "--json"))["changeSummary"]

    def up(self) -> dict[str, int]:
        """How many resources were created, updated, replaced, left the same."""
        return self._change("up")

    def refresh(self) -> dict[str, int]:
        return self._change("refresh")

    def destroy(self) -> None:
        self._change("destroy")

    def _change(self, command: str) -> dict[str, int]:
        events = self._run(command, "--yes", "--skip-preview", "--json").splitlines()
        summaries = [event for event in map(json.loads, events) if "summaryEvent" in event]
        return summaries[-1]["summaryEvent"]["resourceChanges"]

    def _run(self, *arguments: str) -> str:
        environment = dict(self._target.environment)
        return self._target.engine.run([*arguments], str(self._folder), environment).stdout


@pytest.fixture
def project(tmp_path: Path, target: Target) -> Iterator[Project]:
    folder = tmp_path / "program"
    folder.mkdir()
    project = Project(folder, target)
    yield project
    project.destroy()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "handler.py").write_text("def handler(event, context): return {}\n")
    return folder


def queue_names(target: Target) -> list[str]:
    urls = target.clients.sqs.list_queues().get("QueueUrls", [])
    return [url.rsplit("/", 1)[-1] for url in urls]


def test_a_stack_is_made_left_alone_changed_and_removed(
    project: Project, source: Path, target: Target
) -> None:
    project.write(PIPELINE)
    project.configure("receives", "2")
    project.configure("source", str(source))
    assert project.preview() == {"create": 9}
    assert queue_names(target) == []
    assert project.up() == {"create": 9}
    assert project.up() == {"same": 9}
    project.configure("receives", "3")
    assert project.up() == {"update": 1, "same": 8}
    (source / "handler.py").write_text("def handler(event, context): return None\n")
    # Of a layer there is a next version; the function takes it and its own new code.
    assert project.up() == {"replace": 1, "update": 1, "same": 7}
    project.destroy()
    assert queue_names(target) == []
    assert target.clients.functions.list_functions()["Functions"] == []
    assert target.clients.functions.list_event_source_mappings()["EventSourceMappings"] == []


def test_a_changed_name_replaces(project: Project, target: Target) -> None:
    project.write('aws.sqs.Queue("queue", name="one")')
    project.up()
    project.write('aws.sqs.Queue("queue", name="two")')
    assert project.up() == {"replace": 1, "same": 1}
    assert queue_names(target) == ["two"]


@pytest.mark.slow
def test_a_standard_queue_becomes_a_fifo_queue_of_another_name_and_back(
    project: Project, target: Target
) -> None:
    project.write('aws.sqs.Queue("queue")')
    project.up()
    [standard] = queue_names(target)
    project.write('aws.sqs.Queue("queue", fifo_queue=True)')
    assert project.preview() == {"replace": 1, "same": 1}
    assert project.up() == {"replace": 1, "same": 1}
    [fifo] = queue_names(target)
    assert fifo.endswith(".fifo")
    assert not fifo.startswith(standard)
    assert project.up() == {"same": 2}
    project.write('aws.sqs.Queue("queue")')
    assert project.up() == {"replace": 1, "same": 1}
    [again] = queue_names(target)
    assert not again.endswith(".fifo")


def test_a_queue_deleted_behind_its_back_is_found_by_a_refresh_and_made_again(
    project: Project, target: Target
) -> None:
    project.write('aws.sqs.Queue("queue", name="orders")')
    project.up()
    [url] = target.clients.sqs.list_queues()["QueueUrls"]
    target.clients.sqs.delete_queue(QueueUrl=url)
    assert project.refresh() == {"delete": 1, "same": 1}
    assert project.up() == {"create": 1, "same": 1}
    assert queue_names(target) == ["orders"]


@pytest.mark.slow
def test_resources_that_exist_are_imported_without_a_change(
    project: Project, target: Target
) -> None:
    attributes: dict[Any, str] = {"VisibilityTimeout": "45"}
    url = target.clients.sqs.create_queue(QueueName="imported", Attributes=attributes)["QueueUrl"]
    topic_arn = target.clients.sns.create_topic(Name="imported")["TopicArn"]
    project.write(f"""
        aws.sqs.Queue(
            "queue",
            name="imported",
            max_message_size=1048576,
            visibility_timeout_seconds=45,
            opts=pulumi.ResourceOptions(import_="{url}"),
        )
        aws.sns.Topic(
            "topic", name="imported", opts=pulumi.ResourceOptions(import_="{topic_arn}")
        )
    """)
    assert project.up() == {"create": 1, "import": 2}
    assert project.up() == {"same": 3}


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ('aws.sns.SmsPreferences("texts")', "aws:sns/smsPreferences:SmsPreferences"),
        ('aws.sqs.Queue("queue", delay_seconds=901)', "delaySeconds is 901; allowed: 0 to 900"),
        ('aws.lambda_.get_function(function_name="x")', "aws:lambda/getFunction:getFunction"),
        ('aws.Provider("provider", max_retries=3)', "aws:maxRetries"),
    ],
    ids=["type", "value", "function", "setting"],
)
def test_what_the_provider_does_not_know_is_refused_by_name_in_the_preview(
    project: Project, target: Target, wrong: str, named: str
) -> None:
    project.write(f'aws.sqs.Queue("first")\n{wrong}')
    with pytest.raises(CommandError, match=named):
        project.preview()
    assert queue_names(target) == []
