"""What every program must have, one function a property; each draws its own programs."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import oracle

import lossdsl
from lossdsl.core.graph import Core
from lossdsl.elaborate.passed_inputs import Passed
from lossdsl.elaborate.program import elaborate
from lossdsl.library.declare import builtins
from lossdsl.source import Source
from lossdsl.syntax.parse import parse_program
from lossdsl.types.types import RecordType, Type
from soak.expr import Dims, Expr, inline
from soak.grow import expression
from soak.reference import OutOfRange, interval
from soak.world import World

DEPTH = 3
# What sizes and folded constants of a right program may be refused for.
REFUSED = {"LD218", "LD221", "LD222", "LD503"}
# Through these a gradient does not flow as the value says.
STOPS = ("stop_gradient", "sg", "spike", "surrogate")

# Past this a cost is cut off, and what a gradient that goes on says is no slope of it.
HUGE = 1e100


class Skip(Exception):
    """A program of which the property says nothing, and why."""


class Fault(Exception):
    """A property that does not hold, with the program that shows it."""


def scalar(world: World, dims: Dims = ()) -> Expr:
    """Return the expression of a loss."""
    made = expression(world, dims, world.random.randint(1, DEPTH))
    return made if made.parts else Expr("1.5*{}", (made,))


def accepted(text: str) -> None:
    """Hold that a program that is right by construction is found right."""
    checked = lossdsl.check(text)
    if not checked.ok:
        errors = [one for one in checked.diagnostics if one.severity == "error"]
        known = REFUSED | {"LD501", "LD502", "LD611"}
        if {one.code for one in errors} <= known:
            raise Skip(errors[0].code)
        raise Fault(f"{text}\n" + "\n".join(map(str, errors)))


def core_of(text: str, inputs: Mapping[str, Any], default: str = "f32") -> Core:
    """Return the checked program of a text at the types of its inputs."""
    program, diagnostics = parse_program(Source(text))
    assert program is not None, diagnostics
    types = {name: _type_of(value) for name, value in inputs.items()}
    done = elaborate(program, builtins(), passed=Passed(types, default))
    assert done.core is not None, "\n".join(map(str, done.diagnostics))
    return done.core


def _type_of(value: Any) -> Type:
    """Return the type of an input; a dict without anything nested is a record here."""
    if isinstance(value, dict) and set(value) == {"mu", "scale"}:
        return RecordType(tuple((name, oracle.type_of(one)) for name, one in value.items()))
    return oracle.type_of(value)


def called(text: str, inputs: Mapping[str, Any], batch: tuple[str, ...] | None = None) -> Any:
    """Return the value of a loss and its terms; what is refused at a call may say so."""
    loss = lossdsl.compile(text)
    if batch is not None:
        loss = lossdsl.compile(text, batch=tuple(name for name in batch if name in loss.signature))
    given = {name: inputs[name] for name in loss.signature}
    try:
        return jax.tree.map(np.asarray, loss.with_terms(**given))
    except lossdsl.LossError as error:
        raise refused(text, error) from error


def refused(text: str, error: lossdsl.LossError) -> Exception:
    """Return what to raise for a call that is refused: `Skip` where its sizes may be the reason."""
    return Skip(error.codes[0]) if set(error.codes) <= REFUSED else Fault(f"{text}\n{error}")


def close(text: str, what: str, value: Any, wanted: Any, within: Any) -> None:
    """Raise `Fault` where two values differ."""
    value, wanted = np.asarray(value, np.float64), np.asarray(wanted, np.float64)
    bad = ~(abs(value - wanted) <= within) & ~(np.isnan(value) & np.isnan(wanted))
    bad &= ~((value == wanted) & np.isinf(value))
    if bad.any():
        raise Fault(f"{text}\n{what}: {value} where {wanted} is right, within {within}")


def value_and_terms(random: Random) -> None:
    """The value is that of float64, and the weighted terms add up to it."""
    world = World(random)
    first, second = scalar(world), scalar(world)
    text = f"{world.header}loss = {inline(first)} + 0.5*({inline(second)}) as second"
    accepted(text)
    loss, terms = called(text, world.values)
    intervals = intervals_of(text, world.values)
    values = [loss, *terms.raw.values()]
    for value, (wanted, within) in zip(values, intervals, strict=True):
        close(text, "value", value, wanted, within + 3e-6 * abs(wanted) + 1e-6)
    _, within = intervals[0]
    total = sum(map(np.float64, terms.weighted.values()))
    scale = sum(abs(np.float64(one)) for one in terms.weighted.values())
    close(text, "terms", total, loss, within + 1e-5 * scale)


def intervals_of(text: str, inputs: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Return value and error of the loss and of its terms, as float64 says."""
    core = core_of(text, inputs)
    outcome = core.results[0]
    try:
        found = interval(core, [outcome.value, *(term.raw for term in outcome.terms)], inputs)
    except OutOfRange:
        raise Skip("out of range") from None
    if not all(np.all(within <= 0.1 * abs(wanted) + 1e-3) for wanted, within in found):
        raise Skip("ill conditioned")
    return found


