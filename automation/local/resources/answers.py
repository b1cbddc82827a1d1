"""The framework's results as the messages that the engine reads."""

# gRPC ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import any_pb2
from pulumi.runtime.proto import provider_pb2, status_pb2

from automation.local.resources.diffing import Difference
from automation.local.resources.lifecycle import HalfMadeError
from automation.local.resources.schema import Failure
from automation.local.resources.values import encode


@dataclass(frozen=True)
class _Status(grpc.Status):
    """A gRPC status with details: how the engine learns of a half-made resource."""

    code: Any
    details: str
    trailing_metadata: Any


def failures(found: Iterable[Failure]) -> list[provider_pb2.CheckFailure]:
    return [provider_pb2.CheckFailure(property=item.property, reason=item.reason) for item in found]


def difference(found: Difference) -> provider_pb2.DiffResponse:
    response = provider_pb2.DiffResponse
    detail = provider_pb2.PropertyDiff
    kinds = {
        ("add", False): detail.ADD,
        ("add", True): detail.ADD_REPLACE,
        ("delete", False): detail.DELETE,
        ("delete", True): detail.DELETE_REPLACE,
        ("update", False): detail.UPDATE,
        ("update", True): detail.UPDATE_REPLACE,
    }
    return provider_pb2.DiffResponse(
        changes=response.DIFF_SOME if found.changes else response.DIFF_NONE,
        replaces=found.replaced,
        stables=found.stable,
        deleteBeforeReplace=bool(found.replaced) and found.delete_first,
        diffs=sorted(found.changed),
        detailedDiff={
            change.path: detail(kind=kinds[change.kind, change.replaces])
            for change in found.changes
        },
        hasDetailedDiff=True,
    )


def half_made(error: HalfMadeError) -> _Status:
    detail = provider_pb2.ErrorResourceInitFailed(
        id=error.resource.id,
        properties=encode(error.resource.outputs),
        inputs=encode(error.resource.inputs),
        reasons=[error.reason],
    )
    packed = any_pb2.Any()
    packed.Pack(detail)
    status = status_pb2.Status(
        code=grpc.StatusCode.UNKNOWN.value[0], message=error.reason, details=[packed]
    )
    metadata = (("grpc-status-details-bin", status.SerializeToString()),)
    return _Status(grpc.StatusCode.UNKNOWN, error.reason, metadata)
