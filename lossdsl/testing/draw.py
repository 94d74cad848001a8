"""Random inputs for a call of a function, drawn from what its signature declares.

An input that is named as a parameter has that parameter's dims, role and domain; a few common
names, such as `out` and `params`, stand for themselves elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from lossdsl.diagnostics.diagnostic import LossError
from lossdsl.elaborate.binding import Candidate, agrees
from lossdsl.infer.arguments import Static, Written
from lossdsl.library.declare import Builtin
from lossdsl.source import Source
from lossdsl.syntax import ast
from lossdsl.syntax.parse import parse_program, parse_type
from lossdsl.testing.random_values import Drawn, Sizes

_COMMON = {
    "out": "float[N, K]",
    "tgt": "float[N, K]",
    "z": "logits float[N, K]",
    "y": "labels int[N]",
    "p": "probs float[N, K]",
    "q": "probs float[N, K]",
    "signs": "signs float[N, K]",
    "params": "tree",
    "traces": "spikes float[N, T, K]",
    "spikes": "tree[spikes float[N, ...]]",
    "step": "int",
}
_SIZES = {"N": 4, "K": 3, "T": 5}
PAGE = Sizes(run=(2,), dims={"K": 3}, other=3)


def draw(
    function: Builtin,
    text: str,
    seed: int = 0,
    sizes: Sizes | None = None,
    variant: int | None = None,
) -> dict[str, np.ndarray | Any]:
    """Return a value for each input that the text of a call of the function reads.

    Real numbers are float64, integers int32; trees are nested dicts. Labels count from 0 and
    stay below the number of classes, probabilities sum to 1 over a last axis of classes, and a
    number stays inside the domain that the function declares for it. Of several signatures the
    one that has the choices of the call and most of its names is meant, or that of the number
    `variant`.

    >>> from lossdsl.library import BUILTINS
    >>> drawn = draw(BUILTINS["cross_entropy"], "cross_entropy(z, y)", sizes=PAGE)
    >>> drawn["z"].shape, drawn["y"].shape, drawn["y"].dtype.name
    ((2, 3), (2,), 'int32')
    """
    call = _call(function, text, variant)
    drawn = _drawn(function, call, seed, sizes or Sizes())
    return {name: drawn.value(name, type) for name, type in call.inputs.items()}


@dataclass(frozen=True)
class _Call:
    """The signature that a call's names fit best, its inputs, and the sizes given as literals."""

    signature: ast.Signature
    inputs: Mapping[str, ast.TypeExpr]
    sizes: Mapping[str, int]


@lru_cache(maxsize=4096)
def _call(function: Builtin, text: str, variant: int | None = None) -> _Call:
    program, diagnostics = parse_program(Source(text))
    if program is None:
        raise LossError(diagnostics)
    named = [node.id for node in ast.walk(program) if isinstance(node, ast.Name)]
    calls = [node for node in ast.walk(program) if isinstance(node, ast.Call)]
    own = next((call for call in calls if call.function == function.name), None)

    def fit(signature: ast.Signature) -> tuple[bool, int]:
        chosen = own is None or agrees(Candidate(function, signature, own, _text))
        return chosen, len({parameter.name for parameter in signature.parameters} & set(named))

    signatures = function.signatures
    signature = max(signatures, key=fit) if variant is None else signatures[variant]
    parameters = {parameter.name: parameter.plain_type for parameter in signature.parameters}
    inputs: dict[str, ast.TypeExpr] = {}
    for name in named:
        type = parameters.get(name) or _common(name)
        if type is not None:
            inputs[name] = type
    arguments = [*zip(parameters, own.arguments, strict=False)] if own else []
    arguments += [(keyword.name, keyword.value) for keyword in own.keywords] if own else []
    sizes = {
        name: int(value.value)
        for name, value in arguments
        if isinstance(value, ast.Literal) and isinstance(value.value, int)
    }
    return _Call(signature, inputs, sizes)


def _text(expr: Written) -> Static:
    return Static(expr.value if isinstance(expr, ast.Text) else None)


@lru_cache
def _common(name: str) -> ast.TypeExpr | None:
    return parse_type(Source(_COMMON[name]))[0] if name in _COMMON else None


def _drawn(function: Builtin, call: _Call, seed: int, sizes: Sizes) -> Drawn:
    own = {parameter.name for parameter in call.signature.parameters}
    common = {} if set(call.inputs) <= own else _SIZES
    known = {**common, **call.sizes, **sizes.dims}
    # An axis that is counted from the front says how many axes come before it.
    fronts = [
        int(parameter.default.value)
        for parameter in call.signature.parameters
        if isinstance(parameter.type, ast.WordTypeExpr)
        and parameter.type.word == "axis"
        and isinstance(parameter.default, ast.Literal)
        and isinstance(parameter.default.value, int)
        and parameter.default.value >= 0
    ]
    random = np.random.default_rng(seed)
    return Drawn(
        random, replace(sizes, dims=known), function.domains, min(fronts) if fronts else None
    )


def draw_declared(
    program: ast.Program, seed: int = 0, sizes: Sizes | None = None
) -> dict[str, Any]:
    r"""Return a value for each input that a spec declares and gives no default.

    >>> from lossdsl import parse
    >>> draw_declared(parse("x: f32[B, 3]\nloss = mean(x)"), sizes=PAGE)["x"].shape
    (3, 3)
    """
    drawn = Drawn(np.random.default_rng(seed), sizes or Sizes())
    return {
        name: drawn.value(name, statement.type)
        for statement in program.statements
        if isinstance(statement, ast.Declaration) and statement.default is None
        for name in statement.names
    }


def own_call(function: Builtin, text: str) -> str | None:
    """Return the first call of a function within a text, as it is written there.

    >>> from lossdsl.library import BUILTINS
    >>> own_call(BUILTINS["softmax"], "mean(square(softmax(z, axis=-1) - p))")
    'softmax(z, axis=-1)'
    """
    program, _ = parse_program(Source(text))
    calls = [] if program is None else [n for n in ast.walk(program) if isinstance(n, ast.Call)]
    return next((call.span.text for call in calls if call.function == function.name), None)


def signature_of(function: Builtin, text: str) -> ast.Signature:
    """Return the signature that fits the names in the text of a call best."""
    return _call(function, text).signature


def run_of(function: Builtin, text: str, sizes: Sizes) -> tuple[int, ...]:
    """Return the sizes that `*S` gets in a call."""
    return _drawn(function, _call(function, text), 0, sizes).run


def inputs_of(function: Builtin, text: str) -> Mapping[str, ast.TypeExpr]:
    """Return the types of the inputs that the text of a call reads, in order."""
    return _call(function, text).inputs
