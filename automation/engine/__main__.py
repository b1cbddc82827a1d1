"""`python -m automation.engine`: the part of set-up that makes sure that there is an engine."""

import argparse
import sys
from collections.abc import Sequence

from automation.engine.finding import EngineError, build_engine_anew, find_engine
from automation.engine.yaml_host import find_yaml_host
from automation.foreign_text import printable_lines


def main(arguments: Sequence[str] = ()) -> int:
    """Make sure that there is an engine, and what else is asked for. Exit codes 0, and 2 if not."""
    parser = argparse.ArgumentParser(
        prog="python -m automation.engine", description="Find, download or build the Pulumi engine."
    )
    parser.add_argument(
        "--yaml",
        action="store_true",
        help="and its language host for programs in YAML, which set-up does without",
    )
    parser.add_argument(
        "--build",
        action="store_true",
        help="build the pinned one now, from what has hashes here, and take no other",
    )
    given = parser.parse_args(arguments)
    needs_yaml: bool = given.yaml
    try:
        engine = build_engine_anew(report=_report) if given.build else find_engine(report=_report)
        _report(f"pulumi {engine.version} at {engine.binary} ({engine.source})")
        if needs_yaml:
            _report(f"programs in YAML are run by {find_yaml_host(engine, report=_report)}")
    except EngineError as error:
        _report(str(error))
        return 2
    except KeyboardInterrupt:
        _report("interrupted; nothing unfinished was left behind")
        return 2
    return 0


def _report(line: str) -> None:
    print(printable_lines(f"engine: {line}"), file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
