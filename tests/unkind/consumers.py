"""Consumers as people write them: this project's, and those that go wrong."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from tests.unkind.mapping import Consumer, Ending, Record, Run

IsBad = Callable[[Record], bool]


def ours(is_bad: IsBad, *, seconds: float = 0.1) -> Consumer:
    """Answers which messages failed, and logs as `functions/consumer/log_records.py` does."""

    def consume(batch: Sequence[Record]) -> Run:
        bad = [record for record in batch if is_bad(record)]
        good = [record for record in batch if not is_bad(record)]
        return Run(
            answer={"batchItemFailures": [{"itemIdentifier": r.message_id} for r in bad]},
            seconds=seconds,
            lines=[*(failure_line(record) for record in bad), batch_line(good, len(bad))],
        )

    return consume


def whole_batch_ends(ending: Ending, is_bad: IsBad) -> Consumer:
    """Comes to an end that fails its whole batch as soon as one of its messages is bad."""

    def consume(batch: Sequence[Record]) -> Run:
        return Run(ending=ending if any(map(is_bad, batch)) else "answer")

    return consume


def silent(is_bad: IsBad, *, seconds: float = 0.1) -> Consumer:
    """Answers which messages failed, and logs nothing."""

    def consume(batch: Sequence[Record]) -> Run:
        failed = [{"itemIdentifier": record.message_id} for record in batch if is_bad(record)]
        return Run(answer={"batchItemFailures": failed}, seconds=seconds)

    return consume


def failure_line(record: Record) -> str:
    """One failed message's log record."""
    run_id, seq = identity(record)
    return json.dumps(
        {
            "level": "ERROR",
            "message": "Record failed",
            "message_id": record.message_id,
            "receive_count": record.receives,
            "run_id": run_id,
            "seq": seq,
            "exception_name": "MissingStoreIdError",
            "missing_store_id": True,
            "reason": "the message attribute store_id is missing",
        }
    )


def batch_line(good: Sequence[Record], failures: int) -> str:
    """A batch's log record."""
    processed: dict[str, list[int]] = {}
    groups: dict[str, dict[str, list[int]]] = {}
    for record in good:
        run_id, seq = identity(record)
        if run_id is None or seq is None:
            continue
        processed.setdefault(run_id, []).append(seq)
        if record.group:
            groups.setdefault(run_id, {}).setdefault(record.group, []).append(seq)
    fields: dict[str, Any] = {
        "level": "INFO",
        "message": "Batch processed",
        "resp": {
            "status": True,
            "tot_msgs": len(good) + failures,
            "f_msgs": failures,
            "s_msgs": len(good),
        },
        "processed": processed,
    }
    return json.dumps({**fields, **({"groups": groups} if groups else {})})


def identity(record: Record) -> tuple[str | None, int | None]:
    """(run_id, seq) of a message; None where it carries none."""
    run_id, seq = (record.attributes.get(name, {}).get("StringValue") for name in ("run_id", "seq"))
    return run_id, int(seq) if seq else None
