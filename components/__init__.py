"""The infrastructure: a queue that loses nothing, as a component for any Pulumi program.

Names are resolved when they are used, so that reading `components.outputs` or `components.limits`
(the automation does, at every start) doesn't import Pulumi and its AWS SDK.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .alarm_arguments import AlarmArgs as AlarmArgs
    from .alarm_arguments import SubscriptionArgs as SubscriptionArgs
    from .arguments import CustomerKeyArgs as CustomerKeyArgs
    from .arguments import FifoArgs as FifoArgs
    from .arguments import ReliableQueueArgs as ReliableQueueArgs
    from .consumer_arguments import ConsumerArgs as ConsumerArgs
    from .consumer_arguments import ExistingFunctionArgs as ExistingFunctionArgs
    from .consumer_arguments import IdempotencyArgs as IdempotencyArgs
    from .consumer_arguments import PollersArgs as PollersArgs
    from .existing_arguments import ExistingQueueArgs as ExistingQueueArgs
    from .function import PythonFunction as PythonFunction
    from .function import PythonFunctionArgs as PythonFunctionArgs
    from .function import VpcArgs as VpcArgs
    from .layer import DependencyLayer as DependencyLayer
    from .layer import LayerError as LayerError
    from .layer import dependency_layer as dependency_layer
    from .limits import LimitError as LimitError
    from .reliable_queue import ReliableQueue as ReliableQueue
    from .statements import QueueStatement as QueueStatement

_HOMES = {
    "AlarmArgs": ".alarm_arguments",
    "ConsumerArgs": ".consumer_arguments",
    "CustomerKeyArgs": ".arguments",
    "DependencyLayer": ".layer",
    "ExistingFunctionArgs": ".consumer_arguments",
    "ExistingQueueArgs": ".existing_arguments",
    "FifoArgs": ".arguments",
    "IdempotencyArgs": ".consumer_arguments",
    "LayerError": ".layer",
    "LimitError": ".limits",
    "PollersArgs": ".consumer_arguments",
    "PythonFunction": ".function",
    "PythonFunctionArgs": ".function",
    "QueueStatement": ".statements",
    "ReliableQueue": ".reliable_queue",
    "ReliableQueueArgs": ".arguments",
    "SubscriptionArgs": ".alarm_arguments",
    "VpcArgs": ".function",
    "dependency_layer": ".layer",
}

__all__ = [
    "AlarmArgs",
    "ConsumerArgs",
    "CustomerKeyArgs",
    "DependencyLayer",
    "ExistingFunctionArgs",
    "ExistingQueueArgs",
    "FifoArgs",
    "IdempotencyArgs",
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
    return getattr(import_module(_HOMES[name], __package__), name)
