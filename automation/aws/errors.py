"""What AWS's refusals and broken connections mean, and words that say what to do."""

import contextlib
from collections.abc import Generator

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
    UnknownEndpointError,
)

from automation.errors import AutomationError
from automation.installation import command_name

_NO_RIGHTS = frozenset(
    {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}
)
_NOT_SIGNED_IN = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_NO_QUEUE = frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"})
_NOT_FOUND = frozenset({"ResourceNotFoundException", "ResourceNotFound"})

_NEVER_CONNECTED = (EndpointConnectionError, ConnectTimeoutError)
# Raised while a request is made up or signed.
_NEVER_MADE = (
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
    UnknownEndpointError,
)


def error_code(error: ClientError) -> str:
    """AWS's name for a refusal, for example `AccessDenied`; empty when it gives none."""
    return error.response.get("Error", {}).get("Code", "")


def error_words(error: ClientError) -> str:
    """AWS's words for a refusal; empty when it gives none."""
    return error.response.get("Error", {}).get("Message", "")


def is_gone(error: ClientError) -> bool:
    """Whether AWS says that there is no such queue, log group, function or the like."""
    return error_code(error) in _NO_QUEUE | _NOT_FOUND


def lacks_right(error: ClientError) -> bool:
    """Whether AWS says that who asks may not."""
    return error_code(error) in _NO_RIGHTS


def is_throttled(error: ClientError) -> bool:
    """Whether AWS says "not now": of too many requests, its own or a key's.

    SQS and KMS have several codes for it, with several HTTP statuses: RequestThrottled,
    ThrottlingException, KMS.ThrottlingException, KmsThrottled (SQS API Reference, SendMessageBatch,
    Errors, and Common Errors). The producer, which ships alone, decides the same way.
    """
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status == 429 or "Throttl" in error_code(error) or error_code(error) == "SlowDown"


def was_never_connected(error: BotoCoreError) -> bool:
    """Whether there was no connection to AWS, so that nothing was sent; it may be there later."""
    return isinstance(error, _NEVER_CONNECTED)


def was_never_made(error: BotoCoreError) -> bool:
    """Whether a request could not even be made, so that nothing was sent; nor will the next be.

    Of an error for which neither this nor `was_never_connected` is true, nobody knows whether AWS
    has accepted: TLS, proxies, resets, time-outs and answers that can't be read may all break off
    after that.
    """
    return isinstance(error, _NEVER_MADE)


@contextlib.contextmanager
def explained_aws_errors(selected: str, operator_policy_arn: str | None) -> Generator[None]:
    """Turn what AWS refuses into an error with the cause and the fix.

    Args:
        selected: what the block works with, in words: `stack dev`, `queue orders`.
        operator_policy_arn: what would allow it; None when there is no such policy yet.

    Raises:
        AutomationError: instead of the refusals that are known here; others pass.
    """
    try:
        yield
    except ClientError as error:
        explained = _explained(error, selected, operator_policy_arn)
        if explained is None:
            raise
        raise explained from error
    except (NoCredentialsError, TokenRetrievalError) as error:
        raise AutomationError(
            f"there are no usable AWS credentials ({error}): sign in, or set AWS_PROFILE"
        ) from error
    except EndpointConnectionError as error:
        raise AutomationError(f"AWS can't be reached: {error}") from error


def _explained(
    error: ClientError, selected: str, operator_policy_arn: str | None
) -> AutomationError | None:
    code, words = error_code(error), error_words(error)
    call = error.operation_name
    if code in _NOT_SIGNED_IN:
        return AutomationError(
            f"the AWS credentials have expired or are not valid ({code}): sign in again"
        )
    if code in _NO_RIGHTS:
        allowed = (
            f"The policy {operator_policy_arn} of {selected} allows what these commands need: "
            "have it attached"
            if operator_policy_arn
            else f"What these commands need is printed by: {command_name()} policy --queue NAME"
        )
        return AutomationError(f"no permission for {call}: {words}. {allowed}")
    if code in _NO_QUEUE:
        return AutomationError(
            f"{call}: the queue does not exist (any more). Was {selected} destroyed or replaced "
            "meanwhile?"
        )
    if code in _NOT_FOUND:
        return AutomationError(f"{call}: {words}. Was {selected} destroyed or replaced meanwhile?")
    return None
