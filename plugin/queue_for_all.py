"""The component as programs in other languages see it, and what their values mean to it."""

import functools
import inspect
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast, is_typeddict

import arguments
import pulumi
from pulumi.errors import InputPropertiesError
from pulumi.provider import ConstructResult
from pulumi.provider.experimental.analyzer import PropertyDefinition, PropertyType
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.experimental.util import camel_case
from pulumi.provider.server import ComponentInitError, ProviderServicer

import components

# Where layers are built, whatever folder a program runs in.
_BUILD_FOLDER = Path(__file__).resolve().parent.parent / ".build"
# The alarms by the end of their names, and the argument that None switches each off by.
_ALARMS = {
    "dead-letters": "dead_letters_above",
    "dead-letter-age": "dead_letter_age_percent",
    "message-age": "message_age_seconds",
    "consumer-errors": "consumer_errors_above",
    "consumer-throttles": "consumer_throttles_above",
}

Made = TypeVar("Made")


class ReliableQueue(components.ReliableQueue):
    """A queue that loses nothing: what can't be processed is kept in a dead-letter queue."""

    def __init__(
        self, name: str, args: arguments.QueueArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, queue_args(args), opts)


# It says that it was written where the component's own class was: there the outputs are described,
# and the schema takes their descriptions from the source of the class (found by its first line
# from Python 3.13 on).
functools.update_wrapper(
    ReliableQueue,
    components.ReliableQueue,
    assigned=("__module__", "__qualname__", "__firstlineno__"),
    updated=(),
)


