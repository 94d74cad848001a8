"""The JSON Schema of a loss in a config, from the model that reads one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from lossdsl.spec.keys import is_pattern, path_of
from lossdsl.spec.model import LossSpec

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SPEC = {"$ref": "#/$defs/loss"}


def config_schema(keys: Sequence[str]) -> dict[str, Any]:
    """Return the schema of a file that is a loss, or of one that has losses under keys.

    >>> config_schema(["train.loss"])["properties"]["train"]
    {'properties': {'loss': {'$ref': '#/$defs/loss'}}}
    """
    loss = LossSpec.model_json_schema()
    if not keys:
        return {"$schema": DIALECT, **loss}
    schema: dict[str, Any] = {"$schema": DIALECT, "$defs": {"loss": loss}, "type": "object"}
    for key in keys:
        _put(schema, path_of(key))
    return schema


def _put(schema: dict[str, Any], path: Sequence[str]) -> None:
    """Say of what a path leads to that it is a loss; all else of a config is not said of."""
    if not path:
        schema |= _SPEC
    for at, step in enumerate(path):
        last = at == len(path) - 1
        if is_pattern(step):
            pattern = f"^{'.*'.join(map(re.escape, step.split('*')))}$"
            part: dict[str, Any] = schema.setdefault("patternProperties", {})
            inside = part.setdefault(pattern, dict(_SPEC) if last else {})
            if step == "*":
                schema["items"] = inside
        else:
            part = schema.setdefault("properties", {})
            inside = part.setdefault(step, dict(_SPEC) if last else {})
        schema = inside
