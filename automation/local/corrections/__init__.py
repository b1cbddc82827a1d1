"""Corrects the emulator where it is kinder than AWS, or open to others, within its own process."""

from automation.local.corrections import (
    alarms,
    batch_answers,
    callers,
    deep_queues,
    deliveries,
    filter_patterns,
    invocations,
    last_batches,
    long_polls,
    redeployments,
    requests,
    run_endings,
    run_logs,
    second_mappings,
    source_queues,
)


def apply_corrections() -> None:
    """Correct the emulator's modules. Call it once, before the emulator serves anything.

    Raises:
        EmulatorChangedError: the emulator is not the one that the corrections were written for.
    """
    for correction in (
        callers,
        deep_queues,
        requests,
        source_queues,
        batch_answers,
        long_polls,
        invocations,
        filter_patterns,
        alarms,
        deliveries,
        run_endings,
        run_logs,
        redeployments,
        second_mappings,
        last_batches,
    ):
        correction.apply()
