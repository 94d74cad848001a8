"""`LossSpec`, the spec as a pydantic model and as the type of a field, and `load`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PrivateAttr,
    ValidationInfo,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from lossdsl.checking import check
from lossdsl.diagnostics.diagnostic import LossError, article, at
from lossdsl.inputs.given import as_mapping, default_text
from lossdsl.library.declare import Library
from lossdsl.source import Source
from lossdsl.spec.read import read_spec
from lossdsl.spec.written import Written, shape_problem


class LossSpec(BaseModel):
    """A checked spec: a text, or a mapping with `text` (or `loss`) and `inputs`.

    As the type of a field of your own model it takes both forms, and a bad spec fails there with
    its diagnostics. Functions of your own come as `context={"library": mine}` of pydantic.

    >>> LossSpec.model_validate("mse(out, tgt)").text
    'mse(out, tgt)'
    >>> LossSpec.model_validate({"loss": "mean(x)", "inputs": {"x": "f32[B]"}}).model_dump()
    {'text': 'mean(x)', 'inputs': {'x': 'f32[B]'}}
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    text: str
    inputs: Mapping[str, str] = Field(default_factory=dict)
    _source: Source = PrivateAttr()
    _declared: Mapping[str, str | Source] = PrivateAttr()

    @property
    def source(self) -> Source:
        """The text with its place in the file it was loaded from."""
        return self._source

    @property
    def declared(self) -> Mapping[str, str | Source]:
        """The types of inputs, with their places in the file they were loaded from."""
        return self._declared

    @model_validator(mode="before")
    @classmethod
    def _mapping_form(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"text": value}
        if (mapping := as_mapping(value)) is not None:
            value = mapping
            if problem := shape_problem(value):
                predicate, help = problem
                raise LossError([at("LD705", f"the spec {predicate}", None, help=help)])
            parts = {("text" if name == "loss" else name): value[name] for name in value}
            inputs = as_mapping(parts.get("inputs", {})) or {}
            return parts | {"inputs": {name: default_text(inputs[name]) for name in inputs}}
        if not issubclass(type(value), LossSpec):  # pydantic 2.11 asks an instance for attributes
            raise ValueError(f"a spec is a text or a mapping, not {article(type(value).__name__)}")
        return value

    @model_validator(mode="after")
    def _checked(self, info: ValidationInfo) -> LossSpec:
        self._source, self._declared = Source(self.text), self.inputs
        result = check(self, library=_library(info.context))
        if not result.ok:
            raise LossError(result.diagnostics)
        return self

    @model_serializer
    def _short_form(self) -> str | dict[str, Any]:
        return {"text": self.text, "inputs": dict(self.inputs)} if self.inputs else self.text

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        form = handler.resolve_ref_schema(handler(core_schema))
        if "properties" not in form:  # of what it is dumped as
            return form
        parts = form["properties"]
        form["description"] = "A loss: its text, or a mapping with `text` and `inputs`."
        parts["text"]["description"] = "The loss: `mse(out, tgt) + 1e-3*l2sqr(params)`."
        parts["inputs"] |= {
            "description": "The types of inputs: `f32[B, C]`, `tree`, `float = 1e-3`.",
            "additionalProperties": {"type": ["string", "number", "boolean"]},
        }
        parts["loss"] = {**parts["text"], "title": "Loss", "description": "The same as `text`."}
        del form["required"]
        form["oneOf"] = [{"required": [name]} for name in ("text", "loss")]
        return {"anyOf": [{"type": "string"}, {**form}], "title": form["title"]}

    @classmethod
    def from_written(cls, written: Written) -> LossSpec:
        """Return the spec of a file without checking it."""
        inputs = {name: source.text for name, source in written.inputs.items()}
        spec = cls.model_construct(text=written.source.text, inputs=inputs)
        spec._source, spec._declared = written.source, written.inputs
        return spec


def _library(context: Any) -> Any:
    return context.get("library") if isinstance(context, Mapping) else None


def load(path: str | Path, key: str = "loss", library: Library | None = None) -> LossSpec:
    """Read and check the spec of a `.loss` file, or the one under `key` of YAML, JSON or TOML.

    `key` may be dotted: `train.loss`; `library` has functions of your own. Raises `LossError`,
    with positions in the file.
    """
    written, diagnostics = read_spec(path, key)
    if written is None:
        raise LossError(diagnostics)
    spec = LossSpec.from_written(written)
    result = check(spec, library=library)
    if not result.ok:
        raise LossError(result.diagnostics)
    return spec