class QueueProvider(ComponentProvider):
    """Serves the component, and tells what was refused in the words of the program's language."""

    def __init__(self) -> None:
        super().__init__([ReliableQueue], "reliable-queue")

    def construct(self, *args: Any, **kwargs: Any) -> ConstructResult:
        try:
            return super().construct(*args, **kwargs)
        except ComponentInitError as error:
            if isinstance(error.inner, components.LimitError | components.LayerError):
                raise _refusal(in_camel_case(str(error.inner))) from error
            raise

    def map_inputs(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().map_inputs(*args, **kwargs)
        except TypeError as error:
            # The SDK makes a whole number of what it takes for one, an output too.
            raise _refusal(
                "a number is known only once something else is deployed, or is none; give a value"
            ) from error

    def map_input_properties(
        self,
        inputs: Any,
        properties: dict[str, PropertyDefinition],
        mapping: dict[str, str],
        component_name: str,
        property_path: str,
    ) -> Any:
        """As the SDK does, which drops names that it does not know and objects that are none."""
        _refuse_strangers(inputs, properties, property_path)
        return super().map_input_properties(
            inputs, properties, mapping, component_name, property_path
        )


class QueueServicer(ProviderServicer):
    """Tells what is refused once it is known in the same words as what is refused at once."""

    async def Construct(self, request: Any, context: Any) -> Any:  # noqa: N802
        try:
            return await super().Construct(request, context)
        except pulumi.RunError as error:
            if not isinstance(error.__cause__, components.LimitError):
                raise
            refusal = self.create_grpc_invalid_properties_status(in_camel_case(str(error)), [])
            await context.abort_with_status(refusal)


def _refuse_strangers(inputs: Any, properties: Mapping[str, PropertyDefinition], path: str) -> None:
    if not isinstance(inputs, dict):
        raise _refusal(f"{path} = {inputs!r} is not an object")
    for name, value in cast("dict[str, Any]", inputs).items():
        full = f"{path}.{name}" if path else name
        if name not in properties:
            raise _refusal(f"{full} is unknown; known: {', '.join(properties)}")
        wanted = _wanted(properties[name])
        if wanted is None or value is None or isinstance(value, wanted[0]):
            continue
        if isinstance(value, pulumi.Output):
            raise _refusal(f"{full} is known only once something else is deployed; give a value")
        raise _refusal(f"{full} = {value!r} is not {wanted[1]}")


def _wanted(definition: PropertyDefinition) -> tuple[type, str] | None:
    """What the SDK does not look at itself, and would take something else for."""
    if definition.type == PropertyType.BOOLEAN:
        return bool, "true or false"
    if definition.items:
        return list, "a list"
    if definition.additional_properties:
        return dict, "a map"
    is_shape = (definition.ref or "").startswith("#/types/")
    return (dict, "an object") if is_shape else None


def _refusal(message: str) -> InputPropertiesError:
    """What reaches people without a traceback; the SDK needs a list of inputs, an empty one."""
    return InputPropertiesError(message, [])


def in_camel_case(text: str) -> str:
    """What was written for Python, with the arguments' names in other languages."""
    kinds = [kind for kind in vars(arguments).values() if is_typeddict(kind)]
    names = {name for kind in kinds for name in inspect.get_annotations(kind)}
    return re.sub(r"\w+", lambda word: camel_case(word[0]) if word[0] in names else word[0], text)


def queue_args(args: arguments.QueueArgs) -> components.ReliableQueueArgs:
    """The component's own arguments. Raises `LimitError` as they do."""
    given = _plain(args)
    parts: dict[str, Callable[[Any], object]] = {
        "consumer": _consumer,
        "existing": lambda part: _make(components.ExistingQueueArgs, part),
        "fifo": lambda part: _make(components.FifoArgs, part),
        "key": lambda part: _make(components.CustomerKeyArgs, part),
        "statements": lambda part: [_statement(item) for item in part],
        "alarms": _alarms,
    }
    given |= {name: make(given[name]) for name, make in parts.items() if name in given}
    if not given.pop("has_alarms", True):
        given["alarms"] = None
    return _make(components.ReliableQueueArgs, {"consumer": None, **given})


def _consumer(given: dict[str, Any]) -> components.ConsumerArgs:
    own, existing = given.pop("own_function", None), given.pop("existing_function", None)
    if (own is None) == (existing is None):
        raise components.LimitError(
            "consumer needs exactly one of own_function and existing_function; give one of them"
        )
    if "pollers" in given:
        given["pollers"] = _make(components.PollersArgs, given["pollers"])
    if "idempotency" in given:
        given["idempotency"] = _make(components.IdempotencyArgs, given["idempotency"])
    function = _own(own) if own else _make(components.ExistingFunctionArgs, existing)
    return _make(components.ConsumerArgs, {**given, "function": function})


def _own(given: dict[str, Any]) -> components.PythonFunctionArgs:
    if "vpc" in given:
        given["vpc"] = _make(components.VpcArgs, given["vpc"])
    requirements = given.pop("requirements", None)
    function = _make(components.PythonFunctionArgs, given)
    if requirements is None:
        return function
    layer = components.dependency_layer(
        Path(requirements),
        build_folder=_BUILD_FOLDER,
        runtime=function.runtime,
        architecture=function.architecture,
    )
    return _make(components.PythonFunctionArgs, {**given, "dependencies": layer})


def _statement(given: dict[str, Any]) -> components.QueueStatement:
    return _make(components.QueueStatement, {name.title(): value for name, value in given.items()})


def _alarms(given: dict[str, Any]) -> components.AlarmArgs:
    for alarm in given.pop("without", []):
        if alarm not in _ALARMS:
            raise components.LimitError(
                f"alarms.without has {alarm!r}; allowed: {', '.join(_ALARMS)}"
            )
        given[_ALARMS[alarm]] = None
    given["subscriptions"] = {
        who: _make(components.SubscriptionArgs, subscription)
        for who, subscription in given.get("subscriptions", {}).items()
    }
    return _make(components.AlarmArgs, given)


def _make(kind: Callable[..., Made], given: dict[str, Any]) -> Made:
    """One of the component's shapes, which check what they are given themselves."""
    return kind(**given)


def _plain(value: Any) -> Any:
    """A copy without what was not given; numbers, which come as fractions, whole if they are."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return {name: _plain(item) for name, item in items if item is not None}
    if isinstance(value, list):
        return [_plain(item) for item in cast("list[Any]", value)]
    if isinstance(value, pulumi.Output):
        return cast("pulumi.Output[Any]", value).apply(_plain)
    return value
