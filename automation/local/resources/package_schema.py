"""The package's schema in Pulumi's format, from which `pulumi import` writes a program."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version
from typing import Any, Final, TypeAlias

from automation.local.resources.catalogue import RESOURCE_TYPES
from automation.local.resources.schema import Property, ResourceType

Schema: TypeAlias = dict[str, Any]

_SIMPLE: Final = {"string": "string", "int": "integer", "number": "number", "bool": "boolean"}


@lru_cache(maxsize=1)
def package_schema() -> str:
    """The schema as a JSON text: the types that the local provider knows, no others."""
    types: Schema = {}
    resources = {
        token: _resource(resource_type, types) for token, resource_type in RESOURCE_TYPES.items()
    }
    return json.dumps(
        {
            "name": "aws",
            "version": version("pulumi_aws"),
            # A token's module is what stands before the slash: `sqs` in `aws:sqs/queue:Queue`.
            "meta": {"moduleFormat": "(.*)(?:/[^/]*)"},
            "language": {
                "python": {
                    "packageName": "pulumi_aws",
                    # `lambda` is a word of Python's own.
                    "moduleNameOverrides": {"lambda": "lambda_"},
                }
            },
            "types": types,
            "resources": resources,
        }
    )


def _resource(resource_type: ResourceType, types: Schema) -> Schema:
    properties = {
        name: _property(prop, _type_prefix(resource_type.token) + _capital(name), types)
        for name, prop in resource_type.properties.items()
    }
    inputs = resource_type.inputs
    return {
        "properties": properties,
        "inputProperties": {name: properties[name] for name in inputs},
        "requiredInputs": [name for name, prop in inputs.items() if prop.required],
    }


def _property(prop: Property, type_name: str, types: Schema) -> Schema:
    if prop.kind in _SIMPLE:
        return {"type": _SIMPLE[prop.kind]}
    if prop.kind == "archive":
        return {"$ref": "pulumi.json#/Archive"}
    if prop.kind == "object":
        types[type_name] = _object(prop.fields, type_name, types)
        return {"$ref": f"#/types/{type_name}"}
    element = _property(prop.element or Property(kind="string"), type_name, types)
    if prop.kind == "list":
        return {"type": "array", "items": element}
    return {"type": "object", "additionalProperties": element}


def _object(fields: Mapping[str, Property], type_name: str, types: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {
            name: _property(prop, type_name + _capital(name), types)
            for name, prop in fields.items()
        },
        "required": [name for name, prop in fields.items() if prop.required],
    }


def _type_prefix(token: str) -> str:
    """`aws:lambda/Function:Function` for `aws:lambda/function:Function`; a name is put after it."""
    package, module, name = token.split(":")
    return f"{package}:{module.split('/')[0]}/{name}:{name}"


def _capital(name: str) -> str:
    return name[0].upper() + name[1:]
