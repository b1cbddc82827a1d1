"""The infrastructure: a queue that loses nothing, as a component for any Pulumi program.

Names are resolved when they are used, so that reading `components.outputs` or `components.limits`
(the automation does, at every start) doesn't import Pulumi and its AWS SDK.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from components.arguments import AlarmArgs as AlarmArgs
    from components.arguments import ConsumerArgs as ConsumerArgs
    from components.arguments import CustomerKeyArgs as CustomerKeyArgs
    from components.arguments import ExistingFunctionArgs as ExistingFunctionArgs
    from components.arguments import FifoArgs as FifoArgs
    from components.arguments import PollersArgs as PollersArgs
    from components.arguments import ReliableQueueArgs as ReliableQueueArgs
    from components.arguments import SubscriptionArgs as SubscriptionArgs
    from components.function import PythonFunction as PythonFunction
    from components.function import PythonFunctionArgs as PythonFunctionArgs
    from components.function import VpcArgs as VpcArgs
    from components.layer import DependencyLayer as DependencyLayer
    from components.layer import LayerError as LayerError
    from components.layer import dependency_layer as dependency_layer
    from components.limits import LimitError as LimitError
    from components.policies import QueueStatement as QueueStatement
    from components.reliable_queue import ReliableQueue as ReliableQueue

_HOMES = {
    "AlarmArgs": "components.arguments",
    "ConsumerArgs": "components.arguments",
    "CustomerKeyArgs": "components.arguments",
    "DependencyLayer": "components.layer",
    "ExistingFunctionArgs": "components.arguments",
    "FifoArgs": "components.arguments",
    "LayerError": "components.layer",
    "LimitError": "components.limits",
    "PollersArgs": "components.arguments",
    "PythonFunction": "components.function",
    "PythonFunctionArgs": "components.function",
    "QueueStatement": "components.policies",
    "ReliableQueue": "components.reliable_queue",
    "ReliableQueueArgs": "components.arguments",
    "SubscriptionArgs": "components.arguments",
    "VpcArgs": "components.function",
    "dependency_layer": "components.layer",
}

__all__ = [
    "AlarmArgs",
    "ConsumerArgs",
    "CustomerKeyArgs",
    "DependencyLayer",
    "ExistingFunctionArgs",
    "FifoArgs",
    "LayerError",
    "LimitError",
    "PollersArgs",
    "PythonFunction",
    "PythonFunctionArgs",
    "QueueStatement",
    "ReliableQueue",
    "ReliableQueueArgs",
    "SubscriptionArgs",
    "VpcArgs",
    "dependency_layer",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
