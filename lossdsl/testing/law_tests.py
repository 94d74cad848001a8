"""The laws that a function may declare, each with a test that random inputs can refute."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossdsl.library.declare import Builtin
from lossdsl.syntax import ast
from lossdsl.testing.draw import Sizes, draw, inputs_of, own_call
from lossdsl.types.declared import is_real

Values = Mapping[str, Any]
Arrays = Sequence[np.ndarray]
SIZES = Sizes(run=(4,), dims={"K": 3, "T": 5}, other=4)


@dataclass(frozen=True)
class Trial:
    """A call of a function at two random points of its inputs.

    `compute` returns the unreduced value for given inputs, one array for each leaf; `names` are
    the inputs in the order of the call, `real` those that are any real numbers, and `along` those
    whose first axis is the first axis of the first input.
    """

    compute: Callable[[Values], Arrays]
    values: Values
    other: Values
    names: tuple[str, ...]
    real: tuple[str, ...]
    along: tuple[str, ...]
    random: np.random.Generator
    degree: int = 0

    def at(self, **changed: Any) -> Arrays:
        """Return the value with other inputs in place of some."""
        return self.compute({**self.values, **changed})

    @property
    def first(self) -> Any:
        """The first input."""
        return self.values[self.names[0]]

    @property
    def second(self) -> Any:
        """The second input."""
        return self.values[self.names[1]]


def _leafwise(compute: Callable[..., Any], *trees: Any) -> Any:
    if isinstance(trees[0], Mapping):
        return {key: _leafwise(compute, *(tree[key] for tree in trees)) for key in trees[0]}
    return compute(*trees)


def _equal(actual: Arrays, expected: Arrays) -> bool:
    return all(
        np.allclose(a, b, rtol=1e-9, atol=1e-9) for a, b in zip(actual, expected, strict=True)
    )


def _total(arrays: Arrays) -> float:
    return float(sum(np.sum(array) for array in arrays))


def _swapped(trial: Trial) -> Arrays:
    a, b = trial.names[:2]
    return trial.at(**{a: trial.values[b], b: trial.values[a]})


def _middle(trial: Trial) -> tuple[float, float]:
    """Return the value in the middle of two points of the first input, and the mean at both."""
    name = trial.names[0]
    there = trial.other[name]
    middle = _leafwise(lambda a, b: (a + b) / 2, trial.first, there)
    ends = (_total(trial.at()) + _total(trial.at(**{name: there}))) / 2
    return _total(trial.at(**{name: middle})), ends


def _below(lower: float, upper: float) -> bool:
    return lower <= upper + 1e-9 * (1 + abs(upper))


def _negated(trial: Trial) -> Arrays:
    return trial.at(**{trial.names[0]: _leafwise(np.negative, trial.first)})


def _raised(trial: Trial) -> Arrays:
    first = trial.first
    by = abs(trial.random.normal(size=first.shape))
    step = np.ceil(by).astype(first.dtype) if first.dtype.kind == "i" else by
    return trial.at(**{trial.names[0]: first + step})


def _shifted(trial: Trial) -> Arrays:
    by = trial.random.normal(size=(*trial.first.shape[:-1], 1))
    return trial.at(**{trial.names[0]: trial.first + by})


def _translated(trial: Trial) -> Arrays:
    by = trial.random.normal()
    return trial.at(**{name: trial.values[name] + by for name in trial.names[:2]})


def _scaled(trial: Trial) -> Arrays:
    grown = {name: _leafwise(lambda x: 2.5 * x, trial.values[name]) for name in trial.real}
    return trial.at(**grown)


def _permuted(trial: Trial) -> Arrays:
    order = trial.random.permutation(np.shape(trial.first)[0])
    return trial.at(**{name: trial.values[name][order] for name in trial.along})


def _is_flat(trial: Trial) -> bool:
    """Say whether a small step changes few elements: those beside which there is a jump."""
    after = trial.at(**{trial.names[0]: trial.first + 1e-4})
    return all(np.mean(a != b) < 0.1 for a, b in zip(after, trial.at(), strict=True))


def _is_normalized(trial: Trial) -> bool:
    """Say whether the last axis, along which an example works, holds unit vectors or zeros."""
    lengths = [np.sum(np.square(array), axis=-1) for array in trial.at()]
    return all(np.isclose(length, length > 0.5).all() for length in lengths)


Test = Callable[[Trial], bool]

# Whether a law holds in one trial; `library/laws.py` says each in words.
LAWS: Mapping[str, Test] = {
    "nonneg": lambda t: all((array >= -1e-12).all() for array in t.at()),
    "unit": lambda t: all(((array >= -1e-12) & (array <= 1 + 1e-12)).all() for array in t.at()),
    "zero": lambda t: _equal(t.at(**{t.names[1]: t.first}), [np.zeros(())] * len(t.at())),
    "symmetric": lambda t: _equal(_swapped(t), t.at()),
    "antisymmetric": lambda t: _equal(_swapped(t), [-array for array in t.at()]),
    "convex": lambda t: _below(*_middle(t)),
    "concave": lambda t: _below(*_middle(t)[::-1]),
    "even": lambda t: _equal(_negated(t), t.at()),
    "odd": lambda t: _equal(_negated(t), [-array for array in t.at()]),
    "monotone": lambda t: all(
        (after >= before - 1e-9).all() for after, before in zip(_raised(t), t.at(), strict=True)
    ),
    "shift": lambda t: _equal(_shifted(t), t.at()),
    "translation": lambda t: _equal(_translated(t), t.at()),
    "scale": lambda t: _equal(_scaled(t), [2.5**t.degree * array for array in t.at()]),
    "normalized": _is_normalized,
    "flat": _is_flat,
    "permutation": lambda t: bool(
        np.isclose(_total(_permuted(t)), _total(t.at()), rtol=1e-9, atol=1e-9)
    ),
}


# Laws of the first two inputs.
PAIRED = frozenset({"zero", "symmetric", "antisymmetric", "translation"})

_LAW = re.compile(r"(?P<name>\w+)|(?P<scale>scale) (?P<degree>-?\d+)")


def read_law(text: str) -> tuple[str, int] | None:
    """Return the name of a declared law and its number, 0 for none; None for what is no law.

    >>> read_law("scale 2"), read_law("nonneg"), read_law("scale x")
    (('scale', 2), ('nonneg', 0), None)
    """
    match = _LAW.fullmatch(text)
    name = "" if match is None else match["name"] or match["scale"]
    return None if match is None or name not in LAWS else (str(name), int(match["degree"] or 0))


def refuted(
    function: Builtin, law: str, compute: Callable[[str, Values], Arrays], seeds: Sequence[int]
) -> Values | None:
    """Return inputs at which a function breaks a law that it declares, or None.

    `compute` takes the text of a call and its inputs, and returns the unreduced value; the call
    is that in the function's example.
    """
    read, text = read_law(law), own_call(function, function.about["example"].splitlines()[0])
    assert read is not None
    assert text is not None
    (name, degree), kinds = read, inputs_of(function, text)
    names = tuple(kinds)
    real = tuple(name for name, kind in kinds.items() if is_real(kind) and not _is_number(kind))
    along = tuple(name for name, kind in kinds.items() if lead(kind) == lead(kinds[names[0]]))
    for seed in seeds:
        values = draw(function, text, seed, SIZES)
        trial = Trial(
            lambda inputs: compute(text, inputs),
            values,
            draw(function, text, seed + 1000, SIZES),
            names,
            real,
            along,
            np.random.default_rng(seed),
            degree,
        )
        if not LAWS[name](trial):
            return values
    return None


def _is_number(kind: ast.TypeExpr) -> bool:
    return isinstance(kind, ast.ArrayTypeExpr) and not kind.dims


def lead(kind: ast.TypeExpr) -> str | None:
    """Return the name of the first axis."""
    match kind:
        case ast.ArrayTypeExpr(dims=(ast.Run(name), *_)):
            return f"*{name}"
        case ast.ArrayTypeExpr(dims=(ast.DimExpr(symbols=(symbol, *_)), *_)):
            return symbol
        case _:
            return None
