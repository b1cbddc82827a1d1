"""`plan` prints what docs/plan.md shows, in each form, and refuses what can't be planned."""

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from automation.aws.clients import Clients
from automation.commands import plan
from automation.operations.measured_load import MeasuredLoad
from automation.target import LOCAL_PACE, Account

from .pages import REPOSITORY, Run

PAGE = (REPOSITORY / "docs" / "plan.md").read_text()
EXAMPLES = re.findall(
    r"^```sh\npython -m automation (.*?)\n```\n\n```text\n(.*?)\n```",
    PAGE,
    re.MULTILINE | re.DOTALL,
)
LOAD = ("--rate", "100", "--duration-ms", "40")


@pytest.fixture
def run(call: Run) -> Run:
    return call


@pytest.mark.parametrize(("command", "shown"), EXAMPLES)
def test_page_shows_what_the_command_prints(run: Run, command: str, shown: str) -> None:
    code, output, said = run(*command.split())
    printed = (output + said).rstrip()
    assert [line.rstrip() for line in printed.splitlines()] == shown.splitlines()
    assert code == (2 if shown.startswith("error") else 0)


def test_page_has_a_plan_and_a_refusal() -> None:
    assert [shown.startswith("error") for _, shown in EXAMPLES] == [False, True]


def test_page_knows_every_flag() -> None:
    flags = {flag for option in plan.plan.params for flag in option.opts if flag.startswith("--")}
    for flag in flags - {"--target", "--home"}:
        assert f"`{flag}" in PAGE or f"{flag}`" in PAGE or f" {flag}" in PAGE, flag


def test_json_is_the_plan_with_its_sources(run: Run) -> None:
    code, output, said = run("plan", *LOAD, "--burst", "1000", "--json")
    answer: Any = json.loads(output)
    assert (code, said) == (0, "")
    assert answer["setting"]["concurrency"] == 10
    assert answer["burst"]["moments"][0] == {"seconds": 0, "messages": 1000, "concurrency": 5}
    assert answer["monthly_usd"] == pytest.approx(sum(part["usd"] for part in answer["monthly"]))
    assert answer["arguments"].startswith("ReliableQueueArgs(")
    assert answer["figures"]["sqs_million_requests"] == {
        "value": 0.4,
        "source": "https://aws.amazon.com/sqs/pricing/",
        "read": "2026-11-29",
    }


@pytest.mark.parametrize("load", [(*LOAD, "--burst", "1000"), LOAD])
def test_picture_is_drawn_within_its_frame(run: Run, tmp_path: Path, load: tuple[str, ...]) -> None:
    file = tmp_path / "backlog.svg"
    assert run("plan", *load, "--svg", str(file))[0] == 0
    picture = ElementTree.fromstring(file.read_text())  # noqa: S314 our own
    _, _, width, height = map(float, picture.attrib["viewBox"].split())
    (line,) = picture.iter("{http://www.w3.org/2000/svg}polyline")
    points = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
    assert all(0 <= x <= width and 0 <= y <= height for x, y in points)
    if "--burst" in load:
        # From the top on the left down to the axis on the right.
        assert points[0][0] < points[-1][0]
        assert points[0][1] < points[-1][1]


def test_plan_is_told_though_its_picture_can_t_be_written(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "nowhere" / "backlog.svg"
    code, output, error = run("plan", *LOAD, "--svg", str(file))
    assert code == 2
    assert "ReliableQueueArgs(" in output
    assert f"--svg {file} can't be written: No such file or directory" in " ".join(error.split())


def test_replaced_prices_are_paid(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text("dashboard_month = 300\n")
    assert "300.00" in run("plan", *LOAD, "--prices", str(file))[1]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ((), "say the load: --rate N --duration-ms MS, or --from-queue QUEUE"),
        (("--rate", "1"), "say the load"),
        ((*LOAD, "--fifo"), "--fifo needs --groups N"),
        ((*LOAD, "--groups", "3"), "--groups goes with --fifo"),
        ((*LOAD, "--drain-within", "5"), "--drain-within goes with --burst"),
        ((*LOAD, "--burst", "5", "--drain-within", "nan"), "--drain-within = nan"),
        ((*LOAD, "--minimum-pollers", "5"), "--minimum-pollers goes with --provisioned"),
        ((*LOAD, "--fifo", "--groups", "9", "--provisioned"), "goes with a standard queue"),
        ((*LOAD, "--memory-mb", "5"), "memory_mb = 5 is out of range"),
        ((*LOAD, "--burst", "inf"), "'inf' is not a valid integer"),
        (("--rate", "inf", "--duration-ms", "1"), "--rate = inf is out of range"),
    ],
)
def test_wrong_use_is_told_in_one_message(run: Run, flags: tuple[str, ...], said: str) -> None:
    code, output, error = run("plan", *flags)
    assert (code, output) == (2, "")
    assert said in error


def test_queue_of_which_nothing_was_counted_is_refused_with_what_to_give(
    run: Run, clients: Clients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients.sqs.create_queue(QueueName="orders")

    @contextmanager
    def opened(*_: object, **__: object) -> Generator[Account]:
        yield Account(
            name="aws",
            account_id="123456789012",
            region="us-east-1",
            clients=clients,
            pace=LOCAL_PACE,
        )

    monkeypatch.setattr(plan, "opened_account", opened)
    home = ("--home", str(tmp_path))
    code, output, error = run("plan", "--from-queue", "orders", "--target", "aws", *home)
    assert (code, output) == (2, "")
    assert "give --rate" in error
    assert "give --duration-ms" in error
    code, output, _ = run("plan", "--from-queue", "orders", "--target", "aws", *home, *LOAD)
    assert code == 0
    assert "how many messages are bad is not counted" in output


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """What CloudWatch has about a queue of that name."""

    def measured(name: str) -> None:
        load = MeasuredLoad(
            queue_name=name,
            function_name="work",
            rate_per_second=50,
            mean_rate_per_second=2,
            duration_seconds=0.2,
            message_bytes=3_000,
            is_fifo=name.endswith(".fifo"),
            assumptions=("the rate is that of the busiest five minutes of 7 days",),
        )
        monkeypatch.setattr(plan, "_measured", lambda *_: load)

    return measured


def test_measured_load_is_planned_and_what_is_given_by_hand_counts_more(
    run: Run, measured: Callable[[str], None]
) -> None:
    measured("orders")
    _, output, _ = run("plan", "--from-queue", "orders", "--json")
    answer: Any = json.loads(output)
    load = answer["load"]
    assert (load["rate_per_second"], load["mean_rate_per_second"]) == (50, 2)
    assert (load["duration_seconds"], load["message_bytes"]) == (0.2, 3_000)
    assert answer["notes"][0].startswith("measured: the rate")
    _, output, _ = run("plan", "--from-queue", "orders", "--rate", "9", "--json")
    load = json.loads(output)["load"]
    assert (load["rate_per_second"], load["mean_rate_per_second"]) == (9, 9)


def test_measured_fifo_queue_has_to_be_planned_as_one(
    run: Run, measured: Callable[[str], None]
) -> None:
    measured("orders.fifo")
    code, _, error = run("plan", "--from-queue", "orders.fifo")
    assert code == 2
    assert "orders.fifo is a FIFO queue: say --fifo --groups N" in error
