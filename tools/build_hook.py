"""What the wheel holds beside the component: the repository's program, under a name of its own.

A package called `automation` or `components` may be anybody's, and pytest loads our plugin into the
process that runs other people's tests. So in the wheel their imports name the folder that they lie
in. What runs there is otherwise the same to the letter.
"""

import re
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "reliable_queue_operations.repository"
_IMPORT = re.compile(r"^(\s*from )(automation|components)(?=[. ])", re.MULTILINE)


def renamed(source: str) -> str:
    """A module's text with our imports as they are in the wheel."""
    return _IMPORT.sub(rf"\1{PACKAGE}.\2", source)


class NamesOfItsOwn(BuildHookInterface[Any]):
    """Puts the renamed copies of `automation` and `components` into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the copies; called before the wheel is put together."""
        del version
        self._copies = tempfile.TemporaryDirectory()
        for package in ("automation", "components"):
            original = Path(self.root) / package
            for path in original.rglob("*"):
                if path.is_dir() or path.suffix == ".pyc":
                    continue
                copy = Path(self._copies.name) / package / path.relative_to(original)
                copy.parent.mkdir(parents=True, exist_ok=True)
                if path.suffix == ".py":
                    copy.write_text(renamed(path.read_text()))
                else:
                    copy.write_bytes(path.read_bytes())
            target = f"{PACKAGE.replace('.', '/')}/{package}"
            build_data["force_include"][str(Path(self._copies.name) / package)] = target

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the copies; called when the wheel is there."""
        del version, build_data, artifact_path
        self._copies.cleanup()
