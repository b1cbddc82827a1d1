"""How long the main job takes beside the producer's own time, and where; against a bare stack.

    .venv/bin/python benchmarks/e2e_overhead.py [RUNS]

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

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path[0] = str(REPOSITORY)

from automation.engine.command import EngineCommand
from automation.engine.environment import engine_environment
from automation.engine.finding import find_engine


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    measure_main_job()  # Builds the layer, fills the file cache.
    overheads: list[dict[str, float]] = []
    ratios: list[float] = []
    for _ in range(runs):
        baseline_seconds = measure_bare_stack()
        timings = measure_main_job()
        overheads.append(timings)
        ratios.append(overhead_seconds(timings) / baseline_seconds)
    print(f"{os.cpu_count()} cores, {runs} runs, defaults; median and range in seconds")
    for step in overheads[0]:
        show(step, [timings[step] for timings in overheads])
    show("overhead", [overhead_seconds(timings) for timings in overheads])
    show("overhead / bare stack", ratios)


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
