"""What a call may pass: arrays and numbers that JAX takes, and what is said of everything else."""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from lossdsl.diagnostics.diagnostic import Diagnostic, LossError, article, at
from lossdsl.selectors import flatten
from lossdsl.types.dtypes import is_shaped
from lossdsl.types.unread_leaves import Unread

# How JAX begins what it says of placement: it has no classes of errors for these.
_HELD = re.compile(r"(\w+: )?Disallowed host-to-device transfer: ")
_APART = re.compile(
    r"Received incompatible devices for \w+ computation\."
    r"|For primitive [^,]+, context mesh .+ should match the aval mesh "
    r"|Context mesh .+ must match the mesh passed to shardings ",
    re.DOTALL,
)

CONFIG: Any = jax.config  # its options are attributes that its type does not declare


def as_array(leaf: Any, name: str) -> Any:
    """Return a number as an array, and an array as it is; raise `LossError` for anything else."""
    problem = no_array(leaf, name)
    if problem is not None:
        raise LossError([problem])
    return jnp.asarray(leaf) if isinstance(leaf, (bool, int, float, complex)) else leaf


def host_array(value: Any, name: str) -> Any:
    """Return what NumPy holds as JAX takes it, and all else as it is.

    Raises `LossError` where a compiled `jit` would read other numbers: it takes the bytes of an
    array in the other order for those of its own, and 64-bit integers, which it halves, lose what
    lies beyond 32 bits.
    """
    if not _is_misread(value):
        return value
    dtype = value.dtype
    if not dtype.isnative or isinstance(value, np.ma.MaskedArray):
        return as_array(value, name)
    if CONFIG.jax_enable_x64:
        return value
    narrow = value.astype(np.int32 if dtype.kind == "i" else np.uint32)
    if (narrow == value).all():
        return narrow
    first = np.ravel(value)[np.argmax(np.ravel(narrow != value))]
    message = f"`{name}` holds {first}, which no {narrow.dtype} holds"
    help = f"JAX halves 64-bit integers: pass `{_code(name)}.astype(np.float32)`, or enable x64"
    raise LossError([at("LD219", message, None, help=help)])


def host_arrays(tree: Any, name: str) -> Any:
    """Return a tree with its NumPy arrays as JAX takes them, and as it is if it does so anyway."""
    # Asked at every call of every leaf: of an array of JAX its type says all.
    if isinstance(tree, jax.Array) or all(map(_is_read, set(map(type, jax.tree.leaves(tree))))):
        return tree
    if not any(map(_is_misread, jax.tree.leaves(tree))):
        return tree
    flat = flatten(tree)
    leaves = [
        host_array(leaf, "/".join((name, *path)))
        for path, leaf in zip(flat.paths, flat.leaves, strict=True)
    ]
    return flat.rebuilt(leaves)


@cache
def _is_read(kind: type) -> bool:
    """Say whether a compiled `jit` reads every leaf of a type as the numbers that it holds."""
    return not issubclass(kind, (np.ndarray, np.integer))


def _is_misread(leaf: Any) -> bool:
    """Say whether a compiled `jit` may read a leaf, of NumPy, as other numbers than it holds."""
    if not isinstance(leaf, (np.ndarray, np.integer)):
        return False
    dtype = leaf.dtype
    whole = dtype.kind in "iu" and dtype.itemsize == 8
    return whole or not dtype.isnative or isinstance(leaf, np.ma.MaskedArray)


def argument_problem(inputs: Mapping[str, Any]) -> Diagnostic | None:
    """Name the first leaf of the inputs of a call that JAX cannot take."""
    for name, value in inputs.items():
        try:
            flat = flatten(value)
        except Exception as problem:  # a node of the caller's raises what it likes
            return _no_tree(name, problem)
        for path, leaf in zip(flat.paths, flat.leaves, strict=True):
            diagnostic = no_array(leaf, "/".join((name, *path)))
            if diagnostic is not None and not isinstance(leaf, Unread):
                return diagnostic
    return None


