"""From a compiled loss and the types of one call to a file of Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from lossdsl.diagnostics.defect import defects_reported
from lossdsl.diagnostics.diagnostic import Diagnostic, LossError, at
from lossdsl.inputs.declarations import Declared, symbols_of
from lossdsl.library.promotion import own_rules
from lossdsl.lower.callable import Slot, make_callable
from lossdsl.lower.jax_dtypes import default_float, jax_dtype
from lossdsl.specialization import Call, Roots
from lossdsl.standalone.module_text import Loss, module_text
from lossdsl.standalone.written_inputs import written_input
from lossdsl.syntax import ast
from lossdsl.terms import term_roots, value_roots

# A size for every symbol, where a type is only asked whether it is one.
_ANY: Mapping[str, int] = defaultdict(lambda: 2)


@dataclass(frozen=True, slots=True)
class Subject:
    """A loss that is written out: its text, and what is known of its results and inputs."""

    text: str
    program: ast.Program
    results: Sequence[str]
    slots: Sequence[Slot]
    declared: Mapping[str, Declared]


Calling = Callable[[dict[str, Any], Roots], tuple[Call, dict[str, Any]]]


def emitted(subject: Subject, call: Calling, types: Mapping[str, Any]) -> str:
    """Return the file of a loss; raise `LossError` where a call of these types would.

    A file for types of which only symbols are known serves all sizes: two of each give it.
    """
    unknown = [_unknown(subject, slot) for slot in subject.slots if _is_open(subject, slot, types)]
    if unknown:
        raise LossError(unknown)
    symbols = symbols_of(subject.declared.values())
    sizes = [dict(zip(symbols, numbers, strict=True)) for numbers in _stand_ins(len(symbols))]
    if not symbols_of(of for name, of in subject.declared.items() if name not in types):
        sizes = sizes[:1]
    first, *others = (_emitted(subject, call, types, each) for each in sizes)
    if all(other == first for other in others):
        return first
    message = "what is computed depends on sizes that no input has yet"
    help = "pass arrays, or their shapes: `loss.emit(out=jax.ShapeDtypeStruct((32, 10), float))`"
    raise LossError([at("LD710", message, None, help=help)])


def _stand_ins(count: int) -> Iterator[Sequence[int]]:
    """Yield numbers for symbols, twice if there are any: no two alike, none likely in a text."""
    primes = [n for n in range(7, 200) if all(n % k for k in range(2, n))]
    yield primes[:count]
    if count:
        yield primes[count : 2 * count]


def _is_open(subject: Subject, slot: Slot, types: Mapping[str, Any]) -> bool:
    """Say whether neither the call nor the spec says what an input is."""
    if slot.name in types or slot.default is not None:
        return False
    declared = subject.declared.get(slot.name)
    return declared is None or _of_type(declared.type, _ANY) is None


def _unknown(subject: Subject, slot: Slot) -> Diagnostic:
    declared = subject.declared.get(slot.name)
    help = f"declare it, such as `{slot.name}: f32[B, 10]`, or pass an array"
    if declared is not None:
        help = "a file reads each leaf and each axis: pass what the loss is called with"
    span = None if declared is None else declared.span
    message = f"nothing says what arrays `{slot.name}` has"
    return at("LD710", message, span, help=help)


def _emitted(
    subject: Subject, call: Calling, types: Mapping[str, Any], sizes: Mapping[str, int]
) -> str:
    made: list[str] = []
    given = _declared(subject, sizes)
    told = given.keys() - types.keys()
    given |= {name: _shaped(value) for name, value in types.items()}

    def emit(*passed: Any) -> None:
        inputs = dict(zip((slot.name for slot in subject.slots), passed, strict=True))
        parameters = [
            written_input(
                slot,
                inputs[slot.name],
                given.get(slot.name),
                subject.declared[slot.name].type if slot.name in subject.declared else None,
                slot.name in told,
            )
            for slot in subject.slots
        ]

        def traced(inputs: dict[str, Any]) -> None:
            with own_rules():
                value, _ = call(inputs, value_roots)
                terms, arrays = call(inputs, term_roots)
                loss = Loss(
                    subject.text, subject.program, parameters, subject.results, value, terms, arrays
                )
                with defects_reported():
                    made.append(module_text(loss))

        jax.eval_shape(traced, inputs)

    make_callable(subject.slots, emit, "emit", "Write the loss.")(**given)
    return made[-1]


def _shaped(value: Any) -> Any:
    """Return a tree with arrays in place of numbers that are given by their types.

    A number is converted where it is passed, which a type cannot be.
    """

    def made(leaf: Any) -> Any:
        lone = isinstance(leaf, jax.ShapeDtypeStruct) and not leaf.shape
        return jnp.zeros((), leaf.dtype) if lone else leaf

    return jax.tree.map(made, value)


def _declared(subject: Subject, sizes: Mapping[str, int]) -> dict[str, Any]:
    """Return arrays' types for the inputs whose declarations say them, at sizes of symbols."""
    given: dict[str, Any] = {}
    for name, declared in subject.declared.items():
        value = None if declared.default is not None else _of_type(declared.type, sizes)
        if value is not None:
            given[name] = value
    return given


def _of_type(type: ast.TypeExpr, sizes: Mapping[str, int]) -> Any:
    """Return what is passed for a declared type; None where it does not say all."""
    match type:
        case ast.ArrayTypeExpr(dtype=dtype, dims=dims):
            shape: list[int] = []
            for dim in dims:
                if not isinstance(dim, ast.DimExpr):
                    return None
                shape.append(dim.polynomial.evaluated(sizes))
            classes = {"int": "i32", "float": default_float(), "num": default_float()}
            named = jax_dtype(classes.get(dtype, default_float() if dtype == "any" else dtype))
            return jax.ShapeDtypeStruct(tuple(shape), named) if shape else jnp.zeros((), named)
        case ast.RecordTypeExpr(fields):
            made = {field.name: _of_type(field.type, sizes) for field in fields}
            return None if None in made.values() else made
        case _:
            return None
