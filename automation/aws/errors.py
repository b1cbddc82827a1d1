"""AWS's refusals in words that say what to do."""

import contextlib
from collections.abc import Generator

from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    TokenRetrievalError,
)

from automation.errors import AutomationError

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


@contextlib.contextmanager
def explained_aws_errors(stack: str, operator_policy_arn: str) -> Generator[None]:
    """Turn what AWS refuses into an error with the cause and the fix.

    Args:
        stack: whose resources the block works with.
        operator_policy_arn: what would allow it.

    Raises:
        AutomationError: instead of the refusals that are known here; others pass.
    """
    try:
        yield
    except ClientError as error:
        explained = _explained(error, stack, operator_policy_arn)
        if explained is None:
            raise
        raise explained from error
    except (NoCredentialsError, TokenRetrievalError) as error:
        raise AutomationError(
            f"there are no usable AWS credentials ({error}): sign in, or set AWS_PROFILE"
        ) from error
    except EndpointConnectionError as error:
        raise AutomationError(f"AWS can't be reached: {error}") from error


def _explained(error: ClientError, stack: str, operator_policy_arn: str) -> AutomationError | None:
    code = error.response.get("Error", {}).get("Code", "")
    words = error.response.get("Error", {}).get("Message", "")
    call = error.operation_name
    if code in _NOT_SIGNED_IN:
        return AutomationError(
            f"the AWS credentials have expired or are not valid ({code}): sign in again"
        )
    if code in _NO_RIGHTS:
        return AutomationError(
            f"no permission for {call}: {words}. The policy {operator_policy_arn} of stack "
            f"{stack} allows what these commands need: have it attached"
        )
    if code in _NO_QUEUE:
        return AutomationError(
            f"{call}: the queue does not exist (any more). Was stack {stack} destroyed or "
            f"replaced meanwhile? See: pulumi stack --stack {stack}"
        )
    if code in _NOT_FOUND:
        return AutomationError(
            f"{call}: {words}. Was stack {stack} destroyed or replaced meanwhile?"
        )
    return None
