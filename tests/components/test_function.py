"""A function's resources, as they are asked for, and the arguments that are refused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components import DependencyLayer, LimitError, PythonFunction, PythonFunctionArgs, VpcArgs
from components.function import source_archive

Deploy = Callable[..., Any]

LAYER = "arn:aws:lambda:eu-north-1:123456789012:layer:theirs:3"


@pytest.fixture
def deploy_function(deploy: Deploy, source: Path) -> Deploy:
    """Deploys the function `f` with arguments beside its code."""

    def run(**args: Any) -> Any:
        function = PythonFunctionArgs(**{"source": source, "handler": "work.handler", **args})
        return deploy(lambda: PythonFunction("f", function))

    return run


def test_every_resource_of_a_function_is_its_child(
    deploy_function: Deploy, dependencies: DependencyLayer
) -> None:
    component, *children = deploy_function(dependencies=dependencies).resources
    assert component.type == "reliable-queue:index:PythonFunction"
    assert {child.name for child in children} == {
        "f-role", "f-logs", "f-may-logs", "f-dependencies", "f-function"
    }  # fmt: skip
    assert {child.parent for child in children} == {"f"}


def test_a_function_logs_to_a_group_of_its_own_as_it_prints(deploy_function: Deploy) -> None:
    deployed = deploy_function(log_retention_days=30)
    group = deployed.only("aws:cloudwatch/logGroup:LogGroup")
    assert group.inputs == {"retentionInDays": 30}
    function = deployed.only("aws:lambda/function:Function")
    assert function.inputs["loggingConfig"] == {"logFormat": "Text", "logGroup": "f-logs-1a2b3c4"}
    may_log = deployed.only("aws:iam/rolePolicy:RolePolicy")
    [statement] = may_log.document("policy")["Statement"]
    assert statement["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert statement["Resource"].endswith(":f-logs-1a2b3c4:*")
    assert "f-may-logs" in function.dependencies, "its first run can log"


def test_a_function_gets_what_it_asks_for(
    deploy_function: Deploy, dependencies: DependencyLayer
) -> None:
    function = deploy_function(
        dependencies=dependencies,
        timeout_seconds=30,
        memory_mb=512,
        reserved_concurrency=20,
        environment={"QUEUE_URL": "https://q", "POWERTOOLS_LOG_LEVEL": "DEBUG"},
    ).only("aws:lambda/function:Function")
    assert (function.inputs["timeout"], function.inputs["memorySize"]) == (30, 512)
    assert function.inputs["reservedConcurrentExecutions"] == 20
    assert function.inputs["runtime"] == "python3.13"
    assert function.inputs["architectures"] == ["arm64"]
    assert function.inputs["handler"] == "work.handler"
    assert len(function.inputs["layers"]) == 1
    assert list(function.inputs["code"].assets) == ["work.py"]
    assert function.inputs["environment"]["variables"] == {
        "POWERTOOLS_SERVICE_NAME": "f",
        "POWERTOOLS_LOG_LEVEL": "DEBUG",
        "QUEUE_URL": "https://q",
    }


def test_a_function_runs_on_what_it_asks_for_with_dependencies_built_for_that(
    deploy_function: Deploy, dependencies: DependencyLayer
) -> None:
    built = replace(dependencies, runtime="python3.12", architecture="x86_64")
    deployed = deploy_function(dependencies=built, runtime="python3.12", architecture="x86_64")
    function = deployed.only("aws:lambda/function:Function").inputs
    layer = deployed.only("aws:lambda/layerVersion:LayerVersion").inputs
    assert function["runtime"] == "python3.12"
    assert layer["compatibleRuntimes"] == ["python3.12"]
    assert function["architectures"] == layer["compatibleArchitectures"] == ["x86_64"]


def test_by_default_a_function_reserves_nothing_and_has_no_layer(deploy_function: Deploy) -> None:
    function = deploy_function().only("aws:lambda/function:Function")
    assert "reservedConcurrentExecutions" not in function.inputs
    assert function.inputs["layers"] == []


def test_other_layers_come_after_that_of_the_dependencies(
    deploy_function: Deploy, dependencies: DependencyLayer
) -> None:
    function = deploy_function(dependencies=dependencies, layers=[LAYER])
    layers = function.only("aws:lambda/function:Function").inputs["layers"]
    assert [layer.split(":")[2] for layer in layers] == ["lambda", "lambda"]
    assert layers[-1] == LAYER


def test_a_traced_function_may_write_traces(deploy_function: Deploy) -> None:
    deployed = deploy_function(traces=True)
    function = deployed.only("aws:lambda/function:Function")
    assert function.inputs["tracingConfig"] == {"mode": "Active"}
    assert "f-may-trace" in function.dependencies
    [may] = deployed.only("aws:iam/rolePolicy:RolePolicy", "f-may-trace").document("policy")[
        "Statement"
    ]
    assert may["Action"] == ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]


def test_a_function_in_a_vpc_may_join_it(deploy_function: Deploy) -> None:
    deployed = deploy_function(vpc=VpcArgs(subnet_ids=["subnet-1"], security_group_ids=["sg-1"]))
    function = deployed.only("aws:lambda/function:Function")
    assert function.inputs["vpcConfig"] == {
        "subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]
    }  # fmt: skip
    assert "f-may-join-vpc" in function.dependencies


def test_by_default_a_function_is_neither_traced_nor_in_a_vpc(deploy_function: Deploy) -> None:
    function = deploy_function().only("aws:lambda/function:Function")
    assert not function.inputs.keys() & {"vpcConfig", "tags"}
    # Left out, it would stay as it was.
    assert function.inputs["tracingConfig"] == {"mode": "PassThrough"}


def test_the_log_level_is_that_of_powertools(deploy_function: Deploy) -> None:
    function = deploy_function(log_level="ERROR").only("aws:lambda/function:Function")
    assert function.inputs["environment"]["variables"]["POWERTOOLS_LOG_LEVEL"] == "ERROR"


def test_a_layer_is_named_after_project_stack_and_function(
    deploy_function: Deploy, dependencies: DependencyLayer
) -> None:
    layer = deploy_function(dependencies=dependencies).only("aws:lambda/layerVersion:LayerVersion")
    assert layer.inputs["layerName"] == "reliable-queue-test-f"
    assert layer.inputs["compatibleRuntimes"] == ["python3.13"]
    assert layer.inputs["compatibleArchitectures"] == ["arm64"]
    assert layer.inputs["code"].path == str(dependencies.archive)


def test_what_a_function_is_allowed_goes_to_its_role(deploy: Deploy, source: Path) -> None:
    def program() -> None:
        function = PythonFunction("f", PythonFunctionArgs(source=source, handler="work.handler"))
        arn = pulumi.Output.from_input("arn:aws:sqs:::q")
        function.allow("send", {"Version": "2012-10-17", "Statement": [
            {"Sid": "S", "Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": arn}
        ]})  # fmt: skip

    policy = deploy(program).only("aws:iam/rolePolicy:RolePolicy", "f-may-send")
    assert policy.inputs["role"] == "f-role-1a2b3c4"
    assert policy.parent == "f"
    assert policy.document("policy")["Statement"][0]["Resource"] == "arn:aws:sqs:::q"


def test_sources_ship_without_caches_and_hidden_files(source: Path) -> None:
    for name in ("part/__init__.py", "__pycache__/work.pyc", "part/__pycache__/x.pyc", ".cache/x"):
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text("")
    assert list(source_archive(source).assets) == ["part/__init__.py", "work.py"]


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        ({"timeout_seconds": 0}, "timeout_seconds = 0 is out of range; allowed: 1 to 900 seconds"),
        ({"timeout_seconds": 901}, "timeout_seconds = 901"),
        ({"memory_mb": 127}, "memory_mb = 127 is out of range; allowed: 128 to 10240 MB"),
        ({"log_retention_days": 2}, "log_retention_days = 2 is not a retention period"),
        ({"reserved_concurrency": 1}, "reserved_concurrency = 1 is out of range"),
        ({"layers": ["l"] * 6}, "6 layers together; allowed: 0 to 5"),
        ({"tags": {"": "x"}}, "tags has the key ''"),
        ({"handler": "handler"}, "handler = 'handler' is not of the form module.function"),
        ({"environment": {"AWS_REGION": "x"}}, "variable 'AWS_REGION', which Lambda sets itself"),
        ({"log_level": "TRACE"}, "log_level = 'TRACE' is unknown; allowed: DEBUG, INFO"),
        ({"runtime": "python3.9"}, "runtime = 'python3.9' is unknown; allowed: python3.12"),
        ({"architecture": "arm"}, "architecture = 'arm' is unknown; allowed: arm64, x86_64"),
        ({"handler": "other.handler"}, "source = .* holds no other.py"),
        ({"layers": ["theirs"]}, r"layers\[0\] = 'theirs' is no ARN of a layer's version"),
        ({"environment": {"MODE": None}}, r"environment\['MODE'\] = None is not text or an output"),
        (
            {"environment": {"SIZE": 5}},
            r"environment\['SIZE'\] = 5 is not text .*give text, as '5'",
        ),
        ({"environment": {5: "x"}}, "environment has the key 5, which is not text"),
        ({"source": 5}, "source = 5 is not a path or text"),
        ({"traces": "no"}, "traces = 'no' is not True or False"),
        ({"dependencies": "requirements.txt"}, "is not DependencyLayer or None; give Dependency"),
        ({"vpc": {"subnet_ids": ["subnet-1"]}}, r"vpc = .* is not VpcArgs or None; give VpcArgs"),
        (
            {"timeout_seconds": "5"},
            "timeout_seconds = '5' is not a whole number; allowed: 1 to 900",
        ),
        ({"log_retention_days": True}, "log_retention_days = True is not a retention period"),
        ({"tags": {"Team": "a", "team": "b"}}, "keys 'Team' and 'team', which are the same to IAM"),
        ({"tags": {"cost": 1}}, r"tags\['cost'\] = 1 is not text or an output"),
    ],
)
def test_wrong_arguments_are_refused(source: Path, args: dict[str, Any], complaint: str) -> None:
    with pytest.raises(LimitError, match=complaint):
        PythonFunctionArgs(**{"source": source, "handler": "work.handler", **args})


def test_a_source_may_be_a_text(deploy_function: Deploy, source: Path) -> None:
    function = deploy_function(source=str(source)).only("aws:lambda/function:Function")
    assert list(function.inputs["code"].assets) == ["work.py"]


def test_the_ids_of_a_vpc_are_ids() -> None:
    with pytest.raises(
        LimitError, match=r"subnet_ids\[0\] = 'a' is no id; give the id, as subnet-"
    ):
        VpcArgs(subnet_ids=["a"], security_group_ids=["sg-1"])
    with pytest.raises(LimitError, match=r"security_group_ids = 'sg-1' is not a list"):
        VpcArgs(subnet_ids=["subnet-1"], security_group_ids="sg-1")


def test_a_map_in_place_of_arguments_is_refused(deploy: Deploy) -> None:
    wrong: Any = {"source": "."}
    with pytest.raises(LimitError, match=r"args = .* is not PythonFunctionArgs; give PythonFunc"):
        deploy(lambda: PythonFunction("f", wrong))


@pytest.mark.parametrize(("subnets", "groups"), [(1, 1), (16, 5)])
def test_a_vpc_has_a_subnet_and_a_security_group_at_least(subnets: int, groups: int) -> None:
    VpcArgs(subnet_ids=["subnet-1"] * subnets, security_group_ids=["sg-1"] * groups)


@pytest.mark.parametrize(
    ("subnets", "groups", "complaint"),
    [
        (0, 1, "vpc.subnet_ids, their number = 0 is out of range; allowed: 1 to 16 subnets"),
        (17, 1, "vpc.subnet_ids, their number = 17"),
        (1, 0, "vpc.security_group_ids, their number = 0 is out of range; allowed: 1 to 5"),
        (1, 6, "vpc.security_group_ids, their number = 6"),
    ],
)
def test_a_vpc_that_lambda_refuses_is_refused(subnets: int, groups: int, complaint: str) -> None:
    with pytest.raises(LimitError, match=complaint):
        VpcArgs(subnet_ids=["subnet-1"] * subnets, security_group_ids=["sg-1"] * groups)


def test_variables_of_ours_count_too(deploy_function: Deploy) -> None:
    with pytest.raises(LimitError, match=r"environment takes 41\d\d bytes"):
        deploy_function(environment={"MODE": "x" * 4_092})


def test_dependencies_of_another_architecture_are_refused(
    source: Path, dependencies: DependencyLayer
) -> None:
    with pytest.raises(LimitError, match=r"built for python3.13 on arm64, but .* on x86_64"):
        PythonFunctionArgs(
            source=source, handler="work.handler", dependencies=dependencies, architecture="x86_64"
        )


def test_a_name_too_long_for_a_function_is_refused_before_anything_is_created(
    deploy: Deploy, source: Path
) -> None:
    args = PythonFunctionArgs(source=source, handler="work.handler")
    deploy(lambda: PythonFunction("f" * 47, args))
    with pytest.raises(LimitError, match=r"48 characters.*allowed: 1 to 47"):
        deploy(lambda: PythonFunction("f" * 48, args))
