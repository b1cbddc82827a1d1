"""Policies as the emulator wants them, where it asks for actions that AWS does not have.

To AWS a batch is its one action: `sqs:SendMessage` covers SendMessageBatch too. The emulator, when
it enforces policies, asks for `sqs:SendMessageBatch`. So each policy gets the batches' names on
its way in and loses them on its way out, and no program has to know of it.
Source: Amazon SQS Developer Guide, Amazon SQS API permissions: Actions and resource reference.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from automation.local.resources.values import Properties, items_of, members_of

_BATCH_OF: Final = {
    f"sqs:{action}": f"sqs:{action}Batch"
    for action in ("ChangeMessageVisibility", "DeleteMessage", "SendMessage")
}


def for_emulator(policy: str) -> str:
    """The policy with each action's batch beside it."""
    return _with_actions(policy, _added)


def as_written(policy: str) -> str:
    """The policy without the batches that `for_emulator` added."""
    return _with_actions(policy, _taken_away)


def _with_actions(policy: str, change: Callable[[list[Any]], list[Any]]) -> str:
    document: Any = json.loads(policy) if policy else None
    statements = [members_of(item) for item in items_of(members_of(document).get("Statement"))]
    changed = [_changed(statement, change) for statement in statements]
    if changed == statements:
        # To the letter: what there is nothing to say about comes out as it came in.
        return policy
    return json.dumps({**document, "Statement": changed}, separators=(",", ":"))


def _changed(statement: Properties, change: Callable[[list[Any]], list[Any]]) -> Properties:
    result = dict(statement)
    for name in ("Action", "NotAction"):
        actions = items_of(statement.get(name))
        wanted = change(actions)
        if wanted != actions:
            result[name] = wanted
    return result


def _added(actions: list[Any]) -> list[Any]:
    batches = [_BATCH_OF[action] for action in actions if action in _BATCH_OF]
    return actions + [batch for batch in batches if batch not in actions]


def _taken_away(actions: list[Any]) -> list[Any]:
    batches = {_BATCH_OF[action] for action in actions if action in _BATCH_OF}
    return [action for action in actions if action not in batches]