def placement_problem(inputs: Mapping[str, Any], problem: Exception) -> Diagnostic | None:
    """Say which inputs lie where JAX cannot bring them together; None if that is not what it is."""
    arrays = {name: jax.tree.leaves(value) for name, value in inputs.items()}
    if isinstance(problem, jax.errors.JaxRuntimeError) and _HELD.match(str(problem)):
        for name, leaves in arrays.items():
            if not all(isinstance(leaf, jax.Array) for leaf in leaves):
                message = f"`{name}` lies on the host, which a transfer guard holds there"
                help = f"pass `jax.device_put({name})`"
                return at("LD226", message, None, help=help)
    if not isinstance(problem, ValueError) or not _APART.match(str(problem)):
        return None
    placed = [
        (name, leaf.sharding)
        for name, leaves in arrays.items()
        for leaf in leaves
        if isinstance(leaf, jax.Array) and not isinstance(leaf, Tracer) and leaf.committed
    ]
    for name, sharding in placed:
        first, known = placed[0]
        if sharding.device_set != known.device_set:
            here, there = len(known.device_set), len(sharding.device_set)
            message = (
                f"`{first}` lies on {here} device{'s'[: here > 1]} and `{name}` on another {there}"
            )
            help = f"place them alike, such as `{name} = jax.device_put({name}, {first}.sharding)`"
            return at("LD226", message, None, help=help)
    if not placed:
        return None
    message = f"`{placed[0][0]}` lies on another mesh than the one that is set"
    help = "place every input on one mesh, and call the loss below `jax.set_mesh` of that one"
    return at("LD226", message, None, help=help)


def _no_tree(name: str, problem: Exception) -> Diagnostic:
    match problem:
        case RecursionError():
            message = f"`{name}` is nested too deeply, or holds itself"
            help = "pass a dict or a list of arrays"
        case ValueError():
            message = f"the keys of a dict in `{name}` cannot be sorted"
            help = "use keys of one type, such as strings"
        case _:
            message = f"`{name}` cannot be taken apart: {type(problem).__name__}: {problem}"
            help = "what registers a class with JAX says how its instances are taken apart"
    return at("LD213", message, None, help=help)


def no_array(leaf: Any, name: str) -> Diagnostic | None:
    """Say what a leaf is that JAX cannot take, and what to pass for it; None if it can."""
    match leaf:
        case bool() | float() | complex():
            return None
        case jax.Array():
            traced = isinstance(leaf, Tracer)
            return None if traced or not leaf.is_deleted() else _gone(name)
        case int():
            return _too_large(leaf, name)
        case _:
            refused = refusal(leaf, name)
            if refused is None:
                return None
            return at("LD213", f"`{name}` is {refused.what}", None, help=refused.help)


class Refusal(NamedTuple):
    """What a leaf is that is no array, and what to pass for it.

    `left_out`: there is nothing to convert, so the remedy is to pass the rest of the tree.
    """

    what: str
    help: str
    left_out: bool = False


def refusal(leaf: Any, name: str) -> Refusal | None:
    """Return what a NumPy value or an object is that JAX does not take; None if it does."""
    if isinstance(leaf, (np.ndarray, np.generic)):
        return _no_numbers(leaf, name)
    refused = _object(leaf, name)
    return refused._replace(what=f"{refused.what}, not an array")


def _gone(name: str) -> Diagnostic:
    message = f"`{name}` is an array that was deleted, as a call deletes what is donated to it"
    help = f"pass what took its place, or donate a copy: `jnp.copy({_code(name)})`"
    return at("LD213", message, None, help=help)


def _too_large(value: int, name: str) -> Diagnostic | None:
    held = np.iinfo(np.int64 if CONFIG.jax_enable_x64 else np.int32)
    return None if held.min <= value <= held.max else unheld(value, held.dtype, name)


def unheld(value: int, dtype: Any, name: str) -> Diagnostic:
    """Return the finding that a whole number lies outside of a dtype."""
    digits = 1 + int(math.log10(max(abs(value), 1)))
    shown = str(value) if digits < 40 else f"a number of {digits} digits"
    message = f"`{name}` is {shown}, which no {np.dtype(dtype)} holds"
    floating = np.issubdtype(dtype, np.floating)
    help = "pass a smaller number" if floating else f"pass a float, such as `float({_code(name)})`"
    return at("LD219", message, None, help=help)


