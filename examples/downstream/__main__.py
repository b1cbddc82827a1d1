"""Another team's function, which sends to a reliable queue and may do nothing else with it."""

import json
from pathlib import Path

import pulumi
import pulumi_aws as aws

HERE = Path(__file__).resolve().parent
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def queue_outputs(config: pulumi.Config) -> tuple[pulumi.Input[str], pulumi.Input[str]]:
    """Where to send to, and the policy that allows it: from the queue's stack, or as told."""
    stack = config.get("queueStack")
    if not stack:
        return config.require("queueUrl"), config.require("sendPolicyArn")
    reference = pulumi.StackReference(stack)
    # Names of the contract: components/outputs.schema.json.
    return reference.require_output("queueUrl"), reference.require_output("sendPolicyArn")


queue_url, send_policy_arn = queue_outputs(pulumi.Config())
role = aws.iam.Role("sender", assume_role_policy=json.dumps(TRUST))
may_send = aws.iam.RolePolicyAttachment("sender", role=role.name, policy_arn=send_policy_arn)
sender = aws.lambda_.Function(
    "sender",
    role=role.arn,
    runtime="python3.13",
    handler="sender.handler",
    code=pulumi.FileArchive(str(HERE / "sender")),
    timeout=10,
    environment={"variables": {"QUEUE_URL": queue_url}},
    opts=pulumi.ResourceOptions(depends_on=[may_send]),
)
pulumi.export("senderFunctionName", sender.name)
pulumi.export("senderRoleName", role.name)