def gradient(random: Random) -> None:
    """The gradient is the slope of the float64 value along a direction."""
    world = World(random, floats=("f64",))
    made = scalar(world)
    text = f"{world.header}loss = {inline(made)}"
    if any(f"{name}(" in text for name in STOPS):
        raise Skip("stopped")
    accepted(text)
    directions = _directions(random, world.values)
    core = core_of(text, world.values, "f64")
    if any(getattr(getattr(n, "function", None), "name", "") in STOPS for n in core.graph.types):
        raise Skip("stopped")

    def moved(by: float) -> float:
        inputs = {
            name: jax.tree.map(lambda x, d: x + by * d, value, directions[name])
            if name in directions
            else value
            for name, value in world.values.items()
        }
        return float(oracle.evaluate(core, inputs).values["loss"])

    steps = (1e-4, 1e-5, 1e-6)
    ahead, behind, here = [moved(h) for h in steps], [moved(-h) for h in steps], moved(0)
    slopes = [(a - b) / (2 * h) for a, b, h in zip(ahead, behind, steps, strict=True)]
    if not np.all(np.isfinite(slopes)) or abs(here) > HUGE:
        raise Skip("out of range")
    if abs(here - (ahead[-1] + behind[-1]) / 2) > 1e-7 * (1 + abs(here)):
        raise Skip("not smooth")  # a point that a guard takes out
    error = abs(slopes[0] - slopes[1]) + abs(slopes[1] - slopes[2])
    if error > 1e-4 * (1 + abs(slopes[1])):
        raise Skip("not smooth")
    with jax.enable_x64(True):
        loss = lossdsl.compile(text)
        moving = {name: jax.device_put(world.values[name]) for name in directions}
        fixed = {name: value for name, value in world.values.items() if name not in moving}
        used = {name: value for name, value in moving.items() if name in loss.signature}
        held = {name: value for name, value in fixed.items() if name in loss.signature}
        graded = jax.grad(lambda used, held: loss(**used, **held), allow_int=True)
        slope = jax.jit(graded)(used, held)
        along = sum(
            float(np.sum(np.asarray(g) * d))
            for name in used
            for g, d in zip(jax.tree.leaves(slope[name]), jax.tree.leaves(directions[name]),
                            strict=True)
            if jnp.issubdtype(g.dtype, jnp.floating)
        )  # fmt: skip
    known = oracle.values_of(core.graph, [core.results[0].value], world.values)
    leaves = [leaf for value in known.values() for leaf in jax.tree.leaves(value)]
    if np.isnan(along) and any(np.isnan(leaf).any() for leaf in leaves):
        raise Skip("out of range")  # a NaN beside what is picked is in the gradient, as in JAX
    close(text, "slope", along, slopes[1], 10 * error + 1e-5 * abs(slopes[1]) + 1e-6)


def _directions(random: Random, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a random direction for every input of real numbers."""
    noise = np.random.default_rng(random.getrandbits(32))

    def of(leaf: Any) -> Any:
        real = np.asarray(leaf).dtype.kind == "f"
        return noise.normal(size=np.shape(leaf)) if real else np.zeros(np.shape(leaf), int)

    directions = {name: jax.tree.map(of, value) for name, value in values.items()}
    return {
        name: one
        for name, one in directions.items()
        if any(np.asarray(leaf).dtype.kind == "f" for leaf in jax.tree.leaves(one))
    }
