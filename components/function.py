"""A Lambda function in Python: its role, its log group, its code and the layer it runs on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import pulumi
import pulumi_aws as aws

from . import limits, naming, policies
from .kinds import check_args, check_kinds, check_known
from .layer import Architecture, DependencyLayer, Runtime
from .unknowns import checked

# The longest suffix among the children's names.
_FUNCTION_SUFFIX = "-function"
# AWS Lambda API Reference, PublishLayerVersion, LayerName.
_LAYER_NAME_LENGTH = 140
# What lies about in a source folder and is no source.
_NOT_SOURCE = {"__pycache__"}


LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


@dataclass(frozen=True, kw_only=True)
class VpcArgs:
    """Where in a VPC a function runs. It reaches SQS there by a NAT or by SQS's VPC endpoint.

    subnet_ids: in which subnets, of several zones best, 1 to 16.
    security_group_ids: what it may reach, 1 to 5.
    """

    subnet_ids: Sequence[pulumi.Input[str]]
    security_group_ids: Sequence[pulumi.Input[str]]

    def __post_init__(self) -> None:
        check_kinds(self, "vpc.")
        limits.SUBNETS.check("vpc.subnet_ids, their number", len(self.subnet_ids))
        limits.SECURITY_GROUPS.check(
            "vpc.security_group_ids, their number", len(self.security_group_ids)
        )
        limits.check_vpc_ids("vpc.subnet_ids", "subnet", self.subnet_ids)
        limits.check_vpc_ids("vpc.security_group_ids", "sg", self.security_group_ids)


@dataclass(frozen=True, kw_only=True)
class PythonFunctionArgs:
    """What a function runs and with how much.

    source: folder that ships, all of it but caches and hidden files.
    handler: `module.function`, the module a file in that folder.
    dependencies: the packages that it imports, built for the same runtime and architecture.
    layers: ARNs of other layers, up to 5 with that of the dependencies.
    environment: variables, all of them texts, beside those that Powertools reads, which are set by
        default.
    timeout_seconds: 1 to 900.
    memory_mb: 128 to 10,240; the share of a processor grows with it.
    reserved_concurrency: executions kept for this function alone, 2 or more; none by default.
    log_level: what Powertools' logger writes, this and what is graver.
    log_retention_days: one of CloudWatch Logs' periods.
    traces: whether X-Ray records its runs.
    vpc: the VPC that it runs in; by default none.
    runtime, architecture: what it runs on.
    tags: for the function, its role and its log group; the values may be outputs.

    Raises `LimitError` that names the argument, its value and what is allowed.
    """

    source: Path | str
    handler: str
    dependencies: DependencyLayer | None = None
    layers: Sequence[pulumi.Input[str]] = ()
    environment: Mapping[str, pulumi.Input[str]] = field(
        default_factory=dict[str, pulumi.Input[str]]
    )
    timeout_seconds: int = 10
    memory_mb: int = 256
    reserved_concurrency: int | None = None
    log_level: LogLevel = "INFO"
    log_retention_days: int = 14
    traces: bool = False
    vpc: VpcArgs | None = None
    runtime: Runtime = "python3.13"
    architecture: Architecture = "arm64"
    tags: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])

    def __post_init__(self) -> None:
        check_kinds(self)
        limits.FUNCTION_TIMEOUT.check("timeout_seconds", self.timeout_seconds)
        limits.FUNCTION_MEMORY.check("memory_mb", self.memory_mb)
        limits.check_log_retention("log_retention_days", self.log_retention_days)
        if self.reserved_concurrency is not None:
            limits.RESERVED_CONCURRENCY.check("reserved_concurrency", self.reserved_concurrency)
        limits.check_layers(len(self.layers) + (self.dependencies is not None))
        for number, layer in enumerate(self.layers):
            check_known(f"layers[{number}]", layer, limits.check_layer_arn)
        limits.check_environment(self.environment)
        limits.check_tags(self.tags)
        limits.check_one_of("log_level", self.log_level, get_args(LogLevel))
        limits.check_one_of("runtime", self.runtime, get_args(Runtime))
        limits.check_one_of("architecture", self.architecture, get_args(Architecture))
        self._check_handler()
        self._check_dependencies()

    def _check_handler(self) -> None:
        limits.check_handler(self.handler)
        module = self.handler.rpartition(".")[0]
        if not (Path(self.source) / f"{module.replace('.', '/')}.py").is_file():
            raise limits.LimitError(
                f"source = {str(self.source)!r} holds no {module}.py, which handler = "
                f"{self.handler!r} names; give the folder that holds it"
            )

    def _check_dependencies(self) -> None:
        built, needed = self.dependencies, (self.runtime, self.architecture)
        if built and (built.runtime, built.architecture) != needed:
            raise limits.LimitError(
                f"dependencies are built for {built.runtime} on {built.architecture}, but the "
                f"function runs {self.runtime} on {self.architecture}; build them for that"
            )


class PythonFunction(pulumi.ComponentResource):
    """A function that may write to its own log group and, by itself, do nothing else."""

    function_name: pulumi.Output[str]
    function_arn: pulumi.Output[str]
    log_group_name: pulumi.Output[str]
    log_streams_arn: pulumi.Output[str]
    role_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: PythonFunctionArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        limits.check_name(name, _FUNCTION_SUFFIX)
        check_args(args, PythonFunctionArgs)
        environment = _environment(name, args)
        limits.check_environment(environment)
        super().__init__("reliable-queue:index:PythonFunction", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            retention_in_days=args.log_retention_days,
            tags=args.tags or None,
            opts=child,
        )
        role = aws.iam.Role(
            f"{name}-role",
            assume_role_policy=policies.LAMBDA_TRUST,
            tags=args.tags or None,
            opts=child,
        )
        self.log_group_name, self.role_name = logs.name, role.name
        # The streams of a group; as the resource of a policy a group is written this way.
        self.log_streams_arn = pulumi.Output.concat(logs.arn, ":*")
        rights = [self.allow("logs", policies.write_logs(log_streams_arn=self.log_streams_arn))]
        if args.traces:
            rights.append(self.allow("trace", policies.trace()))
        if args.vpc:
            rights.append(self.allow("join-vpc", policies.join_vpc()))
        function = aws.lambda_.Function(
            f"{name}{_FUNCTION_SUFFIX}",
            role=role.arn,
            runtime=args.runtime,
            architectures=[args.architecture],
            handler=args.handler,
            code=source_archive(Path(args.source)),
            layers=self._create_layers(name, args),
            timeout=args.timeout_seconds,
            memory_size=args.memory_mb,
            reserved_concurrent_executions=args.reserved_concurrency,
            environment={"variables": environment},
            # Text leaves each line as it was printed: Powertools' records are JSON already.
            logging_config={"log_format": "Text", "log_group": logs.name},
            # Written either way: left out, it would stay as it was.
            tracing_config={"mode": "Active" if args.traces else "PassThrough"},
            vpc_config=_vpc_config(args.vpc),
            tags=args.tags or None,
            opts=pulumi.ResourceOptions(parent=self, depends_on=rights),
        )
        self.function_name, self.function_arn = function.name, function.arn
        self.register_outputs(
            {
                "function_name": self.function_name,
                "function_arn": self.function_arn,
                "log_group_name": self.log_group_name,
                "log_streams_arn": self.log_streams_arn,
                "role_name": self.role_name,
            }
        )

    def allow(
        self,
        purpose: str,
        document: policies.PolicyDocument[pulumi.Output[str]] | policies.PolicyDocument[str],
    ) -> aws.iam.RolePolicy:
        """Let the function do what a policy document says; what uses it depends on the result."""
        return aws.iam.RolePolicy(
            f"{self.pulumi_resource_name}-may-{purpose}",
            role=self.role_name,
            policy=pulumi.Output.json_dumps(document),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _create_layers(self, name: str, args: PythonFunctionArgs) -> list[pulumi.Input[str]]:
        theirs = [
            checked(f"layers[{number}]", layer, limits.check_layer_arn)
            for number, layer in enumerate(args.layers)
        ]
        if args.dependencies is None:
            return [*theirs]
        layer = aws.lambda_.LayerVersion(
            f"{name}-dependencies",
            layer_name=naming.name_in_stack(name, _LAYER_NAME_LENGTH),
            code=pulumi.FileArchive(str(args.dependencies.archive)),
            compatible_runtimes=[args.runtime],
            compatible_architectures=[args.architecture],
            opts=pulumi.ResourceOptions(parent=self),
        )
        return [layer.arn, *theirs]


def source_archive(folder: Path) -> pulumi.AssetArchive:
    """The source files of a folder, for Lambda; caches and hidden files stay behind."""
    files = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return pulumi.AssetArchive(
        {
            inside.as_posix(): pulumi.FileAsset(str(path))
            for inside, path in files.items()
            if not any(part in _NOT_SOURCE or part.startswith(".") for part in inside.parts)
        }
    )


def _environment(name: str, args: PythonFunctionArgs) -> dict[str, pulumi.Input[str]]:
    # Names fixed by Powertools for AWS Lambda (Python): Environment variables.
    powertools = {"POWERTOOLS_SERVICE_NAME": name, "POWERTOOLS_LOG_LEVEL": args.log_level}
    return {**powertools, **args.environment}


def _vpc_config(vpc: VpcArgs | None) -> aws.lambda_.FunctionVpcConfigArgsDict | None:
    if vpc is None:
        return None
    return {"subnet_ids": [*vpc.subnet_ids], "security_group_ids": [*vpc.security_group_ids]}
