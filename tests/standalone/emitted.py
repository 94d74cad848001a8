"""Specs that are written out, and what a file and the compiled loss give for them.

Whatever specs the repository has are here: the examples of the library, the published losses, the
cases, the corpus of the language and the configs of the examples, each with inputs.
"""

from __future__ import annotations

import ast
import builtins
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
from equations import Expressions

import lossdsl
from lossdsl.testing.draw import Sizes, draw_declared
from lossdsl.testing.trial import Subject, is_real
from lossdsl.types.dtypes import LONG_NAMES

TESTS = Path(__file__).parents[1]
# Where the tests lie whose specs these are, for a run of this folder alone.
sys.path += [str(TESTS / room) for room in ("whole", "elaborate")]
DTYPE = re.compile(r"(?:\w+ )?(bf16|[fiu]\d+)\[")
SIZES = Sizes(run=(4,), dims={"N": 4, "B": 4, "K": 3}, other=3)


@dataclass(frozen=True)
class Spec:
    """A spec with the inputs of a call, and the types that `compile` is given."""

    name: str
    text: str
    inputs: Mapping[str, Any]
    types: Mapping[str, Any] | None = None

    def compiled(self) -> Any:
        """Return the compiled loss."""
        return lossdsl.compile(self.text, self.types)


def narrow(leaf: Any) -> Any:
    """Return an array in 32 bits, and a number of Python as it is."""
    if not hasattr(leaf, "dtype"):
        return leaf
    wide = {np.dtype(np.float64): np.float32, np.dtype(np.int64): np.int32}
    return np.asarray(leaf).astype(wide.get(leaf.dtype, leaf.dtype))


def library() -> Iterator[Spec]:
    """Yield the example of each function."""
    # Examples that are of one size.
    texts = {"arange": "mean(out[0]*arange(3))", "one_hot": "mean(one_hot(y, 3))"}
    for name, function in sorted(lossdsl.BUILTINS.functions.items()):
        text = texts.get(name, function.about["example"].partition("\n")[0])
        subject = Subject(function, lossdsl.BUILTINS, {})
        inputs = subject.draw(text, 0) if name != "reshape" else {"out": np.ones((6, 4), "f4")}
        yield Spec(name, text, jax.tree.map(narrow, inputs))


def published() -> Iterator[Spec]:
    """Yield the published losses."""
    for path in sorted((TESTS / "conformance" / "published").glob("*/*.loss")):
        text = path.read_text(encoding="utf-8")
        inputs = draw_declared(lossdsl.parse(text), 0)
        drawing = getattr(import_module(f"published.{path.parent.name}"), f"draw_{path.stem}", None)
        if drawing is not None:
            inputs |= drawing(np.random.default_rng(0), inputs)
        yield Spec(f"{path.parent.name}-{path.stem}", text, jax.tree.map(narrow, inputs))


def cases() -> Iterator[Spec]:
    """Yield the right specs of `tests/cases`."""
    from test_cases import RIGHT, inputs_of

    for name, rows in RIGHT.items():
        for at, row in enumerate(rows):
            yield Spec(f"{name}-{at}", row.text, inputs_of(row), row.types)


def corpus() -> Iterator[Spec]:
    """Yield the right specs of the corpus of the language, with inputs as they declare them.

    One that is no loss is a metric.
    """
    from test_language import FOLDER, cases

    for path in sorted(FOLDER.glob("*.md")):
        for at, case in enumerate(cases(path)):
            if case.kind in ("error", "warning"):
                continue
            types, program = case.given.get("inputs", {}), lossdsl.parse(case.text)
            bare = case.kind == "type" and "loss" not in case.text
            text = f"loss = 0.0\nmetric it = ({case.text})" if bare else case.text
            inputs = {**drawn_as(types), **draw_declared(program, 0, SIZES)}
            for name, leaves in case.given.get("trees", {}).items():
                inputs[name] = nested(leaves)
            yield Spec(f"{path.stem}-{at}", text, jax.tree.map(narrow, inputs), types or None)


def takes(spec: Spec) -> bool:
    """Say whether a call takes the inputs: some have types of no call, and f64 is not enabled."""
    try:
        jax.eval_shape(lambda inputs: spec.compiled()(**inputs), dict(spec.inputs))
    except lossdsl.LossError:
        return False
    return True


