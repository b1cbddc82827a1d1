"""Names for what Pulumi doesn't name by itself."""

from collections.abc import Callable
from typing import Any

import pytest

from components import LimitError
from components.naming import name_in_stack

Deploy = Callable[..., Any]


def test_a_name_holds_project_stack_and_what_it_is_for_in_letters_that_aws_takes(
    deploy: Deploy,
) -> None:
    names: list[str] = []
    deploy(lambda: names.append(name_in_stack("a b/c.d_é", 140)))
    assert names == ["reliable-queue-test-a-b-c-d_-"]


def test_a_name_longer_than_aws_allows_is_refused(deploy: Deploy) -> None:
    deploy(lambda: name_in_stack("f" * 10, len("reliable-queue-test-") + 10))
    with pytest.raises(LimitError, match="has 31 characters; allowed: 30; shorten the stack"):
        deploy(lambda: name_in_stack("f" * 11, len("reliable-queue-test-") + 10))
