"""Properties that need no reference: what must not change the value, and what must add up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import lossdsl
from soak.expr import Expr, bound, defined, inline
from soak.grow import expression
from soak.properties import (
    DEPTH,
    Fault,
    Skip,
    accepted,
    called,
    close,
    intervals_of,
    refused,
    scalar,
)
from soak.world import World

Inputs = Mapping[str, Any]


def examples(random: Random) -> tuple[World, Expr]:
    """Return a world of examples, and an expression whose rows each read one of them."""
    world = World(random, floats=("f64",), lead="B")
    dims = ("B", world.axis()) if random.random() < 0.4 else ("B",)
    return world, expression(world, dims, random.randint(1, DEPTH))


def axis_of(type: str) -> int | None:
    """Return the axis of the examples in a declared type."""
    dims = type.partition("[")[2].partition("]")[0].split(", ")
    return dims.index("B") if "B" in dims else None


def of_rows(world: World, change: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the inputs with the rows of each that has examples changed."""
    changed = dict(world.values)
    for name, type in world.types.items():
        axis = axis_of(type)
        if axis is not None:
            changed[name] = jax.tree.map(
                lambda leaf, at=axis: np.moveaxis(change(np.moveaxis(leaf, at, 0)), 0, at),
                changed[name],
            )
    return changed


def slopes(loss: lossdsl.CompiledLoss, inputs: Inputs) -> tuple[Any, dict[str, Any]]:
    """Return the value of a loss, and its gradient in every input of real numbers alone."""
    given = jax.device_put({name: inputs[name] for name in loss.signature})
    moving = {
        name: one
        for name, one in given.items()
        if all(jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in jax.tree.leaves(one))
    }
    fixed = {name: one for name, one in given.items() if name not in moving}
    graded = jax.value_and_grad(lambda chosen, fixed: loss(**chosen, **fixed))
    return jax.tree.map(np.asarray, jax.jit(graded)(moving, fixed))


def masked_is_subset(random: Random) -> None:
    """A loss under a mask is that of the kept rows, whatever the others hold, with its gradient."""
    world, each = examples(random)
    mask = world.array(("B",), "bool")
    text = (
        f"{world.header}loss = {random.choice(['mean', 'sum'])}({inline(each)}, where={mask.form})"
    )
    accepted(text)
    kept = world.values[mask.form]

    def poisoned(leaf: Any) -> Any:
        if leaf.dtype.kind != "f":
            return leaf
        rows = kept.reshape(-1, *[1] * (leaf.ndim - 1))
        return np.where(rows, leaf, random.choice([np.nan, np.inf, -np.inf]))

    with jax.enable_x64(True):
        loss = lossdsl.compile(text)
        if mask.form not in loss.signature or not kept.any():
            raise Skip("nothing is kept")
        try:
            clean, slope = slopes(loss, of_rows(world, lambda leaf: leaf[kept]))
            value, slope_there = slopes(loss, of_rows(world, poisoned))
        except lossdsl.LossError as error:
            raise refused(text, error) from error
    if not np.isfinite(clean):
        raise Skip("out of range")
    close(text, "value", value, clean, 1e-8 * (1 + abs(clean)))
    for name, one in slope_there.items():
        for there, wanted in zip(jax.tree.leaves(one), jax.tree.leaves(slope[name]), strict=True):
            if not np.all(np.isfinite(wanted)):
                raise Skip("gradient out of range")
            rows, axis = there, axis_of(world.types[name])
            if axis is not None:
                hidden = np.compress(~kept, there, axis)
                close(text, f"masked gradient of {name}", hidden, 0 * hidden, 0)
                rows = np.compress(kept, there, axis)
            scale = 1 + np.max(abs(wanted), initial=0)
            close(text, f"gradient of {name}", rows, wanted, 1e-7 * scale)


def parts_combine(random: Random) -> None:
    """Rows in another order give the same, and two micro-batches combine by their counts."""
    world, each = examples(random)
    mask = world.array(("B",), "bool")
    reduce = random.choice(["mean", "sum"])
    text = f"{world.header}loss = {reduce}({inline(each)}, where={mask.form}) as fit"
    accepted(text)
    size, at = world.sizes["B"], random.randint(1, world.sizes["B"] - 1)
    order = np.array(random.sample(range(size), size))
    with jax.enable_x64(True):
        whole, _ = called(text, world.values)
        if not np.isfinite(whole):
            raise Skip("out of range")
        moved, _ = called(text, of_rows(world, lambda leaf: leaf[order]))
        close(text, "permuted", moved, whole, 1e-9 * (1 + abs(whole)))
        batch = tuple(name for name, type in world.types.items() if axis_of(type) is not None)
        halves = (slice(None, at), slice(at, None))
        parts = [
            called(text, of_rows(world, lambda leaf, rows=rows: leaf[rows]), batch)[1]
            for rows in halves
        ]
    if parts[0].combine["fit"] != reduce:
        raise Skip(parts[0].combine["fit"])
    if reduce == "sum":
        total = sum(float(part.raw["fit"]) for part in parts)
    else:
        counts = [float(part.count["fit"]) for part in parts]
        sums = [float(p.raw["fit"]) * count for p, count in zip(parts, counts, strict=True)]
        total = sum(sums) / sum(counts) if sum(counts) else 0.0
    close(text, "micro-batches", total, whole, 1e-9 * (1 + abs(whole)))


