"""Read the dead letters of a stack that is operated, in sight of the operator."""

import contextlib
from collections.abc import Generator

from automation.deadletters.survey import Survey, survey_dead_letters
from automation.operating import Operated
from automation.progress import Progress


@contextlib.contextmanager
def surveyed(
    operated: Operated, progress: Progress, *, limit: int | None = None
) -> Generator[Survey]:
    """Read the dead-letter queue and the reasons, with a bar; for the time of the block."""
    with progress.shown(), progress.step("read"):
        survey = survey_dead_letters(
            operated.clients.sqs,
            operated.clients.logs,
            dlq_url=operated.outputs.dlq_url,
            log_group=operated.outputs.consumer_log_group_name,
            wait_seconds=operated.pace.receive_wait_seconds,
            connections=operated.connections,
            limit=limit,
            on_progress=lambda seen, expected: progress.detail(f"{seen} of about {expected}"),
        )
    with contextlib.closing(survey):
        yield survey
