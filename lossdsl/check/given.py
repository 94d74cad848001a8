"""What a caller gives: specs in their forms, and the types of inputs in theirs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lossdsl.diagnostics.diagnostic import Diagnostic, LossError, at
from lossdsl.source import Source
from lossdsl.types.dtypes import dtype_name


def spec_parts(spec: Any, inputs: Any = None) -> tuple[Source, dict[str, str]]:
    """Return the text of a spec and the type texts of its inputs; raise `LossError`."""
    types = _type_texts(inputs)
    match spec:
        case str():
            return Source(spec), types
        case Source():
            return spec, types
        case Mapping():
            text = spec.get("text", spec.get("loss"))
            if not isinstance(text, str):
                raise LossError(
                    [
                        at(
                            "LD705",
                            "a spec in mapping form has no `text`",
                            None,
                            help='such as `{"text": "mse(out, tgt)", "inputs": {…}}`',
                        )
                    ]
                )
            return Source(text), {**_type_texts(spec.get("inputs")), **types}
        case _:
            source, own = getattr(spec, "source", None), getattr(spec, "inputs", None)
            if isinstance(source, Source):
                return source, {**_type_texts(own), **types}
    raise LossError([_no_spec(spec)])


def text_of(spec: Any) -> str:
    """Return a text as it is; raise `LossError` for anything else."""
    if isinstance(spec, str):
        return spec
    raise LossError([at("LD705", f"expected a text, not {_kind_of(spec)}", None)])


def _no_spec(spec: Any) -> Diagnostic:
    message = f"a spec is a text, a mapping or a `LossSpec`, not {_kind_of(spec)}"
    return at("LD705", message, None, help='such as `"mse(out, tgt)"`')


def _kind_of(value: Any) -> str:
    name = type(value).__name__
    return "`None`" if value is None else f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _type_texts(inputs: Any) -> dict[str, str]:
    if inputs is None:
        return {}
    if not isinstance(inputs, Mapping):
        raise LossError(
            [
                at(
                    "LD705",
                    f"`inputs` maps names to types; this is {_kind_of(inputs)}",
                    None,
                    help='such as `inputs={"out": "f32[B, 10]"}`',
                )
            ]
        )
    for name in inputs:
        if not isinstance(name, str):
            message = f"the name of an input is a text, not {_kind_of(name)}"
            raise LossError([at("LD705", message, None)])
    return {name: type_text(name, value) for name, value in inputs.items()}


def type_text(name: str, value: Any) -> str:
    """Return the type of an input as text: of a string, an array, a shape, an annotation, a tree.

    >>> import numpy as np
    >>> type_text("out", np.zeros((2, 3), np.float32))
    'f32[2, 3]'
    """
    if isinstance(value, str):
        return value
    if hasattr(value, "dim_str") and hasattr(value, "dtypes"):
        return _annotation(value)
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        dtype = dtype_name(value.dtype)
        if dtype is None:
            message = f"`{name}` is {value.dtype}, no dtype of the language"
            raise LossError([at("LD219", message, None)])
        return f"{dtype}[{', '.join(str(size) for size in value.shape)}]"
    if value is None or isinstance(value, (bool, int, float, complex, bytes)):
        raise LossError(
            [
                at(
                    "LD705",
                    f"the type of `{name}` is given by {_kind_of(value)}",
                    None,
                    help='a type is a text, `"f32[B, 10]"`, an array, or a tree of arrays',
                )
            ]
        )
    return "tree"


def _annotation(value: Any) -> str:
    """Return the type of a jaxtyping annotation such as `Float[Array, "b t c"]`."""
    known = sorted({word for word in map(dtype_name, value.dtypes) if word})
    if len(known) == 1:
        dtype = known[0]
    elif all(word.startswith(("f", "b")) for word in known):
        dtype = "float"
    else:
        dtype = "any" if any(word.startswith("f") for word in known) else "int"
    return f"{dtype}[{', '.join(value.dim_str.split())}]"
