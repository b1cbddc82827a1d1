"""A Lambda function in Python: its role, its log group, its code and the layer it runs on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pulumi
import pulumi_aws as aws

from components import limits, naming, policies
from components.layer import Architecture, DependencyLayer, Runtime

# The longest suffix among the children's names.
_FUNCTION_SUFFIX = "-function"
# AWS Lambda API Reference, PublishLayerVersion, LayerName.
_LAYER_NAME_LENGTH = 140
# What lies about in a source folder and is no source.
_NOT_SOURCE = {"__pycache__"}


@dataclass(frozen=True, kw_only=True)
class PythonFunctionArgs:
    """What a function runs and with how much.

    source: folder that ships, all of it but caches and hidden files.
    handler: `module.function`, the module a file in that folder.
    dependencies: the packages that it imports, built for the same runtime and architecture.
    environment: variables beside those that Powertools reads, which are set by default.
    timeout_seconds: 1 to 900.
    memory_mb: 128 to 10,240; the share of a processor grows with it.
    reserved_concurrency: executions kept for this function alone, 2 or more; none by default.
    log_retention_days: one of CloudWatch Logs' periods.
    runtime, architecture: what it runs on.

    Raises `LimitError` that names the argument, its value and what is allowed.
    """

    source: Path
    handler: str
    dependencies: DependencyLayer | None = None
    environment: Mapping[str, pulumi.Input[str]] = field(
        default_factory=dict[str, pulumi.Input[str]]
    )
    timeout_seconds: int = 10
    memory_mb: int = 256
    reserved_concurrency: int | None = None
    log_retention_days: int = 14
    runtime: Runtime = "python3.13"
    architecture: Architecture = "arm64"

    def __post_init__(self) -> None:
        limits.FUNCTION_TIMEOUT.check("timeout_seconds", self.timeout_seconds)
        limits.FUNCTION_MEMORY.check("memory_mb", self.memory_mb)
        limits.check_log_retention("log_retention_days", self.log_retention_days)
        if self.reserved_concurrency is not None:
            limits.RESERVED_CONCURRENCY.check("reserved_concurrency", self.reserved_concurrency)
        self._check_handler()
        self._check_dependencies()

    def _check_handler(self) -> None:
        module, _, function = self.handler.rpartition(".")
        if not (module and function):
            raise limits.LimitError(
                f"handler = {self.handler!r} is not of the form module.function"
            )
        if not (self.source / f"{module.replace('.', '/')}.py").is_file():
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
        super().__init__("reliable-queue:index:PythonFunction", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs", retention_in_days=args.log_retention_days, opts=child
        )
        role = aws.iam.Role(f"{name}-role", assume_role_policy=policies.LAMBDA_TRUST, opts=child)
        self.log_group_name, self.role_name = logs.name, role.name
        # The streams of a group; as the resource of a policy a group is written this way.
        self.log_streams_arn = pulumi.Output.concat(logs.arn, ":*")
        may_log = self.allow("logs", policies.write_logs(log_streams_arn=self.log_streams_arn))
        function = aws.lambda_.Function(
            f"{name}{_FUNCTION_SUFFIX}",
            role=role.arn,
            runtime=args.runtime,
            architectures=[args.architecture],
            handler=args.handler,
            code=source_archive(args.source),
            layers=self._create_layers(name, args),
            timeout=args.timeout_seconds,
            memory_size=args.memory_mb,
            reserved_concurrent_executions=args.reserved_concurrency,
            environment={"variables": _environment(name, args)},
            # Text leaves each line as it was printed: Powertools' records are JSON already.
            logging_config={"log_format": "Text", "log_group": logs.name},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[may_log]),
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
        self, purpose: str, document: policies.PolicyDocument[pulumi.Output[str]]
    ) -> aws.iam.RolePolicy:
        """Let the function do what a policy document says; what uses it depends on the result."""
        return aws.iam.RolePolicy(
            f"{self.pulumi_resource_name}-may-{purpose}",
            role=self.role_name,
            policy=pulumi.Output.json_dumps(document),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _create_layers(self, name: str, args: PythonFunctionArgs) -> list[pulumi.Input[str]]:
        if args.dependencies is None:
            return []
        layer = aws.lambda_.LayerVersion(
            f"{name}-dependencies",
            layer_name=naming.name_in_stack(name, _LAYER_NAME_LENGTH),
            code=pulumi.FileArchive(str(args.dependencies.archive)),
            compatible_runtimes=[args.runtime],
            compatible_architectures=[args.architecture],
            opts=pulumi.ResourceOptions(parent=self),
        )
        return [layer.arn]


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
    powertools = {"POWERTOOLS_SERVICE_NAME": name, "POWERTOOLS_LOG_LEVEL": "INFO"}
    return {**powertools, **args.environment}
