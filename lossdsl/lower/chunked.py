"""Values computed a chunk of rows at a time: one loop of JAX over the chunks.

Where one number is made of the rows, of which it is a linear function, its gradient is computed in
the same pass: what each row weighs in it is known before any row is, so that each chunk is made
once for both. Else a chunk is made again for the gradient. Neither blocks a transformation of JAX:
the first is a `custom_jvp` whose tangent is a product with the gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_derivatives import SymbolicZero

from lossdsl.core.graph import Node
from lossdsl.library.primitives import direct
from lossdsl.library.primitives.masked import wide
from lossdsl.library.promotion import own_rules
from lossdsl.optimize.chunked_values import Chunked, Loop

Values = Mapping[Node, Any]
Run = Callable[[Iterable[Node], Values], Values]
Arrays = Sequence[Any]


def in_chunks(run: Run, chunked: Chunked, values: Values) -> dict[Node, Any]:
    """Return what the rest of a program reads of values that are computed in chunks.

    `run` returns the values of operations, given those of what they read.
    """
    numbers = {node: values[node] for node in chunked.read if not _is_array(values[node])}
    loops = [
        _Loop(run, loop, numbers, tuple(node for node in loop.whole if node not in numbers))
        for loop in chunked.loops
    ]
    beside = tuple(node for node in chunked.beside if node not in numbers)
    given = [(_arrays(loop.loop.sliced, values), _arrays(loop.whole, values)) for loop in loops]
    if chunked.tail:
        number = _Number(run, chunked, numbers, loops, beside).function()
        return {chunked.tail[-1]: number(given, _arrays(beside, values))}
    made = [array for loop, each in zip(loops, given, strict=True) for array in loop.outputs(*each)]
    return dict(zip(chunked.made, made, strict=True))


def _is_array(value: Any) -> bool:
    return isinstance(value, jax.Array)


def _arrays(nodes: Iterable[Node], values: Values) -> list[Any]:
    return [jnp.asarray(values[node]) for node in nodes]


@dataclass(frozen=True)
class _Loop:
    """One loop over chunks as functions of arrays: of the `sliced` ones and of `whole`."""

    run: Run
    loop: Loop
    numbers: Values
    whole: tuple[Node, ...]

    def rows(self, sliced: Arrays, whole: Arrays) -> Arrays:
        """Return the outputs of some rows."""
        given = dict(zip((*self.loop.sliced, *self.whole), (*sliced, *whole), strict=True))
        made = self.run(self.loop.body, {**self.numbers, **given})
        return [made[node] for node in self.loop.outputs]

    def outputs(self, sliced: Arrays, whole: Arrays) -> Arrays:
        """Return all rows of the outputs; what makes them is made again for their gradient."""
        rows = jax.checkpoint(self.rows, prevent_cse=False)
        first, chunks = self._cut(sliced, self.loop.sliced.values())
        begun = None if first is None else jax.checkpoint(self.rows)(first, whole)
        _, made = lax.scan(lambda _, chunk: (None, rows(chunk, whole)), None, chunks)
        return self._joined(begun, made, self.loop.outputs.values())

    def slopes(
        self,
        arrays: tuple[Arrays, Arrays],
        weights: Arrays,
        of_sliced: Sequence[int],
        of_whole: Sequence[int],
    ) -> tuple[Arrays, Arrays]:
        """Return all rows of the outputs, and the gradient of their weighted sum by some arrays."""
        sliced, whole = arrays
        kept, axes = self.loop.outputs.values(), [*self.loop.sliced.values()]

        def step(sums: Arrays | None, chunk: tuple[Arrays, Arrays]) -> tuple[Arrays, Any]:
            rows, weights = chunk

            def of_some(some: Arrays, some_whole: Arrays) -> Arrays:
                return self.rows(_with(rows, of_sliced, some), _with(whole, of_whole, some_whole))

            at = [rows[at] for at in of_sliced], [whole[at] for at in of_whole]
            made, pulled = jax.vjp(of_some, *at)
            slopes, parts = pulled(weights)
            parts = [wide(part) for part in parts]
            if sums is not None:
                parts = [direct.add(total, part) for total, part in zip(sums, parts, strict=True)]
            return parts, (made, slopes)

        first, chunks = self._cut([*sliced, *weights], [*axes, *kept])
        # The sums begin with a chunk: zeros would have to lie on the devices as it does.
        begin = [x[0] for x in chunks] if first is None else first
        rest = [x[1:] for x in chunks] if first is None else chunks
        count = len(sliced)
        sums, begun = step(None, (begin[:count], begin[count:]))
        sums, made = lax.scan(step, sums, (rest[:count], rest[count:]))
        if first is None:
            made = jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), begun, made)
        rows, slopes = (None, None) if first is None else begun
        outputs = self._joined(rows, made[0], kept)
        by_row = self._joined(slopes, made[1], [axes[at] for at in of_sliced])
        return outputs, [*by_row, *sums]

    def _cut(self, arrays: Arrays, axes: Iterable[int]) -> tuple[list[Any] | None, list[Any]]:
        """Return the first rows, which fill no chunk, if there are such, and the chunks of others.

        A chunk has every so manieth row: of rows that are spread over devices each holds some.
        """
        rows, each = self.loop.rows, self.loop.each
        left, first, chunks = rows % each, [], []
        for x, axis in zip(arrays, axes, strict=True):
            first.append(lax.slice_in_dim(x, 0, left, axis=axis) if left else x)
            rest = lax.slice_in_dim(x, left, rows, axis=axis) if left else x
            shape = (*x.shape[:axis], each, rows // each, *x.shape[axis + 1 :])
            chunks.append(jnp.moveaxis(jnp.reshape(rest, shape), axis + 1, 0))
        return first if left else None, chunks

    def _joined(self, first: Arrays | None, chunks: Arrays, axes: Iterable[int]) -> list[Any]:
        """Return arrays of their first rows and the chunks of the others."""
        joined: list[Any] = []
        for at, (x, axis) in enumerate(zip(chunks, axes, strict=True)):
            x = jnp.moveaxis(x, 0, axis + 1)
            x = jnp.reshape(x, (*x.shape[:axis], -1, *x.shape[axis + 2 :]))
            joined.append(x if first is None else jnp.concatenate([first[at], x], axis))
        return joined


@dataclass(frozen=True)
class _Number:
    """The number at the end of a tail as a function of arrays: those of loops and `beside`."""

    run: Run
    chunked: Chunked
    numbers: Values
    loops: Sequence[_Loop]
    beside: tuple[Node, ...]

    def function(self) -> Callable[..., Any]:
        """Return the function, with a tangent that is a product with its gradient."""

        @jax.custom_jvp
        def number(arrays: Sequence[tuple[Arrays, Arrays]], beside: Arrays) -> Any:
            each = zip(self.loops, arrays, strict=True)
            return self.tail([loop.outputs(*given) for loop, given in each], beside)

        number.defjvp(own_rules()(self._moved), symbolic_zeros=True)
        return number

    def tail(self, outputs: Sequence[Arrays], beside: Arrays) -> Any:
        """Return the number that is made of all rows of the outputs of loops."""
        nodes = (node for loop in self.chunked.loops for node in loop.outputs)
        given = zip((*nodes, *self.beside), (*chain(*outputs), *beside), strict=True)
        return self.run(self.chunked.tail, {**self.numbers, **dict(given)})[self.chunked.tail[-1]]

    def _moved(self, primals: Any, tangents: Any) -> Any:
        """Return the number and how it moves."""
        (arrays, beside), (moves, moves_beside) = primals, tangents
        moves_beside = _moving(moves_beside)
        moving = [tuple(map(_moving, each)) for each in moves]
        # Under `shard_map` what is summed up over devices is the sum of all chunks.
        arrays = [
            (sliced, [_varying(1, x, sliced) if at in of else x for at, x in enumerate(whole)])
            for (sliced, whole), (_, of) in zip(arrays, moving, strict=True)
        ]
        each = list(zip(self.loops, arrays, self._weights(arrays, beside), moving, strict=True))
        made = [loop.slopes(given, by, *map(tuple, of)) for loop, given, by, of in each]
        outputs = [rows for rows, _ in made]

        def of_beside(some: Arrays) -> Any:
            return self.tail(outputs, _with(beside, moves_beside, some))

        at = [beside[at] for at in moves_beside]
        value, moved = jax.jvp(of_beside, (at,), ([*moves_beside.values()],))
        for (_, slopes), of in zip(made, moving, strict=True):
            for slope, move in zip(slopes, chain(*(each.values() for each in of)), strict=True):
                along = direct.total(direct.multiply(slope, move.astype(slope.dtype)))
                moved = direct.add(moved, along.astype(moved.dtype))
        return value, moved

    def _weights(self, arrays: Sequence[tuple[Arrays, Arrays]], beside: Arrays) -> Sequence[Arrays]:
        """Return what each row of the outputs counts in the number, of which it is linear."""
        zeros = [
            [
                _varying(0, jnp.zeros(shape.shape, shape.dtype), [*given[0], *given[1]])
                for shape in jax.eval_shape(loop.outputs, *given)
            ]
            for loop, given in zip(self.loops, arrays, strict=True)
        ]
        number, pulled = jax.vjp(lambda outputs: self.tail(outputs, beside), zeros)
        return pulled(jnp.ones_like(number))[0]


def _moving(tangents: Arrays) -> dict[int, Any]:
    """Return the tangents that are not zero, by their place."""
    return {at: move for at, move in enumerate(tangents) if not isinstance(move, SymbolicZero)}


def _varying(unit: int, x: Any, others: Arrays) -> Any:
    """Return an array that varies over the devices over which others vary.

    `unit` is 0 for zeros, and 1 for what is multiplied: XLA folds both.
    """
    same = jnp.full((), unit, x.dtype)
    for other in others:
        total = jnp.sum(other).astype(x.dtype)
        same = lax.select(jnp.zeros_like(total, bool), total, jnp.full_like(total, unit) * same)
    return direct.multiply(x, same) if unit else direct.add(x, same)


def _with(arrays: Arrays, places: Iterable[int], values: Arrays) -> Arrays:
    """Return arrays with others in some places."""
    replaced = list(arrays)
    for place, value in zip(places, values, strict=True):
        replaced[place] = value
    return replaced
