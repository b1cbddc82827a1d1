"""Everything that is measured, each figure beside its baselines in the same run.

    .venv/bin/python -m benchmarks [--rounds N] [--only WORD] [--docs]

Prints the table, and writes it with a picture and JSON to `.build/benchmarks`, with `--docs` into
docs/ too. It measures and judges nothing: a target that is missed is said, and is no failure.
"""

import argparse
import os
import platform
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil

from benchmarks.consuming import dead_lettering, good_dead_letters
from benchmarks.deploying import deploying
from benchmarks.draining import draining, draining_cold
from benchmarks.e2e_overhead import main_job
from benchmarks.embedded import Cloud, embedded_cloud
from benchmarks.figures import Figure
from benchmarks.importing import first_failure, importing
from benchmarks.mover import mover_cost, mover_rate
from benchmarks.producing import producing
from benchmarks.redrive import redriving
from benchmarks.showing import Results, table_of, write_results

REPOSITORY = Path(__file__).resolve().parent.parent

Measure = Callable[[Cloud, int], Figure | list[Figure]]

# The first figures need a machine that does nothing else; what only waits comes last.
MEASURES: dict[str, Measure] = {
    "import": lambda _, rounds: importing(rounds),
    "first-failure": lambda _, rounds: first_failure(rounds),
    "up": deploying,
    "main-job": main_job,
    "producer": producing,
    "drain": draining,
    "drain-cold": draining_cold,
    "redrive": redriving,
    "mover-cost": mover_cost,
    "mover-rate": mover_rate,
    "good": good_dead_letters,
    "dead-letter": dead_lettering,
}


def main() -> None:
    """Measure what is asked for and write it down."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="values of each figure, default 5")
    parser.add_argument(
        "--only", choices=MEASURES, action="append", help="one figure; again for more"
    )
    parser.add_argument("--docs", action="store_true", help="write the results into docs/ too")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error(f"--rounds: {options.rounds} is not 1 or more")
    if options.docs and options.only:
        parser.error("--docs takes all figures, so not with --only")
    hear_interrupts()
    results = Results(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        machine=machine(),
        rounds=options.rounds,
        figures=list(measured(options.only or list(MEASURES), options.rounds)),
    )
    print(table_of(results))
    for folder in (REPOSITORY / ".build" / "benchmarks", *([REPOSITORY / "docs"] * options.docs)):
        write_results(results, folder)
        print(f"written to {folder}", file=sys.stderr)


def hear_interrupts() -> None:
    """A shell ignores SIGINT for what it runs in the background, and so does all that is started.

    The engine ends its language host by it, and waits 5 s for one that does not hear.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def measured(names: list[str], rounds: int) -> Iterator[Figure]:
    """Each from an embedded AWS of its own, so that none finds another's leftovers."""
    for name in names:
        print(f"{name} ...", file=sys.stderr)
        with embedded_cloud() as cloud:
            found = MEASURES[name](cloud, rounds)
            yield from [found] if isinstance(found, Figure) else found


def machine() -> str:
    """What the figures were measured on, in one line."""
    memory_gib = psutil.virtual_memory().total / 2**30
    return (
        f"{os.cpu_count()} cores ({processor()}), {memory_gib:.0f} GiB, {platform.system()} "
        f"{platform.release()}, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f} "
        "at the start"
    )


def processor() -> str:
    """Its name where the system tells one."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    main()
