"""A checked spec as one JAX function that knows its terms and its constraints."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from lossdsl.build_options import Options
from lossdsl.core.graph import Core
from lossdsl.diagnostics import settings
from lossdsl.diagnostics.defect import defects_reported
from lossdsl.diagnostics.diagnostic import LossError
from lossdsl.diagnostics.warn import Warner
from lossdsl.elaborate.other_terms import named_terms, number, reweighted
from lossdsl.elaborate.passed_inputs import Passed
from lossdsl.elaborate.program import Elaborated, elaborate
from lossdsl.elaborate.restrict import Part, pruned, restricted
from lossdsl.elaborate.undecided import ALTERNATIVES
from lossdsl.formula.typeset import Typeset
from lossdsl.inputs.declarations import Declared
from lossdsl.inputs.given import parse_inputs
from lossdsl.library.declare import Library
from lossdsl.limits import Limits
from lossdsl.lower.bounded import Bounded
from lossdsl.lower.callable import jitted, make_callable, slot
from lossdsl.lower.debug import observed
from lossdsl.lower.jax_dtypes import default_float
from lossdsl.lower.passed_values import concrete
from lossdsl.lower.projection import Rules
from lossdsl.lower.report import Watcher, report, settled
from lossdsl.lower.symbolic import open_sizes
from lossdsl.lower.tape import evaluated
from lossdsl.optimize.chunked_values import LargeValue
from lossdsl.specialization import Call, Roots, Specializer, hold_sizes
from lossdsl.syntax import ast
from lossdsl.syntax.format import format_program
from lossdsl.terms import (
    observed_term_roots,
    observed_value_roots,
    readers,
    results,
    results_with_terms,
    term_roots,
    value_roots,
)
from lossdsl.training import other_losses
from lossdsl.training.accumulate import accumulate as accumulated
from lossdsl.training.calibrate import calibrate as calibrated
from lossdsl.training.caller import Caller
from lossdsl.training.caller_inputs import Subject
from lossdsl.training.objective import objective as training_objective
from lossdsl.training.parts import Parts, part_roots, parts_of, whole_of, whole_roots
from lossdsl.training.term_gradients import term_gradients as gradients_of_terms
from lossdsl.types.types import UNKNOWN, Type


class CompiledLoss(Typeset):
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
        options: Options,
        again: tuple[Callable[..., Any], tuple[Any, ...]],
    ):
        self._again = again
        self.text = text
        self.options = options
        self.signature = checked.signature
        self.diagnostics = checked.diagnostics
        self._program = program
        self._given = dict(given)
        self._library = library
        self._limits = limits
        self._declared: Mapping[str, Declared] = checked.declared
        self._names = tuple(checked.signature)
        assert checked.core is not None
        self._core = checked.core
        self._results = tuple(result.name for result in self._core.results)
        self._subject = Subject(self._core, self._declared)
        self.term_spans = {
            name: term.span for name, term in named_terms(self._core.results).items()
        }
        self.term_names = tuple(self.term_spans)
        self._views: dict[str, CompiledLoss] = {}
        self._warn = Warner()
        # What is read at the types of a call is one core, whichever results are asked for.
        self._specialize = Specializer(options.stabilize, options.chunk_bytes)
        self._slots = [slot(name, *self._declaration(name)) for name in self._names]
        observed = jitted(self._names, self._observed, "loss_observed")
        watcher = Watcher()
        self.fn = (
            settled(observed, watcher) if self.debug else jitted(self._names, self._values, "loss")
        )
        """The jitted function itself; it takes every input, defaults included."""
        with_terms = self._observed_terms if options.debug else self._terms
        terms = jitted(self._names, with_terms, "loss_with_terms")
        self._terms_fn = settled(terms, watcher) if options.debug else terms
        doc = "Return the value of the loss."
        self.__call__ = make_callable(self._slots, self.fn, "loss", doc)
        doc = "Return `(value, Terms)`; takes the inputs by name, as calling the loss does."
        self.with_terms = make_callable(self._slots, self._terms_fn, "with_terms", doc)
        doc = "Return the sums over the examples that micro-batches add up to: see `combine`."
        sums = jitted(self._names, self._parts, "loss_parts")
        self.parts = make_callable(self._slots, sums, "parts", doc)
        doc = "Return what is wrong with the numbers of the inputs, and what each mask keeps."
        self.report = make_callable(
            self._slots, lambda *given: report(observed(*given)[1]), "report", doc
        )
        specialize = Specializer(options.stabilize)
        rules = Rules(program, given, library, limits, checked, specialize)
        self._bounded = Bounded(rules, self._slots)
        self.__signature__ = inspect.signature(self.__call__)

    @property
    def debug(self) -> bool:
        """Whether a call looks at its arguments: see `compile`."""
        return self.options.debug

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

    # Other losses of the same text

    def __getitem__(self, result: str) -> CompiledLoss:
        """Return one named result as a loss of the inputs that it reads."""
        result = other_losses.hold_result(result, self._results)
        if result not in self._views:
            part = restricted(self._program, self._given, result)
            self._views[result] = self._made(part, "__getitem__", result)
        return self._views[result]

    def only(self, *terms: str) -> CompiledLoss:
        """Return the loss of some terms, with their weights, by the names in `term_names`.

        It reads the inputs of these. Results and metrics of which nothing is left are left out.
        """
        program = other_losses.only(self._program, self._core.results, terms)
        return self._made(pruned(program, self._given, self._program), "only", *terms)

    def without(self, *terms: str) -> CompiledLoss:
        """Return the loss of all other terms: see `only`."""
        program = other_losses.without(self._program, self._core.results, terms)
        return self._made(pruned(program, self._given, self._program), "without", *terms)

    def replace(self, weights: Mapping[str, float]) -> CompiledLoss:
        """Return the loss with other numbers as the weights of terms, each with its sign.

        They are compiled in. Inputs that only the weights before have read are left out.
        """
        numbers = other_losses.hold_weights(weights, self.term_names)
        written = {name: number(value, self.term_spans[name]) for name, value in numbers.items()}
        program = reweighted(self._program, self._core.results, written)
        return self._made(pruned(program, self._given, self._program), "replace", numbers)

    def _made(self, part: Part, method: str, *arguments: Any) -> CompiledLoss:
        """Return the loss of a part of the text, which a method makes of this one."""
        program, given = part
        checked = elaborate(program, self._library, given, limits=self._limits)
        if checked.core is None:
            raise LossError(checked.diagnostics)
        again = (_derived, (*self._again, method, arguments))
        return CompiledLoss(
            program,
            given,
            self._library,
            self._limits,
            checked,
            format_program(replace(program, comments=())),
            self.options,
            again,
        )

    # At trace time

    def readers(self, name: str, inputs: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of the terms that read an input at a call, in the order of the spec."""
        settings.hold_text("name", name, "'out'")
        return readers(self._asked(inputs).core, name)

    def chunks(self, inputs: Mapping[str, Any]) -> tuple[LargeValue, ...]:
        """Return what `chunk_bytes` has computed a chunk of rows at a time at a call."""
        return self._asked(inputs).large

    def _asked(self, inputs: Mapping[str, Any]) -> Call:
        given = settings.hold_mapping("inputs", inputs, "such as `{'out': …}`")
        return self._call({name: given.get(name) for name in self._names}, value_roots)[0]

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
        self._warn(hold_sizes(call, self._limits, self.diagnostics))
        return call, values

    def _elaborated(self, types: Mapping[str, Type], sizes: Mapping[str, Any], debug: bool) -> Core:
        """Return core at the types of a call."""
        passed = Passed(types, default_float(), batch=self.options.batch, debug=debug, sizes=sizes)
        done = elaborate(self._program, self._library, self._given, passed, self._limits)
        if done.core is None:
            raise LossError(
                [diagnostic for diagnostic in done.diagnostics if diagnostic.severity == "error"]
            )
        return done.core

    def _values(self, inputs: Mapping[str, Any]) -> Any:
        call, given = self._call(inputs, value_roots)
        return self._named(results(call.core, evaluated(call, given)))

    def _terms(self, inputs: Mapping[str, Any]) -> Any:
        call, given = self._call(inputs, term_roots)
        whole, terms = results_with_terms(call.core, evaluated(call, given), call.sizes)
        return self._named(whole), terms

    def _parts(self, inputs: Mapping[str, Any]) -> Parts:
        return parts_of(*self._call(inputs, part_roots))

    def _combined(self, parts: Parts, inputs: Mapping[str, Any]) -> Any:
        whole, terms = whole_of(*self._call(inputs, whole_roots), parts)
        return self._named(whole), terms

    def _observed(self, inputs: Mapping[str, Any]) -> Any:
        call, given = self._call(inputs, observed_value_roots, debug=True)
        values, observation = observed(call.core, call.flat, given, call.sizes)
        return self._named(results(call.core, values)), observation

    def _observed_terms(self, inputs: Mapping[str, Any]) -> Any:
        call, given = self._call(inputs, observed_term_roots, debug=True)
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

        At its first call with new types the function is called once more, on shapes: a target
        that a gradient reaches (LD414), predictions that no parameter reaches (LD417) and
        parameters without a gradient (LD441) are warned of, and errors of a strict loss.
        """
        return training_objective(self, function, Caller(self, function, self._subject))

    def combine(self, parts: Parts, **inputs: Any) -> Any:
        """Return `(value, Terms)` of a batch from the sum of the `parts` of its micro-batches.

        `inputs` are those of any of them: what is no batch is read there, such as `params`.
        """
        fn = jitted(self._names, partial(self._combined, parts), "loss_combined")
        return make_callable(self._slots, fn, "combine", "")(**inputs)

    # Functions of a loss, which the room of training has.
    term_gradients, calibrate, accumulate = gradients_of_terms, calibrated, accumulated

    # Constraints

    def project(self, /, *trees: Any, **inputs: Any) -> Any:
        """Return the nearest parameters inside the constraints of the spec.

        Takes the tree that the constraints bound (several: by name, a dict comes back), and by
        name whatever else the bounds read. Weights play no part.
        """
        return self._bounded.project(trees, inputs)

    def violations(self, /, *trees: Any, **inputs: Any) -> dict[str, Any]:
        """Return, by path, how far each leaf that breaks a constraint is outside; NaN counts.

        Inside of `jit` or `vmap`, where none is known to break one, every bounded leaf is there.
        """
        return self._bounded.violations(trees, inputs)


def _derived(
    make: Callable[..., CompiledLoss], given: tuple[Any, ...], method: str, arguments: Any
) -> CompiledLoss:
    """Return what a method makes of a loss that is made again."""
    return getattr(make(*given), method)(*arguments)
