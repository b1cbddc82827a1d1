"""The producers: invoked all at once, each with a run of its own."""

import json
import random
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import Future
from typing import TYPE_CHECKING, cast

from botocore.exceptions import BotoCoreError, ClientError

from automation.aws.errors import is_throttled, was_never_connected, was_never_made
from automation.errors import AutomationError
from automation.proof.account import Sent
from automation.proof.report import Options
from automation.target import Target
from components.outputs import StackOutputs

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

Event = dict[str, object]

# Lambda throttles for a second or so: its limits are of requests in a second, or of what runs.
_ATTEMPTS = 5


def refuse_idle_producers(options: Options) -> None:
    """Raise AutomationError when there are fewer messages than producers.

    Each sends one at least, however low its part of the rate is.
    """
    rate, seconds = options.messages_per_second, options.duration_seconds
    if rate is not None and options.producers > max(1, rate * seconds):
        raise AutomationError(
            f"--rate {rate:g} for --duration {seconds:g} s is less than one message for each of "
            f"--producers {options.producers}: take a higher rate, a longer time or fewer producers"
        )
    if options.max_messages is not None and options.max_messages < options.producers:
        raise AutomationError(
            f"--messages {options.max_messages} is less than --producers {options.producers}, and "
            "each of them sends one at least: take more messages or fewer producers"
        )


def produce(options: Options, target: Target, outputs: StackOutputs) -> list[Sent]:
    """Invoke the producers at once and return what each says that SQS accepted.

    Raises:
        AutomationError: of one of them nobody knows whether it ran.
        ClientError, BotoCoreError: one of them could not be invoked.
    """
    invoker, function_name = target.clients.invoker, outputs.producer_function_name
    reports = [_in_thread(invoker, function_name, event) for event in producer_events(options)]
    return [report.result() for report in reports]


def producer_events(options: Options) -> Iterator[Event]:
    """The producers' events: together they send what the options ask for.

    With a seed the first of several sends what it alone would; the others' seeds come from it.
    """
    producers = options.producers
    for number in range(producers):
        rate, most, seed = options.messages_per_second, options.max_messages, options.seed
        if seed is not None and number > 0:
            # Reproducible, and nothing to protect.
            seed = random.Random(f"{seed} {number}").getrandbits(63)  # noqa: S311
        yield {
            "duration_s": options.duration_seconds,
            "rate": None if rate is None else rate / producers,
            "max_messages": None if most is None else (most + number) // producers,
            "bad_ratio": options.bad_ratio,
            "seed": seed,
            # Chosen here, so that the messages of one that fails are known as its own.
            "run_id": str(uuid.uuid4()),
        }


def _in_thread(invoker: "LambdaClient", function_name: str, event: Event) -> "Future[Sent]":
    """Invoke in a thread of its own, which nobody waits for once the run is interrupted."""
    report: Future[Sent] = Future()

    def invoke() -> None:
        try:
            report.set_result(_invoke(invoker, function_name, event))
        except BaseException as error:  # noqa: BLE001 it is raised where the result is asked for
            report.set_exception(error)

    threading.Thread(target=invoke, name="producer", daemon=True).start()
    return report


def _invoke(invoker: "LambdaClient", function_name: str, event: Event) -> Sent:
    has_failed, answer = _answer(invoker, function_name, json.dumps(event).encode())
    payload = cast("dict[str, object]", json.loads(answer))
    if has_failed:
        error = str(payload.get("errorMessage"))
        return Sent(run_id=cast("str", event["run_id"]), messages=0, bad=0, error=error)
    return _sent(cast("str", payload["body"]))


def _answer(invoker: "LambdaClient", function_name: str, event: bytes) -> tuple[bool, bytes]:
    """Invoke once, again only where Lambda says that it did not; whether it failed, and its answer.

    Raises:
        AutomationError: it may have run.
        ClientError, BotoCoreError: it has not.
    """
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(random.uniform(0, 2 ** (attempt - 1)))  # noqa: S311 it spreads load
        try:
            answer = invoker.invoke(FunctionName=function_name, Payload=event)
            return "FunctionError" in answer, answer["Payload"].read()
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:
                raise _unanswered(function_name, error) from error
            if not is_throttled(error) or attempt == _ATTEMPTS - 1:
                raise
        except BotoCoreError as error:
            if was_never_connected(error) or was_never_made(error):
                raise
            raise _unanswered(function_name, error) from error
    raise AssertionError("the last attempt answers or raises")


def _unanswered(function_name: str, error: Exception) -> AutomationError:
    return AutomationError(
        f"the producer {function_name} gave no answer, and nobody knows whether it ran and what it "
        f"sent: there is no verdict. Run it once more ({error})"
    )


def _sent(body: str) -> Sent:
    message = cast("dict[str, object]", json.loads(body)["message"])
    error = None if message["status"] else str(message.get("error_message"))
    return Sent(
        run_id=cast("str", message["run_id"]),
        messages=cast("int", message["msg_cnt"]),
        bad=cast("int", message["bad_msg"]),
        error=error,
    )
