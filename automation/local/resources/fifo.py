"""What queues and topics share: a flag that makes them FIFO, a name that says so, settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from automation.local.resources.schema import Failure, Rule
from automation.local.resources.values import UNKNOWN, Properties, is_empty
from components import limits


def fifo_suffix(flag: str) -> Callable[[Properties], str]:
    """How the name ends that the provider makes up; `flag` is the property that says FIFO."""

    def suffix(inputs: Properties) -> str:
        return limits.FIFO_SUFFIX if inputs.get(flag) is True else ""

    return suffix


def fifo_name_failures(noun: str, flag: str, max_length: int) -> Rule:
    """A rule: a name of `max_length` characters, which has the suffix exactly when it is FIFO."""

    def rule(inputs: Properties) -> Iterator[Failure]:
        name, is_fifo = inputs.get("name"), inputs.get(flag)
        # Which kind it is may be known only at deployment, and a made-up name ends by it then.
        if not isinstance(name, str) or is_fifo is UNKNOWN:
            return
        length = max_length - len(limits.FIFO_SUFFIX) if is_fifo else max_length
        pattern = f"[0-9A-Za-z_-]{{1,{length}}}" + (
            re.escape(limits.FIFO_SUFFIX) if is_fifo else ""
        )
        if re.fullmatch(pattern, name) is None:
            kind = f"a {'FIFO' if is_fifo else 'standard'} {noun}"
            yield Failure("name", f"name is {name!r}; the name of {kind} must match {pattern}")

    return rule


def fifo_only_failures(flag: str, *names: str) -> Rule:
    """A rule: these settings are allowed with FIFO only."""

    def rule(inputs: Properties) -> Iterator[Failure]:
        if inputs.get(flag):
            return
        for name in names:
            if not is_empty(inputs.get(name)):
                yield Failure(name, f"{name} is allowed only when {flag} is true")

    return rule
