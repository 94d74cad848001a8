"""A checked spec as one JAX function that knows its terms and its constraints."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
from jax.core import Tracer

from lossdsl.analyze.sizes import array_sizes
from lossdsl.core.graph import Core, Node
from lossdsl.diagnostics import settings
from lossdsl.diagnostics.defect import defects_reported
from lossdsl.diagnostics.diagnostic import LossError, article, at, has_errors
from lossdsl.diagnostics.warn import Warner
from lossdsl.elaborate.passed_inputs import Passed
from lossdsl.elaborate.program import Elaborated, elaborate
from lossdsl.elaborate.restrict import restricted
from lossdsl.elaborate.undecided import ALTERNATIVES
from lossdsl.inputs.declarations import Declared
from lossdsl.inputs.given import parse_inputs
from lossdsl.library.declare import Library
from lossdsl.library.promotion import own_rules
from lossdsl.limits import Limits
from lossdsl.lower import projection
from lossdsl.lower.array_arguments import host_arrays
from lossdsl.lower.callable import again, jitted, make_callable, slot
from lossdsl.lower.debug import beside, observed
from lossdsl.lower.jax_dtypes import default_float
from lossdsl.lower.passed_values import concrete, restored
from lossdsl.lower.report import Watcher, report, settled
from lossdsl.lower.scalars import hold_range, strong_scalar
from lossdsl.lower.symbolic import open_sizes
from lossdsl.lower.tape import evaluate
from lossdsl.specialization import Call, Roots, Specializer
from lossdsl.syntax import ast
from lossdsl.syntax.options import STEP
from lossdsl.terms import readers, results, results_with_terms, term_roots, value_roots
from lossdsl.types.types import UNKNOWN, Type

RESULT = "loss"


class CompiledLoss:
    """A checked loss as a function of its inputs, passed by name.

    Calling it returns the value, f32[] or wider (a dict of values where the spec names several
    results). It is jitted and pure, and composes with the caller's own `jit`, `grad`, `vmap` and
    `shard_map`. Made by `compile`.
    """

    # A generated function in a slot is called without a frame of a general `__call__` around it.
    __slots__ = ("__call__", "__dict__", "__weakref__")
    __call__: Callable[..., Any]

    def __init__(
        self,
        program: ast.Program,
        given: Mapping[str, ast.TypeExpr],
        library: Library,
        limits: Limits,
        checked: Elaborated,
        text: str,
        batch: tuple[str, ...] | None,
        debug: bool,
        stabilize: bool,
        again: tuple[Callable[..., Any], tuple[Any, ...]],
    ):
        self._again = again
        self.text = text
        self.debug = debug
        self.stabilize = stabilize
        self.signature = checked.signature
        self.diagnostics = checked.diagnostics
        self._program = program
        self._given = dict(given)
        self._library = library
        self._limits = limits
        self._batch = batch
        self._declared: Mapping[str, Declared] = checked.declared
        self._names = tuple(checked.signature)
        self._results = tuple(
            statement.name or RESULT
            for statement in program.statements
            if isinstance(statement, ast.Result)
        )
        self._views: dict[str, CompiledLoss] = {}
        self._warn = Warner()
        # What is read at the types of a call is one core, whichever results are asked for.
        self._specialize = Specializer(stabilize)
        self._slots = [slot(name, *self._declaration(name)) for name in self._names]
        observed = jitted(self._names, self._observed, "loss_observed")
        watcher = Watcher()
        self.fn = settled(observed, watcher) if debug else jitted(self._names, self._values, "loss")
        """The jitted function itself; it takes every input, defaults included."""
        terms = jitted(
            self._names, self._observed_terms if debug else self._terms, "loss_with_terms"
        )
        self._terms_fn = settled(terms, watcher) if debug else terms
        doc = "Return the value of the loss."
        self.__call__ = make_callable(self._slots, self.fn, "loss", doc)
        doc = "Return `(value, Terms)`; takes the inputs by name, as calling the loss does."
        self.with_terms = make_callable(self._slots, self._terms_fn, "with_terms", doc)
        doc = "Return what is wrong with the numbers of the inputs, and what each mask keeps."
        self.report = make_callable(
            self._slots, lambda *given: report(observed(*given)[1]), "report", doc
        )
        specialize = Specializer(stabilize)
        self._rules = projection.Rules(program, given, library, limits, checked, specialize)
        self._project = self._constrained(projection.project)
        self._distances = self._constrained(projection.distances)
        self.__signature__ = inspect.signature(self.__call__)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        # A loss is its text, inputs, library and options, and is compiled from them again.
        return self._again

    def __copy__(self) -> CompiledLoss:
        return self

    def __deepcopy__(self, memo: object) -> CompiledLoss:
        return self

    def __repr__(self) -> str:
        inputs = ", ".join(f"{name}: {type}" for name, type in self.signature.items())
        return f"CompiledLoss({inputs})"

    def _declaration(self, name: str) -> tuple[ast.TypeExpr | None, ast.Literal | None]:
        declared = self._declared.get(name)
        if declared is not None:
            return declared.type, declared.default
        # A number that is passed where several types may be meant is of the first: one label.
        first = self.signature[name].partition(ALTERNATIVES)[0]
        if first == str(UNKNOWN):
            return None, None
        return parse_inputs({name: first})[0].get(name), None

    def __getitem__(self, result: str) -> CompiledLoss:
        """Return one named result as a loss of the inputs that it reads."""
        if settings.hold_text("result", result, "'loss'") not in self._results:
            help = f"its results: {', '.join(f'`{name}`' for name in self._results)}"
            message = f"the spec has no result `{result}`"
            raise LossError([at("LD103", message, None, help=help)])
        if result not in self._views:
            program, given = restricted(self._program, self._given, result)
            checked = elaborate(program, self._library, given, limits=self._limits)
            self._views[result] = CompiledLoss(
                program,
                given,
                self._library,
                self._limits,
                checked,
                self.text,
                self._batch,
                self.debug,
                self.stabilize,
                again=(_view, (*self._again, result)),
            )
        return self._views[result]

    # At trace time

    def readers(self, name: str, inputs: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of the terms that read an input at a call, in the order of the spec."""
        settings.hold_text("name", name, "'out'")
        given = settings.hold_mapping("inputs", inputs, "such as `{'out': …}`")
        call, _ = self._call({name: given.get(name) for name in self._names}, value_roots)
        return readers(call.core, name)

    def _call(
        self, inputs: Mapping[str, Any], roots: Roots, debug: bool = False
    ) -> tuple[Call, dict[str, Any]]:
        """Return what is computed of some nodes at a call, and the inputs as it reads them."""
        types: dict[str, Type] = {}
        values: dict[str, Any] = {}
        for name, value in inputs.items():
            declared = self._declaration(name)[0]
            types[name], values[name] = concrete(value, declared, name, self._limits.leaves)
        sizes = open_sizes(inputs)
        with defects_reported():
            call = self._specialize(
                lambda concrete: self._elaborated(concrete, sizes, debug),
                types,
                roots,
                default_float(),
                (debug, tuple(sizes.items())),
                guarded=not sizes,
            )
        self._hold_sizes(call)
        return call, values

    def _elaborated(self, types: Mapping[str, Type], sizes: Mapping[str, Any], debug: bool) -> Core:
        """Return core at the types of a call."""
        passed = Passed(types, default_float(), batch=self._batch, debug=debug, sizes=sizes)
        done = elaborate(self._program, self._library, self._given, passed, self._limits)
        if done.core is None:
            raise LossError(
                [diagnostic for diagnostic in done.diagnostics if diagnostic.severity == "error"]
            )
        return done.core

    def _hold_sizes(self, call: Call) -> None:
        """Raise for a value that is too large to be made at a call, and warn of one that grew."""
        large = list(array_sizes(call.core, call.made, self._limits, call.sizes))
        if has_errors(large):
            raise LossError(large)
        known = {(diagnostic.code, diagnostic.span) for diagnostic in self.diagnostics}
        self._warn(
            diagnostic for diagnostic in large if (diagnostic.code, diagnostic.span) not in known
        )

    def _values(self, inputs: Mapping[str, Any]) -> Any:
        call, given = self._call(inputs, value_roots)
        return self._named(results(call.core, _evaluated(call, given)))

    def _terms(self, inputs: Mapping[str, Any]) -> Any:
        call, given = self._call(inputs, term_roots)
        whole, terms = results_with_terms(call.core, _evaluated(call, given), call.sizes)
        return self._named(whole), terms

    def _observed(self, inputs: Mapping[str, Any]) -> Any:
        call, given = self._call(inputs, _observed_values, debug=True)
        values, observation = observed(call.core, call.flat, given, call.sizes)
        return self._named(results(call.core, values)), observation

    def _observed_terms(self, inputs: Mapping[str, Any]) -> Any:
        call, given = self._call(inputs, _observed_terms, debug=True)
        values, observation = observed(call.core, call.flat, given, call.sizes)
        whole, terms = results_with_terms(call.core, values, call.sizes)
        return (self._named(whole), terms), observation

    def _named(self, values: list[Any]) -> Any:
        if len(self._results) == 1:
            return values[0]
        return dict(zip(self._results, values, strict=True))

    def emit(self, /, **types: Any) -> str:
        """Return the loss as a file of Python that runs without lossdsl, at the types of a call.

        Takes inputs as a call does, or `jax.ShapeDtypeStruct`s in place of arrays; one whose type
        is declared may be left out. See `lossdsl.emit`.
        """
        from lossdsl.standalone.emission import Subject, emitted

        subject = Subject(self.text, self._program, self._results, self._slots, self._declared)
        return emitted(subject, self._call, types)

    # Training

    def objective(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return `objective(params, …) -> (value, terms)` for `jax.value_and_grad(has_aux=True)`.

        `function(params, …)` returns the inputs of the loss by name, or `(inputs, aux)`, and then
        the objective returns `(value, (terms, aux))`. An input `params` that it leaves out is its
        first argument; `step` is passed by keyword, `objective(params, …, step=i)`.
        """

        settings.hold_function("function", function)
        optional = {entry.name for entry in self._slots if entry.default is not None}

        # `nnx.value_and_grad` refuses a function with a keyword of its own, passed or not.
        def objective(params: Any, *rest: Any, **keywords: Any) -> Any:
            step = keywords.pop(STEP, None)
            made = function(params, *rest, **keywords)
            inputs, *aux = made if isinstance(made, tuple) and made else (made,)
            if not isinstance(inputs, Mapping) or not all(isinstance(name, str) for name in inputs):
                what = article(type(inputs).__name__)
                message = f"the inputs are {what}, not a mapping from their names"
                raise LossError([at("LD111", message, None, help="return `{'out': …}`")])
            filled = dict(inputs)
            if "params" in self._names:
                filled.setdefault("params", params)
            if STEP in self._names and step is not None:
                filled.setdefault(STEP, step)
            if STEP in self._names and STEP not in {*filled, *optional}:
                help = "pass it by keyword: `objective(params, batch, step=i)`"
                raise LossError(
                    [at("LD120", "the loss reads `step`, which is missing", None, help=help)]
                )
            value, terms = self.with_terms(**filled)
            return value, (terms, *aux) if aux else terms

        return objective

    # Constraints

    def project(self, /, *trees: Any, **inputs: Any) -> Any:
        """Return the nearest parameters inside the constraints of the spec.

        Takes the tree that the constraints bound (several: by name, a dict comes back), and by
        name whatever else the bounds read. Weights play no part.
        """
        moved = self._explained(self._project, trees, inputs)
        passed = dict(zip(moved, trees, strict=False)) | inputs
        whole = {name: restored(tree, passed[name]) for name, tree in moved.items()}
        return next(iter(whole.values())) if len(whole) == 1 else whole

    def violations(self, /, *trees: Any, **inputs: Any) -> dict[str, Any]:
        """Return, by path, how far each leaf that breaks a constraint is outside; NaN counts.

        Inside of `jit` or `vmap`, where none is known to break one, every bounded leaf is there.
        """
        distances = self._explained(self._distances, trees, inputs)
        traced = any(isinstance(far, Tracer) for far in distances.values())
        return {path: far for path, far in distances.items() if traced or far != 0}

    def _constrained(self, use: Callable[[projection.Constrained], Any]) -> Any:
        """Return the jit of what is done with the constraints that hold for a call."""
        return jax.jit(
            own_rules()(lambda trees, inputs: use(self._rules.constrained(trees, inputs)))
        )

    def _explained(self, fn: Any, trees: tuple[Any, ...], inputs: dict[str, Any]) -> Any:
        try:
            return self._hosted(fn, trees, inputs)
        except Exception as problem:
            given = dict(zip(("params",), trees, strict=False)) | inputs
            return again(problem, partial(self._hosted, fn), lambda: (trees, inputs), given)

    def _hosted(self, fn: Any, trees: tuple[Any, ...], inputs: dict[str, Any]) -> Any:
        hosted = {name: host_arrays(value, name) for name, value in inputs.items()}
        for entry in self._slots:
            if entry.range is not None and entry.scalar is not None and entry.name in hosted:
                scalar = strong_scalar(hosted[entry.name], entry.scalar, entry.name)
                hold_range(scalar, entry.range, entry.name)
        return fn(tuple(host_arrays(tree, "params") for tree in trees), hosted)


def _observed_values(core: Core) -> list[Node]:
    return [*value_roots(core), *beside(core)]


def _observed_terms(core: Core) -> list[Node]:
    return [*term_roots(core), *beside(core)]


def _evaluated(call: Call, inputs: Mapping[str, Any]) -> list[Any]:
    """Return the values of the roots of a call."""
    return evaluate(call.flat.graph, call.flat.roots, inputs, call.sizes)


def _view(make: Callable[..., CompiledLoss], given: tuple[Any, ...], result: str) -> CompiledLoss:
    """Return one result of a loss that is made again."""
    return make(*given)[result]