def _no_numbers(value: Any, name: str) -> Refusal | None:
    """Say what keeps a NumPy array or scalar from being one of JAX's."""
    dtype, code = value.dtype, _code(name)
    what, help = None, f"pass numbers, such as `{code}.astype(np.float32)`"
    match dtype.char:
        case _ if isinstance(value, np.ma.MaskedArray):
            what = "with a mask, which JAX does not have"
            help = f"pass `{code}.filled(0)`, and `~np.ma.getmaskarray({code})` for a `where=`"
        case "V" if dtype.names:
            what, help = "of records", f"pass its fields, such as `{code}[{dtype.names[0]!r}]`"
        case "U" | "S":
            what, help = "of text", _of_text(name, str(value) if value.ndim == 0 else "")
        case "M" | "m":
            what = "of times"
            help = f"pass numbers, such as `({code} - start) / np.timedelta64(1, 's')`"
        case "O" | "V":
            what = "of objects" if dtype.char == "O" else "of bytes"
        case "g" | "G":
            what = f"of {dtype.name}, which JAX does not have"
            help = f"pass `{code}.astype(np.{'float64' if dtype.char == 'g' else 'complex128'})`"
        case _ if not dtype.isnative:
            what = f"of {dtype.str}, with bytes in the order of another machine"
            help = f"pass `{code}.astype(np.{dtype.name})`"
        case _:
            return None
    kind = "array" if isinstance(value, np.ndarray) else "scalar"
    return Refusal(f"a NumPy {kind} {what}", help)


def _of_text(name: str, text: str) -> str:
    try:
        value = float(text)
    except ValueError:
        return "a loss reads numbers; leave texts out"
    return f"it is text: write `{value!r}`, or pass `float({_code(name)})`"


def _code(name: str) -> str:
    """Return the name of an input as Python, and one for what lies in a tree."""
    return "leaf" if "/" in name else name


def _object(leaf: Any, name: str) -> Refusal:
    """Return what an object is, and what to pass for it."""
    kind = article(type(leaf).__name__)
    code, dtype = _code(name), attribute(leaf, "dtype")
    of_dtype = kind if dtype is None else f"{kind} of {getattr(dtype, 'name', dtype)}"
    match leaf:
        case None:
            return Refusal(
                "None", "pass an array; what may be left out has a default: `w: float = 1`"
            )
        case str():
            return Refusal(kind, _of_text(name, leaf))
        case bytes() | bytearray():
            return Refusal(kind, f"pass numbers: `np.frombuffer({code}, np.float32)`")
        case Tracer() | jax.Ref():
            return Refusal("a mutable reference", f"pass what it holds: `{code}[...]`")
        case jax.ShapeDtypeStruct():
            return Refusal(
                of_dtype, "types are given to `compile(…, inputs=…)`; a call passes arrays"
            )
        case numbers.Number():
            return Refusal(kind, f"pass `float({code})`")
        case _:
            pass
    for method, shown in _CONVERTED.items():
        if attribute(type(leaf), method) is not None:
            return Refusal(of_dtype, f"pass `{shown.format(code)}`")
    if isinstance(leaf, Iterable):
        return Refusal(kind, f"pass `jnp.asarray(list({code}))`")
    held = attribute(leaf, "value")
    if is_shaped(held) or isinstance(held, (dict, list, tuple)):
        each = "jax.tree.map(lambda state: state.value, states)"
        help = f"pass what it holds: `{each if '/' in name else f'{code}.value'}`"
        return Refusal(f"{kind}, an object that holds its array as `value`", help)
    tree = name.partition("/")[0]
    what = "the arrays only" if "/" in name else "an array or a tree of arrays"
    return Refusal(kind, f"pass {what}, such as `eqx.filter({tree}, eqx.is_array)`", True)


# What an object with a method is turned into an array by; the first that it has.
_CONVERTED = {
    "todense": "{}.todense()",
    "to_numpy": "{}.to_numpy()",
    "__jax_array__": "jnp.asarray({})",
    "__dlpack__": "jnp.from_dlpack({})",
    "__array__": "np.asarray({})",
}


def attribute(value: Any, name: str) -> Any:
    """Return an attribute of an object of any kind; None where it has none."""
    try:
        return getattr(value, name, None)
    except Exception:  # a property of the caller's raises what it likes
        return None