def drawn_as(types: Mapping[str, str]) -> dict[str, Any]:
    """Return values of types that are written as texts."""
    declared = "\n".join(f"{name}: {type}" for name, type in types.items())
    values = draw_declared(lossdsl.parse(f"{declared}\nloss = 0.0"), 0, SIZES)
    for name, type in types.items():
        dtype = DTYPE.match(type)
        if dtype is not None and name in values:
            values[name] = np.asarray(values[name]).astype(LONG_NAMES[dtype[1]])
    return values


def nested(leaves: Mapping[str, str]) -> dict[str, Any]:
    """Return a tree of leaves whose types are given by path."""
    names = {f"x{at}": type for at, type in enumerate(leaves.values())}
    tree: dict[str, Any] = {}
    for path, leaf in zip(leaves, drawn_as(names).values(), strict=True):
        *above, last = path.split("/")
        below = tree
        for key in above:
            below = below.setdefault(key, {})
        below[last] = leaf
    return tree


def module_of(text: str) -> Any:
    """Return what a file defines, run where lossdsl cannot be imported."""

    def importing(name: str, *rest: Any) -> Any:
        assert name.partition(".")[0] != "lossdsl", "a file imports lossdsl"
        return __import__(name, *rest)

    names: dict[str, Any] = {
        "__name__": "emitted",
        "__builtins__": {**vars(builtins), "__import__": importing},
    }
    exec(compile(text, "<emitted>", "exec"), names)
    return SimpleNamespace(**names)


def imports(text: str) -> set[str]:
    """Return the packages that a file imports."""
    nodes = list(ast.walk(ast.parse(text)))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in names}


def same_expressions(spec: Spec, file: Any) -> bool:
    """Say whether a file computes what the compiled loss does, operation by operation."""
    leaves, tree = jax.tree.flatten(dict(spec.inputs))
    arrays = {at: leaf for at, leaf in enumerate(leaves) if hasattr(leaf, "dtype")}
    loss, expressions = spec.compiled(), Expressions()

    def numbers(loss: Any, with_terms: Any) -> Any:
        def answer(arrays: Mapping[int, Any]) -> Any:
            given = [arrays.get(at, leaf) for at, leaf in enumerate(leaves)]
            return answers(loss, with_terms, tree.unflatten(given))

        return expressions.of(answer, arrays)

    return numbers(loss, loss.with_terms) == numbers(file.loss, file.loss_with_terms)


def answers(loss: Any, with_terms: Any, inputs: Mapping[str, Any]) -> Any:
    """Return value, gradient and terms of a loss, or of the sum of several results."""
    moving = {name: value for name, value in inputs.items() if is_real(value)}
    fixed = {name: value for name, value in inputs.items() if name not in moving}

    def total(moving: dict[str, Any]) -> Any:
        value = loss(**moving, **fixed)
        return sum(value.values()) if isinstance(value, dict) else value

    gradient = jax.grad(total)(moving) if moving else {}
    value, terms = with_terms(**inputs)
    parts = (terms.raw, terms.weight, terms.weighted, terms.metrics)
    return loss(**inputs), gradient, value, parts


def bits(value: Any) -> Any:
    """Return arrays as what tells them apart to the last bit."""
    return jax.tree.map(
        lambda leaf: (str(leaf.dtype), leaf.shape, np.asarray(leaf).tobytes()), value
    )


def both(specs: Sequence[Spec], files: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Return the answers of compiled losses, and those of files: of each a program for all."""
    losses = [spec.compiled() for spec in specs]
    inputs = [dict(spec.inputs) for spec in specs]
    ours = _solved([(loss, loss.with_terms) for loss in losses], inputs)
    theirs = _solved([(file.loss, file.loss_with_terms) for file in files], inputs)
    return ours, theirs


def _solved(losses: Sequence[tuple[Any, Any]], inputs: Sequence[dict[str, Any]]) -> list[Any]:
    leaves, tree = jax.tree.flatten(list(inputs))
    arrays = {at: leaf for at, leaf in enumerate(leaves) if hasattr(leaf, "dtype")}

    @jax.jit
    def solve(arrays: dict[int, Any]) -> Any:
        given = tree.unflatten([arrays.get(at, leaf) for at, leaf in enumerate(leaves)])
        return [answers(*loss, each) for loss, each in zip(losses, given, strict=True)]

    return [jax.tree.map(np.asarray, each) for each in solve(arrays)]
