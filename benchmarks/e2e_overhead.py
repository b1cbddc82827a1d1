"""How long the main job takes beside the producer's own time, and where; against a bare stack.

    .venv/bin/python -m benchmarks.e2e_overhead [RUNS]

The baseline is what the engine itself needs to create, deploy, destroy and remove a stack of an
empty Python program, measured in turn with the main job.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pulumi.automation import LocalWorkspace, Stack
from semver import VersionInfo

from automation.engine.command import EngineCommand
from automation.engine.environment import engine_environment
from automation.engine.finding import find_engine
from benchmarks.embedded import Cloud
from benchmarks.figures import OURS, Figure, Target

REPOSITORY = Path(__file__).resolve().parent.parent
EMPTY_STACK = "an empty stack"
DONT_COMPILE = "PYTHONDONTWRITEBYTECODE"


def main() -> None:
    """Show what each step of the main job takes."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    timings, baselines = measure(runs)
    print(f"{os.cpu_count()} cores, {runs} runs, defaults; median and range in seconds")
    for step in timings[0]:
        show(step, [each[step] for each in timings])
    overheads = [overhead_seconds(each) for each in timings]
    show("overhead", overheads)
    show("overhead / empty stack", [a / b for a, b in zip(overheads, baselines, strict=True)])


def main_job(_: Cloud, rounds: int) -> Figure:
    """Seconds of the main job beside its producer's."""
    timings, baselines = measure(rounds)
    return Figure(
        name="the main job beside its producer",
        unit="s",
        meaning="Starting everything, deploying, waiting for the last retry, the "
        "account, the alarm, destroying; an empty stack is the engine alone.",
        values={OURS: [overhead_seconds(each) for each in timings], EMPTY_STACK: baselines},
        targets=[Target(against=EMPTY_STACK, at_most=0.95)],
    )


def measure(runs: int) -> tuple[list[dict[str, float]], list[float]]:
    """Each run's steps, and the seconds of an empty stack that was made just before it."""
    measure_main_job()  # Builds the layer, fills the file cache.
    timings: list[dict[str, float]] = []
    baselines: list[float] = []
    for _ in range(runs):
        baselines.append(measure_bare_stack())
        timings.append(measure_main_job())
    return timings, baselines


def overhead_seconds(timings: dict[str, float]) -> float:
    """Everything that is not the producer's."""
    return timings["process"] - timings["produce"]


def show(name: str, values: list[float]) -> None:
    print(f"{name:<24}{statistics.median(values):6.2f}  {min(values):.2f} to {max(values):.2f}")


def measure_main_job() -> dict[str, float]:
    started = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "automation/e2e.py", "--json"],
        cwd=REPOSITORY,
        # Nobody who uses it compiles all of it at each start.
        env={name: value for name, value in os.environ.items() if name != DONT_COMPILE},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    whole_process = time.monotonic() - started
    return {**json.loads(ended.stdout)["timings_s"], "process": whole_process}


def measure_bare_stack() -> float:
    found = find_engine()
    engine = EngineCommand(str(found.binary), VersionInfo.parse(found.version))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "Pulumi.yaml").write_text("name: bare\nruntime: python\n")
        (home / "__main__.py").write_text("import pulumi\n")
        started = time.monotonic()
        workspace = LocalWorkspace(
            work_dir=folder, pulumi_command=engine, env_vars=engine_environment(engine, home)
        )
        stack = Stack.create("bare", workspace)
        stack.up()
        stack.destroy(remove=True)
        return time.monotonic() - started


if __name__ == "__main__":
    main()
