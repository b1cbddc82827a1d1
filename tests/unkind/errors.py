"""AWS's refusals and the network's failures, as botocore raises them."""

from collections.abc import Callable

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)

URL = "https://sqs.us-east-1.amazonaws.com/"

# Code: HTTP status (Amazon SQS API Reference, each action's "Errors", and "Common Errors").
STATUS_OF = {
    "AccessDenied": 403,
    "AWS.SimpleQueueService.NonExistentQueue": 400,
    "AWS.SimpleQueueService.PurgeQueueInProgress": 403,
    "ExpiredToken": 403,
    "InternalError": 500,
    "InternalFailure": 500,
    "OverLimit": 403,
    "RequestThrottled": 403,
    "ResourceNotFoundException": 404,
    "ServiceUnavailable": 503,
}


def client_error(code: str, operation: str, message: str = "", status: int = 0) -> ClientError:
    """A refusal; the HTTP status is the code's own unless it is given."""
    return ClientError(
        {
            "Error": {"Code": code, "Message": message or code, "Type": "Sender"},
            "ResponseMetadata": {"HTTPStatusCode": status or STATUS_OF.get(code, 400)},
        },  # type: ignore[typeddict-item]
        operation,
    )


NETWORK_FAILURES: dict[str, Callable[[], Exception]] = {
    "SSLError": lambda: SSLError(endpoint_url=URL, error="EOF occurred in violation of protocol"),
    "ProxyConnectionError": lambda: ProxyConnectionError(proxy_url="http://proxy:3128"),
    "ReadTimeoutError": lambda: ReadTimeoutError(endpoint_url=URL),
    "ConnectionClosedError": lambda: ConnectionClosedError(endpoint_url=URL),
    "ConnectTimeoutError": lambda: ConnectTimeoutError(endpoint_url=URL),
    "EndpointConnectionError": lambda: EndpointConnectionError(endpoint_url=URL),
    "NoCredentialsError": NoCredentialsError,
}
"""By botocore's class; the last three come before a request has left this machine."""

NEVER_SENT = ("ConnectTimeoutError", "EndpointConnectionError", "NoCredentialsError")
