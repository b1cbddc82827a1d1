"""Refuses a second mapping of a queue and a function, as Lambda does.

AWS Lambda API Reference, CreateEventSourceMapping, ResourceConflictException.
"""

from typing import Any

from automation.local.corrections.replacing import replace, require, service


def apply() -> None:
    """Look at the mappings that are there before another one is made."""
    functions = service("lambda_svc")
    require(functions, _resolve_existing_esm_function="function_ref", _func_arn="name")

    def create(data: Any) -> Any:
        name, qualifier, refusal = functions._resolve_existing_esm_function(
            data.get("FunctionName", "")
        )
        if refusal:
            return refusal
        function_arn = functions._func_arn(name) + (f":{qualifier}" if qualifier else "")
        mapped = data.get("EventSourceArn", ""), function_arn
        for mapping in functions._esms.values():
            if (mapping["EventSourceArn"], mapping["FunctionArn"]) == mapped:
                return functions.error_response_json(
                    "ResourceConflictException",
                    f'An event source mapping with SQS arn (" {mapped[0]} ") and function '
                    f'(" {name} ") already exists. Please update or delete the existing mapping '
                    f"with UUID {mapping['UUID']}",
                    409,
                )
        return original(data)

    original = replace(functions, "_create_esm", create)
