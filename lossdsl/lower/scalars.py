"""Scalars that a caller passes: strong arrays of one dtype an input, for one compilation.

A Python number is weakly typed in JAX, a NumPy one is not, and an integer has another dtype than
a float: as they come they are four compilations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.sharding import NamedSharding, PartitionSpec

from lossdsl.diagnostics.diagnostic import LossError, at
from lossdsl.library.domains import Interval
from lossdsl.lower.array_arguments import CONFIG, attribute, host_array, host_arrays, unheld
from lossdsl.lower.jax_dtypes import jax_dtype
from lossdsl.syntax import ast

_PLAIN = (bool, int, float, np.bool_, np.integer, np.floating)


def scalar_class(type: ast.TypeExpr | None) -> str | None:
    """Return the dtype or class that a scalar given for an input becomes; None to leave it."""
    match type:
        case None:
            return "any"
        case ast.ArrayTypeExpr(dtype=dtype, dims=()):
            return "float" if dtype in ("num", "any") else dtype
        case _:
            return None


def strong_scalar(value: Any, target: str, name: str) -> Any:
    """Return a scalar as a strong array of a dtype or class; arrays and trees as they are.

    `any` stands for an input whose type is not declared: booleans stay, numbers become floats, and
    what is traced is a number only if it is weakly typed; it may be one label of a batch.
    """
    if isinstance(value, _PLAIN):
        dtype = _dtype(target, type(value), CONFIG.jax_enable_x64)
        if dtype is None:
            return np.asarray(value)
        if dtype.kind in "iu" and not _holds(dtype, value):
            if target == "int" and getattr(value, "dtype", None) == np.uint32:
                return np.asarray(value)
            raise LossError([unheld(int(value), dtype, name)])
        try:
            return np.asarray(value, dtype)
        except OverflowError:
            raise LossError([unheld(int(value), dtype, name)]) from None
    if isinstance(value, np.ndarray):
        if value.ndim or isinstance(value, np.ma.MaskedArray):
            return host_array(value, name)
        return strong_scalar(value[()], target, name)
    if attribute(value, "ndim") != 0:
        return host_arrays(value, name)
    actual, weak = getattr(value, "dtype", None), getattr(value, "weak_type", None)
    if target == "any" and isinstance(value, Tracer) and not weak:
        return value
    dtype = None if weak is None else _dtype(target, actual, CONFIG.jax_enable_x64)
    if target == "int" and actual in (jnp.uint32, jnp.int64, jnp.uint64):
        return value  # what it holds is not known here, and 32 bits may not hold it
    return value if dtype is None or not (weak or actual != dtype) else value.astype(dtype)


def hold_range(value: Any, range: Interval, name: str) -> Any:
    """Return what is passed; raise `LossError` for a number outside of the declared range.

    Numbers are read where they are at hand: what is traced or lies on a device is looked at by a
    debug build.
    """
    if isinstance(value, np.ndarray) and not value.ndim and not np.isnan(value):
        number = value.item()
        if number not in _rounded(range, value.dtype):
            message = f"`{name}` is declared to lie in {range}; the call passes {number:g}"
            raise LossError([at("LD503", message, None)])
    return value


def _rounded(range: Interval, dtype: Any) -> Interval:
    """Return a range as a dtype holds it: an end of 0.1 is that of a number that was passed so."""
    if not jnp.issubdtype(dtype, np.floating):
        return range
    with np.errstate(over="ignore", under="ignore"):
        low, high = (float(dtype.type(end)) for end in (range.low, range.high))
    return replace(range, low=low, high=high)


def _holds(dtype: Any, value: Any) -> bool:
    """Say whether a dtype of integers holds a number."""
    ends = np.iinfo(dtype)
    return bool(ends.min <= value <= ends.max)


@cache
def _dtype(target: str, actual: Any, double: bool) -> Any:
    """Return the dtype that a scalar takes; None where it does not fit and the checker says why."""
    if isinstance(actual, type):
        base = next(
            parent for parent in (np.generic, bool, int, float) if issubclass(actual, parent)
        )
        actual = np.dtype(actual if base is np.generic else base)
    kinds = [kind for kind in (np.bool_, np.integer, np.floating) if jnp.issubdtype(actual, kind)]
    match target, kinds:
        case _, []:
            return None
        case ("any", [np.bool_]) | ("bool", [np.bool_]):
            return np.dtype(bool)
        case "bool", _:
            return None
        case (("any" | "float" | "num"), _):
            return np.dtype(np.float64 if double else np.float32)
        case "int", [np.floating]:
            return None
        case "int", _:
            return np.dtype(np.int32)
        case _:
            dtype = jax_dtype(target)
            whole = jnp.issubdtype(dtype, np.integer)
            return None if whole and jnp.issubdtype(actual, np.floating) else dtype


def omitted(value: int | float | bool, target: str, name: str) -> Callable[[], Any]:
    """Return a function that returns a default as an array, placed once for each mesh."""
    placed: dict[Any, Any] = {}

    def default() -> Any:
        # An array belongs to the mesh that is set when it is made, and where a guard keeps JAX
        # from moving it there, it is made there.
        mesh, guard = jax.sharding.get_abstract_mesh(), CONFIG.jax_transfer_guard_device_to_device
        key = CONFIG.jax_enable_x64, mesh, guard
        if key not in placed:
            constant = strong_scalar(value, target, name)
            guarded = guard not in (None, "allow") and not mesh.empty
            device = _everywhere() if guarded else None
            if guarded and device is None:
                return constant  # of the program that is being traced, which places it
            with jax.ensure_compile_time_eval():
                placed[key] = jax.device_put(constant, device)
        return placed[key]

    return default


def _everywhere() -> NamedSharding | None:
    """Return what lies on every device of the mesh that is set; None while a program is traced."""
    try:
        return NamedSharding(jax.sharding.get_mesh(), PartitionSpec())
    except ValueError:  # the mesh has no devices there, and a constant needs none
        return None
