"""What SQS does with each request, at once and without fail; who asks is not its concern."""

import itertools
import random
import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.unkind.behaviour import Behaviour
from tests.unkind.clock import Clock
from tests.unkind.errors import client_error
from tests.unkind.ledger import Ledger
from tests.unkind.move_tasks import MoveTasks
from tests.unkind.queue import (
    DEDUPLICATION_SECONDS,
    DEFAULTS,
    FifoQueue,
    Queue,
    StandardQueue,
    Stored,
    stored,
)
from tests.unkind.sending import check_entries, check_entry

_RECEIPT = re.compile(r"(?P<queue>[\w.-]+)#(?P<number>\d+)#(?P<receives>\d+)")
_LONGEST_HIDING_SECONDS = 43_200


class Sqs:
    """The service: its queues and what may be asked of them.

    Attributes:
        queues: by URL.
        watchers: are called when a queue has got a message, with the queue.
    """

    def __init__(
        self, clock: Clock, rng: random.Random, behaviour: Behaviour, ledger: Ledger
    ) -> None:
        self.queues: dict[str, Queue] = {}
        self.watchers: list[Callable[[Queue], None]] = []
        self.ledger = ledger
        self._clock = clock
        self._rng = rng
        self._behaviour = behaviour
        self._deleted_at: dict[str, float] = {}
        self._received: dict[str, Stored] = {}
        self._ids = itertools.count()
        self._tasks = MoveTasks(self, clock, behaviour)
        self.start_message_move_task = self._tasks.start
        self.list_message_move_tasks = self._tasks.list
        self.cancel_message_move_task = self._tasks.cancel

    def new_id(self) -> str:
        return f"id-{next(self._ids)}"

    def queue(self, url: str, operation: str) -> Queue:
        """A queue with everything that time has brought."""
        if url not in self.queues:
            raise client_error(
                "AWS.SimpleQueueService.NonExistentQueue",
                operation,
                "The specified queue does not exist.",
            )
        queue = self.queues[url]
        queue.settle(self._clock.now)
        return queue

    def by_arn(self, arn: str) -> Queue | None:
        return next((queue for queue in self.queues.values() if queue.arn == arn), None)

    def create_queue(self, **request: Any) -> dict[str, Any]:
        name, settings = request["QueueName"], dict(request.get("Attributes", {}))
        deleted_at = self._deleted_at.get(name)
        wait = self._behaviour.queue_name_seconds
        if deleted_at is not None and self._clock.now < deleted_at + wait:
            raise client_error(
                "AWS.SimpleQueueService.QueueDeletedRecently",
                "CreateQueue",
                "You must wait 60 seconds after deleting a queue before you can create another "
                "with the same name.",
            )
        kind = FifoQueue if name.endswith(".fifo") else StandardQueue
        queue = kind(
            name=name,
            settings={**DEFAULTS, **settings},
            behaviour=self._behaviour,
            rng=self._rng,
            ledger=self.ledger,
        )
        if queue.url in self.queues:
            if self.queues[queue.url].settings != queue.settings:
                raise client_error("QueueAlreadyExists", "CreateQueue")
        else:
            self.queues[queue.url] = queue
        return {"QueueUrl": queue.url}

    def delete_queue(self, **request: Any) -> dict[str, Any]:
        queue = self.queue(request["QueueUrl"], "DeleteQueue")
        self._empty(queue)
        del self.queues[queue.url]
        self._deleted_at[queue.name] = self._clock.now
        return {}

    def purge_queue(self, **request: Any) -> dict[str, Any]:
        queue, now = self.queue(request["QueueUrl"], "PurgeQueue"), self._clock.now
        # SQS API Reference, PurgeQueue: one in 60 seconds.
        if queue.purge_began_at is not None and now < queue.purge_began_at + 60:
            raise client_error(
                "AWS.SimpleQueueService.PurgeQueueInProgress",
                "PurgeQueue",
                f"Only one PurgeQueue operation on {queue.name} is allowed every 60 seconds.",
            )
        queue.purge_began_at = now
        self._clock.at(now + self._behaviour.purge_seconds, lambda: self._empty(queue))
        self._clock.pass_until(now)
        return {}

    def get_queue_attributes(self, **request: Any) -> dict[str, Any]:
        queue = self.queue(request["QueueUrl"], "GetQueueAttributes")
        visible, in_flight = queue.counts(self._clock.now)
        known = {
            **queue.settings,
            "QueueArn": queue.arn,
            "ApproximateNumberOfMessages": str(visible),
            "ApproximateNumberOfMessagesNotVisible": str(in_flight),
            "ApproximateNumberOfMessagesDelayed": "0",
        }
        names = request.get("AttributeNames", [])
        found = {name: value for name, value in known.items() if name in names or "All" in names}
        return {"Attributes": found}

    def set_queue_attributes(self, **request: Any) -> dict[str, Any]:
        queue = self.queue(request["QueueUrl"], "SetQueueAttributes")
        queue.settings.update(request["Attributes"])
        return {}

    def receive_message(self, **request: Any) -> dict[str, Any]:
        queue, now = self.queue(request["QueueUrl"], "ReceiveMessage"), self._clock.now
        wanted, wait = request.get("MaxNumberOfMessages", 1), request.get("WaitTimeSeconds", 0)
        if not 1 <= wanted <= 10 or not 0 <= wait <= 20:
            raise client_error("InvalidParameterValue", "ReceiveMessage")
        room = self._behaviour.in_flight_quota - queue.in_flight
        if room <= 0 and not queue.is_fifo and not wait:
            raise client_error("OverLimit", "ReceiveMessage", "Too many messages in flight")
        seconds = request.get("VisibilityTimeout", int(queue.settings["VisibilityTimeout"]))
        messages = [
            self._delivery(message, queue.hide(message, now, seconds))
            for message in self._taken(queue, self._drawn(min(wanted, room), wait), wait > 0)
        ]
        # A visibility timeout of 0 shows what was received at once.
        queue.settle(now)
        return {"Messages": messages} if messages else {}

    def send_message(self, **request: Any) -> dict[str, Any]:
        answer = self.send_message_batch(
            QueueUrl=request["QueueUrl"],
            Entries=[{"Id": "0", **{k: v for k, v in request.items() if k != "QueueUrl"}}],
        )
        if failed := answer["Failed"]:
            raise client_error(failed[0]["Code"], "SendMessage", failed[0]["Message"])
        return {"MessageId": answer["Successful"][0]["MessageId"]}

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        queue, entries = self.queue(request["QueueUrl"], "SendMessageBatch"), request["Entries"]
        check_entries(entries, "SendMessageBatch", are_messages=True)
        failed: list[dict[str, Any]] = []
        for entry in entries:
            if problem := check_entry(entry, queue):
                code, words, is_of_the_request = problem
                if is_of_the_request or self._behaviour.refuses_whole_requests:
                    raise client_error(code, "SendMessageBatch", words)
                failed.append(failure(entry["Id"], code, words))
        bad = {entry["Id"] for entry in failed}
        successful = [
            {"Id": entry["Id"], "MessageId": self._accept(queue, entry)}
            for entry in entries
            if entry["Id"] not in bad
        ]
        for watcher in self.watchers:
            watcher(queue)
        return {"Successful": successful, "Failed": failed}

    def delete_message_batch(self, **request: Any) -> dict[str, Any]:
        return self._for_each_receipt(request, "DeleteMessageBatch", self._delete)

    def change_message_visibility_batch(self, **request: Any) -> dict[str, Any]:
        return self._for_each_receipt(request, "ChangeMessageVisibilityBatch", self._change)

    def received(self, receipt: str) -> Stored:
        """The message that a receipt handle stands for."""
        return self._received[receipt.rpartition("#")[0]]

    def delete_processed(self, queue: Queue, message: Stored, receipt: str) -> bool:
        """Lambda's mapping deletes what a consumer has processed, by the receipt that it has.

        Returns whether the message was still that receive's own, and not somebody else's by now.
        """
        is_own = not message.is_gone and receipt.endswith(f"#{message.receives}")
        is_old = not receipt.endswith(f"#{message.receives}")
        is_ignored = is_old and self._rng.choice(self._behaviour.old_receipts) != "deletes"
        if queue.is_fifo:
            is_ignored = is_old or message.is_visible
        if not message.is_gone and not is_ignored:
            queue.remove(message, self._clock.now)
            self.ledger.deleted(message.content, was_processed=True)
        return is_own

    def _drawn(self, most: int, wait: int) -> int:
        """How many messages a receive returns at the most."""
        behaviour, rng = self._behaviour, self._rng
        if most <= 0 or (not wait and rng.random() < behaviour.empty_receives):
            return 0
        return rng.randint(1, most) if rng.random() < behaviour.short_receives else most

    def _taken(self, queue: Queue, wanted: int, is_long: bool) -> list[Stored]:
        """What a receive returns; in place of what is dead-lettered now come others."""
        taken: dict[int, Stored] = {}
        while len(taken) < wanted:
            found = queue.take(wanted - len(taken), is_long=is_long)
            kept = [message for message in found if not self._dead_lettered(queue, message)]
            taken.update((message.number, message) for message in kept)
            if len(kept) == len(found):
                break
        return list(taken.values())

    def _dead_lettered(self, queue: Queue, message: Stored) -> bool:
        """Move a message that was received too often; return whether it is moved."""
        rule, now = queue.dead_letter_rule, self._clock.now
        target = self.by_arn(rule[0]) if rule else None
        if rule is None or target is None or message.receives < rule[1] or message.is_gone:
            return False
        queue.remove(message, now)
        system = {**message.system, "DeadLetterQueueSourceArn": queue.arn}
        if queue.is_fifo:
            # Developer Guide, "Learn how to configure a dead-letter queue redrive".
            system["MessageDeduplicationId"] = message.message_id
        # Developer Guide, "Setting-up dead-letter queue retention": the time stays, in FIFO not.
        sent_at = now if queue.is_fifo else message.sent_at
        system["SentTimestamp"] = str(int(sent_at * 1000))
        moved = stored(message.message_id, message.body, message.attributes, system, sent_at)
        moved.receives = message.receives
        moved.first_received_at = message.first_received_at
        target.settle(now)
        target.add(moved, now)
        for watcher in self.watchers:
            watcher(target)
        return True

    def _delivery(self, message: Stored, receipt: str) -> dict[str, Any]:
        delivery: dict[str, Any] = {
            "MessageId": message.message_id,
            "Body": message.body,
            "Attributes": {
                **message.system,
                "ApproximateReceiveCount": str(message.receives),
                "ApproximateFirstReceiveTimestamp": str(int(message.first_received_at * 1000)),
            },
            "ReceiptHandle": receipt,
        }
        if message.attributes:
            delivery["MessageAttributes"] = message.attributes
        self._received[receipt.rpartition("#")[0]] = message
        return delivery

    def _accept(self, queue: Queue, entry: Mapping[str, Any]) -> str:
        now, deduplication_id = self._clock.now, entry.get("MessageDeduplicationId")
        sent_at, sent_id = queue.sent_by_deduplication_id.get(deduplication_id or "", (0.0, ""))
        if deduplication_id and sent_id and now < sent_at + DEDUPLICATION_SECONDS:
            return sent_id
        system = {"SentTimestamp": str(int(now * 1000)), "SenderId": "AIDAEXAMPLE"}
        for name in ("MessageGroupId", "MessageDeduplicationId"):
            if name in entry:
                system[name] = entry[name]
        if trace := entry.get("MessageSystemAttributes", {}).get("AWSTraceHeader"):
            system["AWSTraceHeader"] = trace["StringValue"]
        message = stored(
            self.new_id(),
            entry["MessageBody"],
            dict(entry.get("MessageAttributes", {})),
            system,
            now,
        )
        queue.add(message, now)
        self.ledger.accepted(message.content)
        if deduplication_id:
            queue.sent_by_deduplication_id[deduplication_id] = (now, message.message_id)
        return message.message_id

    def _for_each_receipt(
        self,
        request: Mapping[str, Any],
        operation: str,
        act: Callable[[Queue, Stored, int, Mapping[str, Any]], tuple[str, str] | None],
    ) -> dict[str, Any]:
        queue, entries = self.queue(request["QueueUrl"], operation), request["Entries"]
        check_entries(entries, operation, are_messages=False)
        answer: dict[str, Any] = {"Successful": [], "Failed": []}
        for entry in entries:
            receipt = entry["ReceiptHandle"]
            found = _RECEIPT.fullmatch(receipt)
            known = self._received.get(receipt.rpartition("#")[0])
            if found is None or known is None or found["queue"] != queue.name:
                words = f"The input receipt handle '{receipt}' is not a valid receipt handle."
                answer["Failed"].append(failure(entry["Id"], "ReceiptHandleIsInvalid", words))
            elif problem := act(queue, known, int(found["receives"]), entry):
                answer["Failed"].append(failure(entry["Id"], *problem))
            else:
                answer["Successful"].append({"Id": entry["Id"]})
        return answer

    def _delete(
        self, queue: Queue, message: Stored, receives: int, entry: Mapping[str, Any]
    ) -> tuple[str, str] | None:
        if message.is_gone:
            return None
        is_old = message.receives != receives
        if queue.is_fifo and (is_old or message.is_visible):
            return _expired(entry["ReceiptHandle"])
        if is_old:
            outcome = self._rng.choice(self._behaviour.old_receipts)
            if outcome != "deletes":
                return _expired(entry["ReceiptHandle"]) if outcome == "expired" else None
        queue.remove(message, self._clock.now)
        self.ledger.deleted(message.content, was_processed=False)
        return None

    def _change(
        self, queue: Queue, message: Stored, receives: int, entry: Mapping[str, Any]
    ) -> tuple[str, str] | None:
        if queue.is_fifo and (message.is_visible or message.receives != receives):
            return _expired(entry["ReceiptHandle"])
        if message.is_gone or message.is_visible or message.receives != receives:
            return (
                "InvalidParameterValue",
                f"Value {entry['ReceiptHandle']} for parameter ReceiptHandle is invalid. Reason: "
                "Message does not exist or is not available for visibility timeout change.",
            )
        if not 0 <= entry["VisibilityTimeout"] <= _LONGEST_HIDING_SECONDS:
            return "InvalidParameterValue", "VisibilityTimeout"
        queue.show_in(message, self._clock.now, entry["VisibilityTimeout"])
        return None

    def _empty(self, queue: Queue) -> None:
        for message in queue.messages():
            queue.remove(message, self._clock.now)
            self.ledger.forgotten(message.content, self.ledger.purged)


def failure(entry_id: str, code: str, words: str, *, sender_fault: bool = True) -> dict[str, Any]:
    """One entry of a batch's answer that failed."""
    return {"Id": entry_id, "Code": code, "Message": words, "SenderFault": sender_fault}


def _expired(receipt: str) -> tuple[str, str]:
    return (
        "InvalidParameterValue",
        f"Value {receipt} for parameter ReceiptHandle is invalid. Reason: The receipt handle has "
        "expired.",
    )
