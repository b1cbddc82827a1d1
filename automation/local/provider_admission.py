"""Lets no other user of this machine call the attached provider."""

# gRPC ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUntypedBaseClass=false

from typing import Any

import grpc

from automation.local.peers import is_own_user

_LOOPBACK = "127.0.0.1"


class OwnUserOnly(grpc.ServerInterceptor):
    """Refuses calls of other users: what a provider is asked, it does with this one's rights.

    Attributes:
        port: of the server, once it has one.
    """

    def __init__(self) -> None:
        self.port = 0

    def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        """Puts a look at the caller before the method that is called."""
        handler = continuation(handler_call_details)
        if handler is None:
            return None
        answer = handler.unary_unary

        def checked(request: Any, context: Any) -> Any:
            if not is_own_user(_address(context.peer()), (_LOOPBACK, self.port)):
                context.abort(grpc.StatusCode.PERMISSION_DENIED, "the provider of another user")
            return answer(request, context)

        return grpc.unary_unary_rpc_method_handler(
            checked, handler.request_deserializer, handler.response_serializer
        )


def _address(peer: str) -> tuple[str, int]:
    """Of what gRPC calls `ipv4:127.0.0.1:41223`."""
    _, host, port = peer.split(":")
    return host, int(port)
