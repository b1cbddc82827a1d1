"""A correction takes the place only of what it was written for."""

import types

import pytest

from automation.local.corrections.replacing import EmulatorChangedError, replace, require


def emulated() -> types.ModuleType:
    module = types.ModuleType("emulated")
    module.__dict__["greet"] = lambda name, greeting: f"{greeting} {name}"
    return module


def test_function_is_replaced_and_the_old_one_returned() -> None:
    module = emulated()
    old = replace(module, "greet", lambda name, greeting: f"{name}: {greeting}")
    assert module.greet("Ada", "good day") == "Ada: good day"
    assert old("Ada", "good day") == "good day Ada"


def test_function_that_is_gone_is_told_by_its_name() -> None:
    with pytest.raises(EmulatorChangedError, match=r"emulated\.part of the emulator has been rem"):
        require(emulated(), part="name")


def test_function_with_other_parameters_is_told_with_both() -> None:
    module = emulated()
    with pytest.raises(EmulatorChangedError, match=r"\(name greeting\).*written for \(name\)"):
        replace(module, "greet", lambda name: name)
    assert module.greet("Ada", "hello") == "hello Ada"
