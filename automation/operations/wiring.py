"""What belongs to a queue: its dead-letter queue, the queues that share that, consumers, alarms."""

from dataclasses import dataclass

from automation.errors import AutomationError


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A queue on SQS."""

    url: str
    arn: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Consumer:
    """A Lambda function that is fed from a queue.

    Attributes:
        function_name: its name.
        log_group: where it logs; None when that may not be looked at, or is not there yet.
    """

    function_name: str
    log_group: str | None


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """What belongs to a queue.

    Attributes:
        selected: what was asked for, in words: `stack dev`, `queue orders`.
        queue: where work is sent to; None when only a dead-letter queue of several was named.
        dlq: where dead letters are; None when there is none.
        sources: the queues whose dead letters go to `dlq`, `queue` among them.
        are_sources_known: nobody has refused to list them; else there may be more.
        consumers: what the sources feed.
        more_log_groups: others that the user has named.
        alarm_names: of the alarms that watch one of these.
        alarm_topic_arn: the topic that they tell; None when that is not known, or nobody is told.
        operator_policy_arn: of the policy that allows what the commands need; None when nobody
            has made one.
        notes: what could not be found or may not be looked at, a sentence each.
    """

    selected: str
    queue: Queue | None
    dlq: Queue | None
    sources: tuple[Queue, ...] = ()
    are_sources_known: bool = True
    consumers: tuple[Consumer, ...] = ()
    more_log_groups: tuple[str, ...] = ()
    alarm_names: tuple[str, ...] = ()
    alarm_topic_arn: str | None = None
    operator_policy_arn: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def log_groups(self) -> tuple[str, ...]:
        """Every log that may say why a message failed."""
        found = [consumer.log_group for consumer in self.consumers if consumer.log_group]
        return tuple(dict.fromkeys([*self.more_log_groups, *found]))

    def require_queue(self) -> Queue:
        """The queue to send to.

        Raises:
            AutomationError: there are several, or none.
        """
        if self.queue:
            return self.queue
        names = ", ".join(source.name for source in self.sources) or "none is known"
        raise AutomationError(
            f"{self.selected} is the dead-letter queue of several queues or of none ({names}): "
            "say which one is meant: --to"
        )

    def require_dlq(self) -> Queue:
        """The dead-letter queue.

        Raises:
            AutomationError: there is none.
        """
        if self.dlq:
            return self.dlq
        raise AutomationError(
            f"{self.selected} has no dead-letter queue: it has no redrive policy, and no other "
            "queue's names it. If its dead letters are elsewhere, say where: --dlq NAME"
        )
