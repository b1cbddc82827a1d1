"""The queue, its dead-letter queue, the consumer between them and the alarms behind them."""

import pulumi
import pulumi_aws as aws

from . import limits, monitoring, policies
from .alarms import Alarms, Watched, alarm_rules, create_alarms
from .arguments import ReliableQueueArgs
from .consumer import Consumer, create_consumer, unqualified
from .encryption import Encryption, create_encryption
from .existing import key_of_existing, wrap_queues
from .function import PythonFunction
from .idempotency import Memory, create_memory
from .kinds import check_args
from .queues import Queues, create_queues
from .replacement import ReplacementWatch
from .unknowns import checked, is_late, when_known

# The suffix of the child with the least room for its name, the consumer's function.
_LONGEST_SUFFIX = "-consumer-function"

Grantee = aws.iam.Role | PythonFunction | pulumi.Input[str]
"""Who is granted something: a role or its name, which may be an output, or a function of ours."""


class ReliableQueue(pulumi.ComponentResource):
    """A queue that loses nothing: what can't be processed is kept in a dead-letter queue.

    Whatever arrives there raises an alarm. The outputs of what was not asked for (a consumer,
    alarms, a dashboard) are None, the list of alarms is empty.
    """

    queue_url: pulumi.Output[str]
    """URL of the queue."""
    queue_arn: pulumi.Output[str]
    """ARN of the queue."""
    queue_name: pulumi.Output[str]
    """Name of the queue."""
    dlq_url: pulumi.Output[str]
    """URL of the dead-letter queue."""
    dlq_arn: pulumi.Output[str]
    """ARN of the dead-letter queue."""
    dlq_name: pulumi.Output[str]
    """Name of the dead-letter queue."""
    consumer_function_name: pulumi.Output[str] | None
    """Name of the consumer; absent without one."""
    consumer_function_arn: pulumi.Output[str] | None
    """ARN of the consumer; absent without one."""
    consumer_log_group_name: pulumi.Output[str] | None
    """Log group of the consumer; absent without one."""
    alarm_names: pulumi.Output[list[str]]
    """Names of the alarms."""
    alarm_topic_arn: pulumi.Output[str] | None
    """ARN of the topic that hears of ALARM and of OK; absent without alarms."""
    region: pulumi.Output[str]
    """Region of the queue."""
    key_arn: pulumi.Output[str] | None
    """ARN of the customer key; absent without one."""
    send_policy_arn: pulumi.Output[str]
    """ARN of the managed policy that allows to send."""
    consume_policy_arn: pulumi.Output[str]
    """ARN of the managed policy that allows to receive and delete."""
    operator_policy_arn: pulumi.Output[str]
    """ARN of the managed policy for operators."""
    dashboard_name: pulumi.Output[str] | None
    """Name of the dashboard; absent without one."""
    idempotency_table_name: pulumi.Output[str] | None
    """Name of the table of what has been processed; absent without one."""

    def __init__(
        self, name: str, args: ReliableQueueArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        limits.check_name(name, _LONGEST_SUFFIX)
        check_args(args, ReliableQueueArgs)
        super().__init__("reliable-queue:index:ReliableQueue", name, {}, opts)
        self._name, self._args, self._granted = name, args, set[str]()
        self._child = pulumi.ResourceOptions(parent=self)
        watch = ReplacementWatch(name, self)
        encryption, queues = self._queues(watch.of_queue)
        key = encryption.key_in(queues.queue.region)
        memory = self._create_memory()
        consumer = self._create_consumer(queues, key, memory)
        alarms = self._create_alarms(queues, consumer, encryption)
        self._tell_queues(queues, encryption)
        self._tell_consumer(consumer, memory)
        self._tell_monitoring(alarms, self._create_dashboard(queues, consumer, alarms))
        self._create_policies(queues, consumer, alarms, key, watch.of_policy)
        self.register_outputs({name: getattr(self, name) for name in ReliableQueue.__annotations__})

    def _queues(self, hooks: pulumi.ResourceHookBinding) -> tuple[Encryption, Queues]:
        name, args = self._name, self._args
        if args.existing is not None:
            encryption = key_of_existing(args.existing)
            return encryption, wrap_queues(
                name, args, args.existing, encryption=encryption, hooks=hooks, parent=self
            )
        encryption = create_encryption(name, args.key, tags=args.tags, parent=self)
        return encryption, create_queues(
            name,
            args,
            visibility_timeout_seconds=self._visibility_timeout_seconds(),
            encryption=encryption,
            hooks=hooks,
            parent=self,
        )

    def grant_send(self, to: Grantee, *, name: str | None = None) -> aws.iam.RolePolicy:
        """Let a role or function send to the queue; what sends depends on the result.

        name: tells several grants to roles apart whose names are outputs.
        """
        return self._grant("send", to, name, self._may_send)

    def grant_consume(self, to: Grantee, *, name: str | None = None) -> aws.iam.RolePolicy:
        """Let a role or function receive from the queue and delete what is done.

        name: as of `grant_send`.
        """
        return self._grant("consume", to, name, self._may_consume)

    def grant_operate(self, to: Grantee, *, name: str | None = None) -> aws.iam.RolePolicy:
        """Let a role or function do what the operator's commands do.

        name: as of `grant_send`.
        """
        return self._grant("operate", to, name, self._may_operate)

    def _grant(
        self,
        purpose: str,
        to: Grantee,
        name: str | None,
        document: policies.PolicyDocument[pulumi.Output[str]],
    ) -> aws.iam.RolePolicy:
        if isinstance(to, PythonFunction):
            return to.allow(f"{purpose}-{name or self._name}", document)
        argument = f"grant_{purpose}, to"
        if isinstance(to, aws.iam.Role):
            role, of = to.name, to.pulumi_resource_name
        elif isinstance(to, str):
            limits.check_role_name(argument, to)
            role, of = to, to
        elif is_late(to):
            role, of = checked(argument, to, limits.check_role_name), self._unnamed(argument, name)
        else:
            raise limits.LimitError(
                f"{argument} = {to!r}; give an aws.iam.Role, a role's name, or a PythonFunction; "
                "to let an aws.lambda_.Function in, give its role"
            )
        return aws.iam.RolePolicy(
            f"{self._name}-{name or of}-may-{purpose}",
            role=role,
            policy=pulumi.Output.json_dumps(document),
            opts=self._child,
        )

    def _unnamed(self, argument: str, name: str | None) -> str:
        """What stands for the name of a role in that of the first grant to one not known yet."""
        if name is None and argument in self._granted:
            raise limits.LimitError(
                f"{argument}: a second role whose name is an output; give name=..., which tells "
                "the two apart"
            )
        self._granted.add(argument)
        return "role"

    def _visibility_timeout_seconds(self) -> pulumi.Input[int]:
        args = self._args
        if args.consumer is None:
            self._advise(args.visibility_timeout_without_consumer, None)
            return args.visibility_timeout_without_consumer
        timeout = args.consumer.function.timeout_seconds
        if isinstance(timeout, int):
            return self._visibility_timeout_for(timeout)
        return when_known(timeout, self._visibility_timeout_for)

    def _visibility_timeout_for(self, function_timeout_seconds: float) -> int:
        seconds = limits.function_timeout(function_timeout_seconds)
        visibility = self._args.visibility_timeout_for(seconds)
        self._advise(visibility, seconds)
        return visibility

    def _advise(self, visibility: int, function_timeout_seconds: int | None) -> None:
        args, advice = self._args, list[str | None]()
        if args.consumer is not None and function_timeout_seconds is not None:
            window = args.consumer.batching_window_seconds
            advice.append(
                limits.visibility_timeout_advice(visibility, function_timeout_seconds, window)
            )
        remembered = args.idempotency_seconds
        if remembered is not None:
            advice.append(limits.idempotency_advice(remembered, args.retention_seconds))
        advice.append(
            limits.retention_advice(args.retention_seconds, visibility, args.max_receive_count)
        )
        for text in filter(None, advice):
            pulumi.log.warn(text, resource=self)

    def _create_memory(self) -> Memory | None:
        seconds = self._args.idempotency_seconds
        if seconds is None:
            return None
        return create_memory(
            self._name, expires_after_seconds=seconds, tags=self._args.tags, parent=self
        )

    def _create_consumer(
        self,
        queues: Queues,
        key: policies.EncryptionKey[pulumi.Output[str]] | None,
        memory: Memory | None,
    ) -> Consumer | None:
        args = self._args
        if args.consumer is None:
            return None
        return create_consumer(
            self._name,
            args.consumer,
            queues=queues,
            key=key,
            memory=memory,
            tags=args.tags,
            parent=self,
        )

    def _create_alarms(
        self, queues: Queues, consumer: Consumer | None, encryption: Encryption
    ) -> Alarms | None:
        args = self._args
        if args.alarms is None:
            return None
        watched = Watched(
            queue_name=queues.queue.name,
            dlq_name=queues.dlq.name,
            consumer_name=consumer.function_name if consumer else None,
            terms=queues.terms,
        )
        return create_alarms(
            self._name,
            args.alarms,
            alarm_rules(args.alarms, watched, pulumi.get_stack()),
            encryption=encryption,
            tags=args.tags,
            parent=self,
        )

    def _create_dashboard(
        self, queues: Queues, consumer: Consumer | None, alarms: Alarms | None
    ) -> aws.cloudwatch.Dashboard | None:
        if not self._args.has_dashboard:
            return None
        return monitoring.dashboard(
            f"{self._name}-dashboard",
            queue=queues.queue,
            dlq=queues.dlq,
            consumer_name=consumer.function_name if consumer else None,
            alarms=alarms.alarms if alarms else {},
            opts=self._child,
        )

    def _create_policies(
        self,
        queues: Queues,
        consumer: Consumer | None,
        alarms: Alarms | None,
        key: policies.EncryptionKey[pulumi.Output[str]] | None,
        hooks: pulumi.ResourceHookBinding,
    ) -> None:
        queue_arn, rung = queues.queue.arn, list(alarms.alarms.values()) if alarms else []
        self._may_send = policies.send(queue_arn=queue_arn, key=key)
        self._may_consume = policies.consume(queue_arn=queue_arn, key=key)
        self._may_operate = policies.operate(
            queue_arn=queue_arn,
            dlq_arn=queues.dlq.arn,
            log_streams_arn=consumer.log_streams_arn if consumer else None,
            alarms_arn=rung[0].arn.apply(policies.all_alarms_arn) if rung else None,
            function_arn=consumer.function_arn.apply(unqualified) if consumer else None,
            key=key,
        )
        self.send_policy_arn = self._create_policy("send", self._may_send)
        self.consume_policy_arn = self._create_policy("consume", self._may_consume)
        self.operator_policy_arn = self._create_policy("operate", self._may_operate, hooks)

    def _create_policy(
        self,
        purpose: str,
        document: policies.PolicyDocument[pulumi.Output[str]],
        hooks: pulumi.ResourceHookBinding | None = None,
    ) -> pulumi.Output[str]:
        policy = aws.iam.Policy(
            f"{self._name}-may-{purpose}",
            policy=pulumi.Output.json_dumps(document),
            tags=self._args.tags or None,
            opts=pulumi.ResourceOptions(parent=self, hooks=hooks),
        )
        return policy.arn

    def _tell_queues(self, queues: Queues, encryption: Encryption) -> None:
        queue, dlq = queues.queue, queues.dlq
        self.queue_url, self.queue_arn, self.queue_name = queue.url, queue.arn, queue.name
        self.dlq_url, self.dlq_arn, self.dlq_name = dlq.url, dlq.arn, dlq.name
        self.region, self.key_arn = queue.region, encryption.key_arn

    def _tell_consumer(self, consumer: Consumer | None, memory: Memory | None) -> None:
        self.consumer_function_name = consumer.function_name if consumer else None
        self.consumer_function_arn = consumer.function_arn if consumer else None
        self.consumer_log_group_name = consumer.log_group_name if consumer else None
        self.idempotency_table_name = memory.table_name if memory else None

    def _tell_monitoring(
        self, alarms: Alarms | None, dashboard: aws.cloudwatch.Dashboard | None
    ) -> None:
        names = [alarm.name for alarm in alarms.alarms.values()] if alarms else []
        self.alarm_names = pulumi.Output.all(*names).apply(list)
        self.alarm_topic_arn = alarms.topic_arn if alarms else None
        self.dashboard_name = dashboard.dashboard_name if dashboard else None
