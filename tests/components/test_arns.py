"""What names something that exists: what AWS takes, and what is refused with what is right."""

from collections.abc import Callable

import pytest

from components import LimitError, limits

PLACE = "eu-north-1:123456789012"
KEY = f"arn:aws:kms:{PLACE}:key/12345678-1234-1234-1234-123456789012"
QUEUE = f"arn:aws-cn:sqs:{PLACE}:orders"
FUNCTION = f"arn:aws:lambda:{PLACE}:function:f"
Check = Callable[[str, str], None]


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (limits.check_key_arn, KEY),
        (limits.check_key_arn, f"arn:aws-us-gov:kms:{PLACE}:key/mrk-1"),
        (limits.check_topic_arn, f"arn:aws:sns:{PLACE}:alarms"),
        (limits.check_topic_arn, f"arn:aws-cn:sns:{PLACE}:alarms.fifo"),
        (limits.check_layer_arn, f"arn:aws:lambda:{PLACE}:layer:ours:3"),
        (limits.check_function, FUNCTION),
        (limits.check_function, f"{FUNCTION}:live"),
        (limits.check_function, f"{FUNCTION}:$LATEST"),
        (limits.check_function, "123456789012:function:f"),
        (limits.check_function, "f"),
        (limits.check_function, "f:live"),
        (limits.check_role_name, "a+b=c,d.e@f_g-1"),
        (limits.check_log_group, "/aws/lambda/f"),
        (limits.check_log_group, "team.a/orders_1#2"),
    ],
)
def test_what_aws_takes_is_accepted(check: Check, value: str) -> None:
    check("argument", value)


@pytest.mark.parametrize(
    ("check", "value", "complaint"),
    [
        (limits.check_key_arn, "alias/ours", "is an alias, .*give aws.kms.get_alias"),
        (limits.check_key_arn, f"arn:aws:kms:{PLACE}:alias/ours", "is an alias"),
        (limits.check_key_arn, "12345678-1234-1234-1234-123456789012", "is no ARN of a key.*give"),
        (limits.check_key_arn, FUNCTION, "is no ARN of a key"),
        (limits.check_topic_arn, "alarms", "is no ARN of a topic; give the arn of the aws.sns.Top"),
        (limits.check_topic_arn, QUEUE, "is no ARN of a topic"),
        (limits.check_layer_arn, f"arn:aws:lambda:{PLACE}:layer:ours", "no ARN of a layer's versi"),
        (limits.check_function, "a function", "names no function; give its ARN, as arn:aws:lambda"),
        (limits.check_function, "arn:aws:lambda:eu-north-1:f", "names no function"),
        (limits.check_function, "orders/live", "names no function"),
        (limits.check_function, QUEUE, "names no function"),
        (
            limits.check_role_name,
            "arn:aws:iam::1:role/team/web",
            "an ARN; give the role's name, 'we",
        ),
        (limits.check_role_name, "a role", "is no name of a role; allowed: 1 to 64 letters"),
        (limits.check_role_name, "r" * 65, "is no name of a role"),
        (
            limits.check_log_group,
            f"arn:aws:logs:{PLACE}:log-group:/aws/lambda/f:*",
            "an ARN; give the log group's name, '/aws/lambda/f'",
        ),
        (limits.check_log_group, "*", "is no name of a log group; allowed: 1 to 512 letters"),
        (limits.check_log_group, "", "is no name of a log group"),
        (limits.check_log_group, "g" * 513, "is no name of a log group"),
    ],
)
def test_what_aws_does_not_take_is_refused_with_what_is_right(
    check: Check, value: str, complaint: str
) -> None:
    with pytest.raises(LimitError, match=f"argument = .*{complaint}"):
        check("argument", value)


@pytest.mark.parametrize(
    ("given", "whole"),
    [
        (FUNCTION, FUNCTION),
        ("f", f"arn:aws-cn:lambda:{PLACE}:function:f"),
        ("f:live", f"arn:aws-cn:lambda:{PLACE}:function:f:live"),
        ("function:f", f"arn:aws-cn:lambda:{PLACE}:function:f"),
        ("111122223333:f", "arn:aws-cn:lambda:eu-north-1:111122223333:function:f"),
        ("111122223333:function:f", "arn:aws-cn:lambda:eu-north-1:111122223333:function:f"),
        (f"{PLACE}:function:f:$LATEST", f"arn:aws-cn:lambda:{PLACE}:function:f:$LATEST"),
        ("cn-north-1:111122223333:f", "arn:aws-cn:lambda:cn-north-1:111122223333:function:f"),
    ],
)
def test_a_function_that_is_named_shorter_is_where_its_queue_is(given: str, whole: str) -> None:
    assert limits.whole_function_arn(given, QUEUE) == whole


@pytest.mark.parametrize(
    ("protocol", "right", "wrong"),
    [
        ("email", "a@example.com", "example.com"),
        ("email-json", "a@example.com", "https://example.com"),
        ("https", "https://example.com/x", "http://example.com/x"),
        ("lambda", FUNCTION, "f"),
        ("sms", "+15550100", "me"),
        ("sqs", QUEUE, "https://sqs.eu-north-1.amazonaws.com/1/orders"),
    ],
)
def test_an_endpoint_is_what_its_protocol_sends_to(protocol: str, right: str, wrong: str) -> None:
    limits.check_endpoint("endpoint", protocol, right)
    with pytest.raises(LimitError, match=f"endpoint = .* is nothing for {protocol}; give "):
        limits.check_endpoint("endpoint", protocol, wrong)