def mapped_is_looped(random: Random) -> None:
    """`vmap` over several inputs gives what a loop over them gives."""
    world = World(random, floats=("f64",))
    text = f"{world.header}"
    made = scalar(world)
    text = f"{world.header}loss = {inline(made)}"
    accepted(text)

    def scaled(by: float) -> dict[str, Any]:
        def of(leaf: Any) -> Any:
            return leaf * by if np.asarray(leaf).dtype.kind == "f" else leaf

        return {name: jax.tree.map(of, value) for name, value in world.values.items()}

    each = [scaled(1.0), scaled(0.97)]
    with jax.enable_x64(True):
        loss = lossdsl.compile(text)
        alone = [called(text, inputs)[0] for inputs in each]
        given = [{name: inputs[name] for name in loss.signature} for inputs in each]
        if not loss.signature:
            raise Skip("reads nothing")
        stacked = jax.tree.map(lambda *leaves: np.stack([*map(np.asarray, leaves)]), *given)
        together = np.asarray(jax.vmap(lambda inputs: loss(**inputs))(stacked))
    for value, wanted in zip(together, alone, strict=True):
        close(text, "vmap", value, wanted, 1e-8 * (1 + abs(np.float64(wanted))))


def jitted_is_eager(random: Random) -> None:
    """The value does not depend on whether JAX compiles it."""
    world = World(random)
    made = scalar(world)
    text = f"{world.header}loss = {inline(made)}"
    accepted(text)
    value, _ = called(text, world.values)
    ((_, within), *_) = intervals_of(text, world.values)
    with jax.disable_jit():
        eager, _ = called(text, world.values)
    close(text, "eager", eager, value, 2 * within + 1e-5 * (1 + abs(np.float64(value))))


def spellings_are_one(random: Random) -> None:
    """Bindings, definitions, comments and the canonical format change nothing."""
    world = World(random)
    made = scalar(world)
    text = f"{world.header}loss = {inline(made)}"
    accepted(text)
    *bindings, last = bound(made, random)
    *definitions, called_last = defined(made, random)
    other = {
        "bindings": "\n".join([world.header, *bindings, f"loss = {last}"]),
        "definitions": "\n".join([world.header, *definitions, f"loss = {called_last}"]),
        "format": lossdsl.format(text),
    }
    wanted = program_of(text, world.values)
    for what, spelling in other.items():
        accepted(spelling)
        if program_of(spelling, world.values) != wanted:
            raise Fault(f"{text}\n{what} gives another program:\n{spelling}")


def program_of(text: str, inputs: Inputs) -> str:
    """Return the jaxpr of a loss at its inputs."""
    loss = lossdsl.compile(text)
    given = {name: inputs[name] for name in loss.signature}
    try:
        return str(jax.make_jaxpr(lambda given: loss(**given))(given))
    except lossdsl.LossError as error:
        raise refused(text, error) from error


def declared_or_not(random: Random) -> None:
    """What `check` refuses without types no call takes, and what a call refuses it refuses too."""
    world = World(random)
    made = scalar(world)
    body = f"loss = {inline(made)}"
    accepted(f"{world.header}{body}")
    wanted, _ = called(f"{world.header}{body}", world.values)
    checked = lossdsl.check(body)
    if '["scale"]' in body:
        raise Skip("selects")  # of what is no declared record a key is a selector
    names = {"LD103", "LD108"}  # without types no dim has a name
    errors = [one for one in checked.diagnostics if one.severity == "error"]
    if {one.code for one in errors} & names or set(checked.signature) - set(world.values):
        raise Skip("names dims")
    if errors:
        raise Fault(f"{world.header}{body}\nrefused without types: {errors[0]}")
    typed = lossdsl.check(body, world.values)
    try:
        value, _ = called(body, world.values)
    except Fault as fault:
        if typed.ok:
            raise Fault(f"check takes what the call refuses: {fault}") from fault
        raise Skip("differs without types") from fault
    if not typed.ok:
        raise Fault(f"{body}\ncheck refuses what the call takes: {typed.diagnostics[0]}")
    ((_, within), *_) = intervals_of(f"{world.header}{body}", world.values)
    close(body, "undeclared", value, wanted, 2 * within + 1e-5 * (1 + abs(np.float64(wanted))))
