"""Names for the few resources that Pulumi doesn't name by itself."""

import re

import pulumi

from . import limits


def name_in_stack(name: str, longest: int) -> str:
    """A name that no other stack of the account uses: project, stack and `name`.

    Writing such a resource under a name that is taken overwrites it. Raises `LimitError` when the
    name is longer than AWS allows.
    """
    full = re.sub(r"[^0-9A-Za-z_-]", "-", f"{pulumi.get_project()}-{pulumi.get_stack()}-{name}")
    if len(full) > longest:
        raise limits.LimitError(
            f"{full} has {len(full)} characters; allowed: {longest}; shorten the stack's name"
        )
    return full
