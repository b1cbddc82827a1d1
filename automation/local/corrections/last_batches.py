"""Lets the batches of mappings come to their end before an emulator that keeps its state stops.

It would stop in the middle of them, and their messages lose a receive for it: a good one that met
two commands' ends was dead-lettered unseen.
"""

import asyncio
import importlib
import signal
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

from automation.local.corrections.replacing import replace, service

# Whoever stops the emulator waits 15 s for it; what runs for longer comes again, as after a kill.
_LAST_BATCHES_SECONDS = 10


def apply() -> None:
    """At the signal to end take no more batches, and serve those that run until they are done."""
    functions = service("lambda_svc")
    polling, has_ended = threading.Lock(), threading.Event()

    def poll_sqs() -> bool:
        with polling:
            return not has_ended.is_set() and original_poll()

    def take_no_more() -> None:
        with polling:
            has_ended.set()

    async def last_batches() -> None:
        await asyncio.to_thread(take_no_more)
        deadline = time.monotonic() + _LAST_BATCHES_SECONDS
        while functions._esm_inflight and time.monotonic() < deadline:
            await asyncio.sleep(0.01)

    async def serve(
        app: Any,
        config: Any,
        *,
        shutdown_trigger: Callable[..., Awaitable[Any]] | None = None,
        mode: Any = None,
    ) -> None:
        asked, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, asked.set)

        async def asked_to_end() -> None:
            await (shutdown_trigger or asked.wait)()
            # Functions call the emulator, so it must not have stopped serving.
            await last_batches()

        await original_serve(app, config, shutdown_trigger=asked_to_end, mode=mode)

    original_poll = replace(functions, "_poll_sqs", poll_sqs)
    original_serve = replace(importlib.import_module("hypercorn.asyncio"), "serve", serve)
