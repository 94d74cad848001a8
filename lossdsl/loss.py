"""`compile`: a spec becomes one JAX function that knows its terms and its constraints."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp

from lossdsl.check.check import parse_inputs
from lossdsl.check.core import Apply, Core, Node
from lossdsl.check.inputs import Declared
from lossdsl.check.program import Elaborated, elaborate
from lossdsl.check.restrict import restricted
from lossdsl.diagnostics.diagnostic import Diagnostic, LossError, at
from lossdsl.library.declare import Library, builtins
from lossdsl.limits import DEFAULT_LIMITS, Limits
from lossdsl.lower import constraints, described
from lossdsl.lower.callable import make_callable, slot, strong_scalar
from lossdsl.lower.dtypes import default_float, jax_dtype
from lossdsl.lower.tape import evaluate
from lossdsl.lower.values import concrete
from lossdsl.optimize import optimize
from lossdsl.source import Source
from lossdsl.syntax import ast
from lossdsl.syntax.parse import parse_program
from lossdsl.terms import Terms
from lossdsl.types.types import ArrayType, Type

RESULT = "loss"
CACHE_SIZE = 256


class CompiledLoss:
    """A checked loss as a function of its inputs, passed by name.

    Calling it returns the value, f32[] or wider (a dict of values where the spec names several
    results). It is jitted and pure, and composes with the caller's own `jit`, `grad`, `vmap` and
    `shard_map`. Made by `compile`.
    """

    def __init__(
        self,
        program: ast.Program,
        given: Mapping[str, ast.TypeExpr],
        library: Library,
        limits: Limits,
        checked: Elaborated,
        text: str,
    ):
        self.text = text
        self.signature = checked.signature
        self.diagnostics = checked.diagnostics
        self._program = program
        self._given = dict(given)
        self._library = library
        self._limits = limits
        self._declared: Mapping[str, Declared] = checked.declared
        self._names = tuple(checked.signature)
        self._results = tuple(
            one.name or RESULT for one in program.statements if isinstance(one, ast.Result)
        )
        self._views: dict[str, CompiledLoss] = {}
        values, terms = self._values, self._terms

        def loss(**inputs: Any) -> Any:
            return values(inputs)

        def loss_with_terms(**inputs: Any) -> Any:
            return terms(inputs)

        self.fn = jax.jit(loss)
        """The jitted function itself; it takes every input, defaults included."""
        self._terms_fn = jax.jit(loss_with_terms)

    def __repr__(self) -> str:
        inputs = ", ".join(f"{name}: {type}" for name, type in self.signature.items())
        return f"CompiledLoss({inputs})"

    # Calling

    @cached_property
    def _call(self) -> Callable[..., Any]:
        return self._callable(self.fn, "loss", "Return the value of the loss.")

    @cached_property
    def with_terms(self) -> Callable[..., Any]:
        """Return `(value, Terms)`; takes the inputs by name, as calling the loss does."""
        doc = "Return the value of the loss and its terms."
        return self._callable(self._terms_fn, "with_terms", doc)

    def __call__(self, *positional: Any, **inputs: Any) -> Any:
        return self._call(*positional, **inputs)

    def _callable(self, fn: Callable[..., Any], name: str, doc: str) -> Callable[..., Any]:
        slots = [slot(one, *self._declaration(one)) for one in self._names]
        return make_callable(slots, self._explained(fn), name, doc)

    def _declaration(self, name: str) -> tuple[ast.TypeExpr | None, ast.Literal | None]:
        declared = self._declared.get(name)
        if declared is not None:
            return declared.type, declared.default
        return parse_inputs({name: self.signature[name]})[0].get(name), None

    def _explained(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Translate what `jit` says of a leaf that is no array."""

        def run(**inputs: Any) -> Any:
            try:
                return fn(**inputs)
            except TypeError:
                found = _no_arrays(inputs)
                if found is None:
                    raise
                problem = found
            raise LossError([problem])

        return run

    def __getitem__(self, result: str) -> CompiledLoss:
        """Return one named result as a loss of the inputs that it reads."""
        if result not in self._results:
            raise LossError(
                [
                    at(
                        "LD103",
                        f"the spec has no result `{result}`",
                        None,
                        help=f"its results: {', '.join(f'`{name}`' for name in self._results)}",
                    )
                ]
            )
        if result not in self._views:
            program, given = restricted(self._program, self._given, result)
            checked = elaborate(program, self._library, given, limits=self._limits)
            self._views[result] = CompiledLoss(
                program, given, self._library, self._limits, checked, self.text
            )
        return self._views[result]

    # At trace time

    def _elaborated(self, inputs: Mapping[str, Any]) -> tuple[Core, dict[str, Any]]:
        types: dict[str, Type] = {}
        values: dict[str, Any] = {}
        for name, value in inputs.items():
            declared = self._declaration(name)[0]
            types[name], values[name] = concrete(value, declared, name, self._limits.leaves)
        done = elaborate(
            self._program, self._library, self._given, types, default_float(), self._limits
        )
        if done.core is None:
            raise LossError([one for one in done.diagnostics if one.severity == "error"])
        return done.core, values

    def _values(self, inputs: Mapping[str, Any]) -> Any:
        core, values = self._elaborated(inputs)
        roots = optimize(core, [one.value for one in core.results], self._library)
        found = evaluate(core.graph, roots, values, default_float())
        arrays = [_array(core, node, one) for node, one in zip(roots, found, strict=True)]
        return self._named(arrays)

    def _terms(self, inputs: Mapping[str, Any]) -> Any:
        core, values = self._elaborated(inputs)
        terms = [term for result in core.results for term in result.terms]
        nodes = [one.value for one in core.results]
        for term in terms:
            nodes += [term.raw, term.weight, term.weighted]
        nodes += core.metrics.values()
        reductions = [_counted(term.combine.reductions) for term in terms]
        masks = [one for node in reductions for one in _count_operands(node)]
        roots = optimize(core, [*nodes, *masks], self._library)
        found = evaluate(core.graph, roots, values, default_float())
        arrays = [
            one if isinstance(one, list) else _array(core, node, one)
            for node, one in zip(roots[: len(nodes)], found, strict=False)
        ]
        results, arrays = arrays[: len(core.results)], arrays[len(core.results) :]
        names = self._term_names(core)
        parts = [arrays[at : 3 * len(terms) : 3] for at in range(3)]
        kept = iter(found[len(nodes) :])
        counts = {
            name: _count(core, node, [next(kept) for _ in _count_operands(node)])
            for name, node in zip(names, reductions, strict=True)
            if node is not None
        }
        metrics = dict(zip(core.metrics, arrays[3 * len(terms) :], strict=True))
        made = Terms(*(dict(zip(names, part, strict=True)) for part in parts), counts, metrics)
        return self._named(results), made

    def _term_names(self, core: Core) -> list[str]:
        several = len(core.results) > 1
        return [
            f"{result.name}/{term.name}" if several else term.name
            for result in core.results
            for term in result.terms
        ]

    def _named(self, values: list[Any]) -> Any:
        if len(self._results) == 1:
            return values[0]
        return dict(zip(self._results, values, strict=True))

    # Training

    def objective(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return `objective(params, …) -> (value, terms)` for `jax.value_and_grad(has_aux=True)`.

        `function(params, …)` returns the inputs of the loss by name, or `(inputs, aux)`, and then
        the objective returns `(value, (terms, aux))`. An input `params` that it leaves out is its
        first argument; `step` is passed by keyword, `objective(params, …, step=i)`.
        """

        def objective(params: Any, *rest: Any, step: Any = None, **keywords: Any) -> Any:
            made = function(params, *rest, **keywords)
            inputs, *aux = made if isinstance(made, tuple) else (made,)
            inputs = dict(inputs)
            if "params" in self._names:
                inputs.setdefault("params", params)
            if "step" in self._names and "step" not in inputs:
                if step is None:
                    raise LossError(
                        [
                            at(
                                "LD120",
                                "the loss reads `step`, which is missing",
                                None,
                                help="pass it by keyword: `objective(params, batch, step=i)`",
                            )
                        ]
                    )
                inputs["step"] = step
            value, terms = self.with_terms(**inputs)
            return value, (terms, *aux) if aux else terms

        return objective

    # Constraints

    def project(self, *trees: Any, **inputs: Any) -> Any:
        """Return the nearest parameters inside the constraints of the spec.

        Takes the tree that the constraints bound (several: by name, a dict comes back), and by
        name whatever else the bounds read. Weights play no part.
        """
        return constraints.project(self._constrained(trees, inputs))

    def violations(self, *trees: Any, **inputs: Any) -> dict[str, Any]:
        """Return, by path, how far each leaf that breaks a constraint is outside; NaN counts."""
        return constraints.violations(self._constrained(trees, inputs))

    def _constrained(
        self, trees: tuple[Any, ...], inputs: dict[str, Any]
    ) -> constraints.Constrained:
        return constraints.constrained(
            self._program, self._given, self._library, self._limits, trees, inputs
        )


def _array(core: Core, node: Node, value: Any) -> Any:
    """Return a root as an array: a literal result is a number until here."""
    if hasattr(value, "aval") or hasattr(value, "dtype"):
        return jnp.asarray(value)
    type = core.graph.types[node]
    whole = isinstance(type, ArrayType) and type.dtype in ("int", "bool")
    return jnp.asarray(value, None if whole else jax_dtype(default_float()))


def _counted(reductions: tuple[Node, ...]) -> Apply | None:
    """Return the mean that a term is, whose elements are counted."""
    if len(reductions) == 1 and isinstance(reductions[0], Apply):
        if reductions[0].function.combine == "mean":
            return reductions[0]
    return None


def _count_operands(node: Apply | None) -> list[Node]:
    return [] if node is None else [one for one in node.arguments[1:] if one is not None]


def _count(core: Core, node: Apply, kept: list[Any]) -> Any:
    """Return the sum of the weights that a mean divides by, or how many elements it has."""
    assert node.arguments[0] is not None
    return described.count(core.graph.types[node.arguments[0]], node, kept)


def _no_arrays(inputs: Mapping[str, Any]) -> Diagnostic | None:
    """Name the first leaf of the inputs that JAX cannot take."""
    from lossdsl.selectors import flatten

    for name, value in inputs.items():
        flat = flatten(value)
        for path, leaf in zip(flat.paths, flat.leaves, strict=True):
            if not hasattr(leaf, "dtype") and not isinstance(leaf, (bool, int, float, complex)):
                return at(
                    "LD213",
                    f"`{'/'.join((name, *path))}` is a {type(leaf).__name__}, not an array",
                    None,
                    help=f"pass the arrays only, such as `eqx.filter({name}, eqx.is_array)`",
                )
    return None


_CACHE: OrderedDict[object, CompiledLoss] = OrderedDict()
_LOCK = threading.Lock()


def compile(
    spec: Any,
    inputs: Mapping[str, Any] | None = None,
    library: Library | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> CompiledLoss:
    """Check a spec and compile it into a loss; raises `LossError` with all that is wrong.

    `spec` is text, a `Source` or a `LossSpec`. `inputs` gives the type of inputs by name: a type
    string such as `"f32[B, 10]"`, an array, a `jax.ShapeDtypeStruct`, or a pytree of arrays. The
    same spec with the same inputs and library is compiled once.

    >>> loss = compile("mse(out, tgt) + 0.1*mean(abs(out)) as shrink")
    >>> out, tgt = jnp.array([1.0, 3.0]), jnp.zeros(2)
    >>> value, terms = loss.with_terms(out=out, tgt=tgt)
    >>> float(value), float(terms.raw["shrink"])
    (5.199999809265137, 2.0)
    """
    source, texts = described.spec_parts(spec, inputs)
    functions = library or builtins()
    key = (source.text, source.name, tuple(sorted(texts.items())), id(functions), limits,
           bool(jax.config.read("jax_enable_x64")))  # fmt: skip
    with _LOCK:
        found = _CACHE.get(key)
        if found is not None:
            _CACHE.move_to_end(key)
            return found
    made = _compile(source, texts, functions, limits)
    with _LOCK:
        _CACHE[key] = made
        if len(_CACHE) > CACHE_SIZE:
            _CACHE.popitem(last=False)
    return made


def _compile(
    source: Source, texts: Mapping[str, str], library: Library, limits: Limits
) -> CompiledLoss:
    program, found = parse_program(source, limits)
    given, wrong = parse_inputs(texts)
    if program is None or wrong:
        raise LossError((*found, *wrong))
    checked = elaborate(program, library, given, limits=limits)
    if checked.core is None:
        raise LossError(checked.diagnostics)
    return CompiledLoss(program, given, library, limits, checked, source.text)


__all__ = ["CompiledLoss", "Terms", "compile", "strong_scalar"]
