"""Puts functions of ours in the place of the emulator's, after a look at what stands there."""

import importlib
import inspect
from collections.abc import Callable
from typing import Any


class EmulatorChangedError(Exception):
    """What a correction replaces or calls is not there, or takes other arguments."""


def service(name: str) -> Any:
    """The emulator's module for a service; it has no types."""
    return importlib.import_module(f"ministack.services.{name}")


def require(module: Any, **signatures: str) -> None:
    """Make sure of the functions that a correction calls or replaces.

    Args:
        module: of the emulator.
        signatures: for each function the names of its parameters, separated by blanks.

    Raises:
        EmulatorChangedError: a function is missing, or its parameters have other names.
    """
    for name, expected in signatures.items():
        function = getattr(module, name, None)
        found = " ".join(inspect.signature(function).parameters) if callable(function) else None
        if found != expected:
            raise EmulatorChangedError(
                f"{module.__name__}.{name} of the emulator has "
                + ("been removed" if found is None else f"the parameters ({found})")
                + f"; the correction of it was written for ({expected}). Pin the version that "
                "pyproject.toml names, or adapt automation/local/corrections"
            )


def replace(module: Any, name: str, replacement: Callable[..., Any]) -> Any:
    """Put `replacement` in the place of a function with the same parameters; returns the old one.

    Raises:
        EmulatorChangedError: as `require` does.
    """
    require(module, **{name: " ".join(inspect.signature(replacement).parameters)})
    original = getattr(module, name)
    setattr(module, name, replacement)
    return original
