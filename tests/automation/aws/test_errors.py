"""Of each way in which a request can fail, whether AWS may have accepted it."""

import botocore.exceptions
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from automation.aws.errors import is_throttled, was_never_connected, was_never_made

# By botocore's names: what is raised before a byte of the request has left.
NEVER_MADE = {
    "CredentialRetrievalError",
    "ConfigNotFound",
    "InvalidConfigError",
    "NoCredentialsError",
    "NoRegionError",
    "ParamValidationError",
    "PartialCredentialsError",
    "PendingAuthorizationExpiredError",
    "SSOError",
    "SSOTokenLoadError",
    "TokenRetrievalError",
    "UnauthorizedSSOTokenError",
    "UnknownEndpointError",
}
MAY_BE_ACCEPTED = {
    "ConnectionClosedError",
    "HTTPClientError",
    "IncompleteReadError",
    "ProxyConnectionError",
    "ReadTimeoutError",
    "ResponseStreamingError",
    "SSLError",
}


def blank(kind: type[BotoCoreError]) -> BotoCoreError:
    return kind.__new__(kind)


EVERY_KIND = [
    kind
    for kind in vars(botocore.exceptions).values()
    if isinstance(kind, type) and issubclass(kind, BotoCoreError)
]


@pytest.mark.parametrize("kind", EVERY_KIND, ids=lambda kind: kind.__name__)
def test_only_what_is_known_not_to_be_sent_counts_as_not_sent(kind: type[BotoCoreError]) -> None:
    name, error = kind.__name__, blank(kind)
    if name in MAY_BE_ACCEPTED:
        assert not was_never_made(error)
        assert not was_never_connected(error)
    if was_never_connected(error):
        assert name in ("EndpointConnectionError", "ConnectTimeoutError")
    if was_never_made(error):
        assert name in NEVER_MADE


@pytest.mark.parametrize("name", sorted(MAY_BE_ACCEPTED))
def test_the_ways_of_breaking_off_are_botocore_s(name: str) -> None:
    assert hasattr(botocore.exceptions, name)


@pytest.mark.parametrize(
    ("code", "status", "throttled"),
    [
        ("RequestThrottled", 403, True),
        ("ThrottlingException", 400, True),
        ("KMS.ThrottlingException", 400, True),
        ("KmsThrottled", 400, True),
        ("SlowDown", 503, True),
        ("AnythingElse", 429, True),
        ("KMS.AccessDeniedException", 400, False),
        ("InternalError", 500, False),
    ],
)
def test_every_code_for_not_now_is_known(code: str, status: int, throttled: bool) -> None:
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    assert is_throttled(ClientError(answer, "SendMessageBatch")) is throttled  # type: ignore[arg-type]
