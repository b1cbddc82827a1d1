"""The infrastructure: a queue that loses nothing, as a component for any Pulumi program.

Names are resolved when they are used, so that reading `components.outputs` or `components.limits`
(the automation does, at every start) doesn't import Pulumi and its AWS SDK.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from components.function import PythonFunction as PythonFunction
    from components.function import PythonFunctionArgs as PythonFunctionArgs
    from components.layer import DependencyLayer as DependencyLayer
    from components.layer import LayerError as LayerError
    from components.layer import dependency_layer as dependency_layer
    from components.limits import LimitError as LimitError
    from components.reliable_queue import ConsumerArgs as ConsumerArgs
    from components.reliable_queue import ReliableQueue as ReliableQueue
    from components.reliable_queue import ReliableQueueArgs as ReliableQueueArgs

_HOMES = {
    "ConsumerArgs": "components.reliable_queue",
    "DependencyLayer": "components.layer",
    "LayerError": "components.layer",
    "LimitError": "components.limits",
    "PythonFunction": "components.function",
    "PythonFunctionArgs": "components.function",
    "ReliableQueue": "components.reliable_queue",
    "ReliableQueueArgs": "components.reliable_queue",
    "dependency_layer": "components.layer",
}

__all__ = [
    "ConsumerArgs",
    "DependencyLayer",
    "LayerError",
    "LimitError",
    "PythonFunction",
    "PythonFunctionArgs",
    "ReliableQueue",
    "ReliableQueueArgs",
    "dependency_layer",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
