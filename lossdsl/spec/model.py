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
from lossdsl.diagnostics.diagnostic import LossError, article
from lossdsl.inputs.given import default_text, misshapen
from lossdsl.inputs.mapping_form import (
    Parts,
    TermGiven,
    as_mapping,
    in_python,
    plain_keys,
    shape_problem,
)
from lossdsl.library.declare import Library
from lossdsl.source import Source
from lossdsl.spec.read import read_spec
from lossdsl.spec.written import Written, inputs_problem


class LossSpec(BaseModel):
    """A checked spec: a text, or a mapping with `text` (or `loss`), `terms`, `weights`, `inputs`.

    As the type of a field of your own model it takes both forms, and a bad spec fails there with
    its diagnostics. Functions of your own come as `context={"library": mine}` of pydantic.

    >>> LossSpec.model_validate("mse(out, tgt)").text
    'mse(out, tgt)'
    >>> LossSpec.model_validate({"loss": "mean(x)", "inputs": {"x": "f32[B]"}}).model_dump()
    {'text': 'mean(x)', 'inputs': {'x': 'f32[B]'}}
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    text: str = ""
    terms: Mapping[str, Any] = Field(default_factory=dict)
    weights: Mapping[str, int | float | str] = Field(default_factory=dict)
    inputs: Mapping[str, str] = Field(default_factory=dict)
    _parts: Parts = PrivateAttr()

    @property
    def parts(self) -> Parts:
        """The texts of the spec with their places in the file it was loaded from."""
        return self._parts

    @property
    def source(self) -> Source:
        """The text with its place in the file it was loaded from."""
        return self._parts.source

    @property
    def declared(self) -> Mapping[str, str | Source]:
        """The types of inputs, with their places in the file they were loaded from."""
        return self._parts.inputs

    @model_validator(mode="before")
    @classmethod
    def _mapping_form(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"text": value}
        if (mapping := as_mapping(value)) is not None:
            value = mapping
            if problem := shape_problem(value) or inputs_problem(value):
                raise LossError([misshapen("the spec", problem)])
            parts = {("text" if name == "loss" else name): value[name] for name in value}
            for name in ("terms", "weights"):
                if name in parts:
                    parts[name] = _plain(parts[name])
            inputs = as_mapping(parts.get("inputs", {})) or {}
            return parts | {"inputs": {name: default_text(inputs[name]) for name in inputs}}
        if not issubclass(type(value), LossSpec):  # pydantic 2.11 asks an instance for attributes
            raise ValueError(f"a spec is a text or a mapping, not {article(type(value).__name__)}")
        return value

    @model_validator(mode="after")
    def _checked(self, info: ValidationInfo) -> LossSpec:
        self._parts = in_python(self._long_form(), self.inputs)
        result = check(self, library=_library(info.context))
        if not result.ok:
            raise LossError(result.diagnostics)
        return self

    @model_serializer
    def _short_form(self) -> str | dict[str, Any]:
        form = self._long_form()
        return form["text"] if form.keys() == {"text"} else form

    def _long_form(self) -> dict[str, Any]:
        parts = {name: dict(getattr(self, name)) for name in ("terms", "weights", "inputs")}
        text = {"text": self.text} if self.text or not self.terms else {}
        return text | {name: part for name, part in parts.items() if part}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        form = handler.resolve_ref_schema(handler(core_schema))
        if "properties" not in form:  # of what it is dumped as
            return form
        parts = form["properties"]
        form["description"] = "A loss: its text, or a mapping with `text`, `terms` and `inputs`."
        parts["text"]["description"] = "The loss: `mse(out, tgt) + 1e-3*l2sqr(params)`."
        parts["inputs"] |= {
            "description": "The types of inputs: `f32[B, C]`, `tree`, `float = 1e-3`.",
            "additionalProperties": {"type": ["string", "number", "boolean"]},
        }
        del parts["text"]["default"]
        parts["loss"] = {**parts["text"], "title": "Loss", "description": "The same as `text`."}
        parts["terms"] |= {
            "description": "Terms by name, which are added to the loss of `text`.",
            "additionalProperties": {"anyOf": [{"type": "string"}, _TERM]},
        }
        parts["weights"] |= {
            "description": "Weights of terms by name, in the place of those that are written.",
            "additionalProperties": {"type": ["string", "number"]},
        }
        some = {"required": ["terms"], "properties": {"terms": {"minProperties": 1}}}
        form["anyOf"] = [{"required": ["text"]}, {"required": ["loss"]}, some]
        form["not"] = {"required": ["text", "loss"]}
        return {"anyOf": [{"type": "string"}, {**form}], "title": form["title"]}

    @classmethod
    def from_written(cls, written: Written) -> LossSpec:
        """Return the spec of a file without checking it."""
        parts = written.parts
        spec = cls.model_construct(
            text=parts.source.text,
            terms={term.name.text: _as_given(term) for term in parts.terms},
            weights={name.text: _value(weight) for name, weight in parts.weights},
            inputs={name: source.text for name, source in parts.inputs.items()},
        )
        spec._parts = parts
        return spec


_TERM: JsonSchemaValue = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "description": "The term: `sum_squares(params)`."},
        "weight": {
            "type": ["string", "number"],
            "description": "What it is multiplied with: a number, an input, a schedule.",
        },
        "on": {"type": "boolean", "description": "Whether it is a part of the loss."},
    },
    "required": ["text"],
    "additionalProperties": False,
}


def _plain(mapping: Any) -> dict[str, Any]:
    """Return terms or weights as plain dicts, with the keys as they are meant."""
    plain: dict[str, Any] = {}
    for name, value in mapping.items():
        inner = as_mapping(value)
        plain[name] = value if inner is None else dict(plain_keys(inner))
    return plain


def _as_given(term: TermGiven) -> str | dict[str, Any]:
    weight = {} if term.weight is None else {"weight": _value(term.weight)}
    more = weight | ({} if term.on else {"on": False})
    return {"text": term.text.text, **more} if more else term.text.text


def _value(weight: Source) -> int | float | str:
    """Return a weight as a number if it is one."""
    for kind in (int, float):
        try:
            return kind(weight.text)
        except ValueError:
            continue
    return weight.text


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
