"""Lets invocations come to their end when their function is changed or deleted meanwhile.

AWS replaces a function behind its invocations: one that runs keeps its execution environment, the
next gets a new one (AWS Lambda Developer Guide, Understanding the Lambda execution environment
lifecycle). The emulator kills its workers, and the messages that they had lose a receive for it.
"""

import contextvars
import importlib
import threading
from typing import Any

from automation.local.corrections.replacing import replace, service


def apply() -> None:
    """Kill idle workers at once, and busy ones when they are given back."""
    runtime: Any = importlib.import_module("ministack.core.lambda_runtime")
    functions = service("lambda_svc")
    spares_busy = contextvars.ContextVar("spares_busy", default=False)
    retired: set[Any] = set()
    giving_back = threading.Lock()

    def invalidate_worker(
        func_name: Any, qualifier: Any = None, account: Any = None, region: Any = None
    ) -> None:
        token = spares_busy.set(True)
        try:
            invalidate(func_name, qualifier, account, region)
        finally:
            spares_busy.reset(token)

    def kill_workers(workers: Any) -> None:
        if spares_busy.get():
            with giving_back:
                busy = {worker for worker in workers if worker is not None and worker.in_use}
                retired.update(busy)
            workers = [worker for worker in workers if worker not in busy]
        kill(workers)

    def release_worker(worker: Any) -> None:
        with giving_back:
            release(worker)
            is_retired = worker in retired
            retired.discard(worker)
        if is_retired:
            kill([worker])

    invalidate = replace(functions, "invalidate_worker", invalidate_worker)
    release = replace(functions, "release_worker", release_worker)
    kill = replace(runtime, "kill_workers", kill_workers)
