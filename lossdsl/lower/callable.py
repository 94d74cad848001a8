"""The public callable: a generated function with the spec's names around one jitted function."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lossdsl.check.names import did_you_mean
from lossdsl.diagnostics.diagnostic import Diagnostic, LossError, at
from lossdsl.syntax import ast
from lossdsl.types.types import kind

MISSING = object()


@dataclass(frozen=True, slots=True)
class Slot:
    """One input of a callable; `scalar` is the class that a scalar given for it becomes."""

    name: str
    scalar: str | None
    default: int | float | bool | None = None
    record: ast.RecordTypeExpr | None = None

    @property
    def optional(self) -> bool:
        """Whether the input has a default."""
        return self.default is not None


def slot(name: str, type: ast.TypeExpr | None, default: ast.Literal | None) -> Slot:
    """Return the slot of an input: arrays and trees pass as they are, scalars are converted."""
    value = None if default is None else default.value
    match type:
        case None:
            return Slot(name, "any", value)
        case ast.ArrayTypeExpr(dtype=dtype, dims=()):
            return Slot(name, dtype if dtype not in ("num", "any") else "float", value)
        case ast.RecordTypeExpr():
            return Slot(name, None, value, type)
        case _:
            return Slot(name, None, value)


def make_callable(
    slots: Sequence[Slot], run: Callable[..., Any], name: str, doc: str
) -> Callable[..., Any]:
    """Generate a keyword-only function that passes every input, defaults included, to `run`.

    A Python, NumPy or weakly typed scalar becomes a strong array of its declared class, so that
    it is one compilation whatever the caller writes.
    """
    # The names come from a checked spec: identifiers that are no keywords of Python.
    assert all(one.name.isidentifier() and not keyword.iskeyword(one.name) for one in slots)
    parameters = ", ".join(
        f"{one.name}=_default_{at}" if one.optional else f"{one.name}=_missing"
        for at, one in enumerate(slots)
    )
    passed = ", ".join(
        f"{one.name}=_scalar({one.name}, _class_{at})" if one.scalar is not None
        else f"{one.name}=_record({one.name}, _type_{at})" if one.record is not None
        else f"{one.name}={one.name}"
        for at, one in enumerate(slots)
    )  # fmt: skip
    required = [one.name for one in slots if not one.optional]
    absent = " or ".join(f"{one} is _missing" for one in required)
    check = (
        f"    if _extra or _positional or {absent}:\n"
        if absent
        else "    if _extra or _positional:\n"
    )
    given = ", ".join(f"'{one}': {one}" for one in required)
    source = (
        f"def {name}(*_positional, {parameters}{', ' if parameters else ''}**_extra):\n"
        f"{check}        _refuse(_positional, {{{given}}}, _extra)\n"
        f"    try:\n        return _run({passed})\n"
        f"    except _LossError as _found:\n"
        f"        raise _LossError(_found.diagnostics) from None\n"
    )
    names = [one.name for one in slots]
    scope: dict[str, Any] = {
        "_run": run,
        "_missing": MISSING,
        "_scalar": strong_scalar,
        "_record": record_fields,
        "_LossError": LossError,
        "_refuse": lambda positional, given, extra: refuse(names, positional, given, extra),
    }
    for at_, one in enumerate(slots):
        scope[f"_default_{at_}"] = one.default
        scope[f"_class_{at_}"] = one.scalar
        scope[f"_type_{at_}"] = one.record
    exec(compile(source, f"<lossdsl {name}>", "exec"), scope)
    made = scope[name]
    made.__doc__ = doc
    return made  # type: ignore[no-any-return]


def refuse(
    names: Sequence[str],
    positional: tuple[Any, ...],
    given: Mapping[str, Any],
    extra: Mapping[str, Any],
) -> None:
    """Raise for inputs that are missing, not known, or passed by position."""
    found: list[Diagnostic] = []
    listed = ", ".join(f"{name}=…" for name in names)
    if positional:
        found.append(
            at(
                "LD111",
                f"inputs are passed by name; {len(positional)} came by position",
                None,
                help=f"`loss({listed})`",
            )
        )
    for name in extra:
        found.append(
            at(
                "LD111",
                f"the loss has no input `{name}`",
                None,
                help=did_you_mean(name, names) or f"its inputs: {listed}",
            )
        )
    for name, value in given.items():
        if value is MISSING:
            found.append(
                at("LD110", f"the input `{name}` is missing", None, help=f"`loss({listed})`")
            )
    raise LossError(found)


def strong_scalar(value: Any, wanted: str) -> Any:
    """Return a scalar as a strong array of a class; arrays, trees and tracers as they are."""
    import jax
    import numpy as np

    if isinstance(value, (bool, int, float, np.generic)) or (
        isinstance(value, np.ndarray) and value.ndim == 0
    ):
        return np.asarray(value, _strong_dtype(value, wanted))
    if isinstance(value, jax.Array) and value.ndim == 0 and not isinstance(value, jax.core.Tracer):
        dtype = _strong_dtype(value, wanted)
        if getattr(value, "weak_type", False) or (
            value.dtype != dtype and kind(wanted) in ("float", "any") and value.dtype.kind != "f"
        ):
            return jax.numpy.asarray(value).astype(dtype)
    return value


def _strong_dtype(value: Any, wanted: str) -> Any:
    import jax
    import numpy as np

    from lossdsl.lower.dtypes import jax_dtype

    double = bool(jax.config.read("jax_enable_x64"))
    if wanted == "bool" or (wanted == "any" and getattr(value, "dtype", type(value)) == bool):
        return np.dtype(bool)
    if wanted == "int":
        return np.dtype(np.int32)
    if wanted in ("float", "any"):
        return np.dtype(np.float64 if double else np.float32)
    return jax_dtype(wanted)


def record_fields(value: Any, declared: ast.RecordTypeExpr) -> Any:
    """Return the declared fields of a record, which may be any object that has them."""
    from lossdsl.lower.values import only_fields

    return only_fields(value, declared, "record")
