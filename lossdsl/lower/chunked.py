"""Values computed a chunk of rows at a time: one loop of JAX over the chunks.

Where one number is made of the rows, of which it is a linear function, its gradient is computed in
the same pass: what each row weighs in it is known before any row is, so that each chunk is made
once for both. Else a chunk is made again for the gradient. Neither blocks a transformation of JAX:
the first is a `custom_jvp` whose tangent is a product with the gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_derivatives import SymbolicZero

from lossdsl.core.graph import Node
from lossdsl.library.primitives import direct
from lossdsl.library.primitives.masked import wide
from lossdsl.library.promotion import own_rules
from lossdsl.optimize.chunks import Chunked

Values = Mapping[Node, Any]
Run = Callable[[Iterable[Node], Values], Values]
Arrays = Sequence[Any]


def in_chunks(run: Run, chunked: Chunked, values: Values) -> dict[Node, Any]:
    """Return what the rest of a program reads of values that are computed in chunks.

    `run` returns the values of operations, given those of what they read.
    """
    arrays = {node: values[node] for node in chunked.read if isinstance(values[node], jax.Array)}
    numbers = {node: values[node] for node in chunked.read if node not in arrays}
    sliced = tuple(chunked.sliced)
    whole, beside = (
        tuple(node for node in nodes if node in arrays) for nodes in (chunked.whole, chunked.beside)
    )
    loop = _Loop(run, chunked, numbers, sliced, whole, beside)
    given = [
        tuple(jnp.asarray(values[node]) for node in nodes) for nodes in (sliced, whole, beside)
    ]
    if chunked.tail:
        return {chunked.tail[-1]: loop.number()(*given)}
    return dict(zip(chunked.outputs, loop.outputs(*given[:2]), strict=True))


@dataclass(frozen=True)
class _Loop:
    """What a `Chunked` is as functions of arrays: `sliced`, `whole`, and `beside` the outputs."""

    run: Run
    chunked: Chunked
    numbers: Values
    sliced: tuple[Node, ...]
    whole: tuple[Node, ...]
    beside: tuple[Node, ...]

    def rows(self, sliced: Arrays, whole: Arrays) -> Arrays:
        """Return the outputs of some rows."""
        given = dict(zip((*self.sliced, *self.whole), (*sliced, *whole), strict=True))
        made = self.run(self.chunked.body, {**self.numbers, **given})
        return [made[node] for node in self.chunked.outputs]

    def tail(self, outputs: Arrays, beside: Arrays) -> Any:
        """Return the number that is made of all rows of the outputs."""
        given = dict(zip((*self.chunked.outputs, *self.beside), (*outputs, *beside), strict=True))
        return self.run(self.chunked.tail, {**self.numbers, **given})[self.chunked.tail[-1]]

    def outputs(self, sliced: Arrays, whole: Arrays) -> Arrays:
        """Return all rows of the outputs; what makes them is made again for their gradient."""
        rows = jax.checkpoint(self.rows, prevent_cse=False)
        first, chunks = self._cut(sliced, self.chunked.sliced.values())
        begun = None if first is None else jax.checkpoint(self.rows)(first, whole)
        _, made = lax.scan(lambda _, chunk: (None, rows(chunk, whole)), None, chunks)
        return self._joined(begun, made, self.chunked.outputs.values())

    def number(self) -> Callable[[Arrays, Arrays, Arrays], Any]:
        """Return the function of all arrays that the last operation of the tail is."""

        @jax.custom_jvp
        def number(sliced: Arrays, whole: Arrays, beside: Arrays) -> Any:
            return self.tail(self.outputs(sliced, whole), beside)

        number.defjvp(own_rules()(self._moved), symbolic_zeros=True)
        return number

    def _moved(self, primals: Any, tangents: Any) -> Any:
        """Return the number and how it moves."""
        beside = primals[2]
        moves, moves_whole, moves_beside = (
            {at: move for at, move in enumerate(each) if not isinstance(move, SymbolicZero)}
            for each in tangents
        )
        outputs, slopes, sums = self._slopes(primals, tuple(moves), tuple(moves_whole))

        def of_beside(moving: Arrays) -> Any:
            return self.tail(outputs, _with(beside, moves_beside, moving))

        at = [beside[at] for at in moves_beside]
        value, moved = jax.jvp(of_beside, (at,), ([*moves_beside.values()],))
        pairs = zip((*slopes, *sums), (*moves.values(), *moves_whole.values()), strict=True)
        for slope, move in pairs:
            along = direct.total(direct.multiply(slope, move.astype(slope.dtype)))
            moved = direct.add(moved, along.astype(moved.dtype))
        return value, moved

    def _slopes(
        self, primals: Any, of_sliced: tuple[int, ...], of_whole: tuple[int, ...]
    ) -> tuple[Arrays, Arrays, Arrays]:
        """Return all rows of the outputs, and the gradient of the number by some of the arrays."""
        sliced, whole, beside = primals
        kept, axes = self.chunked.outputs.values(), [*self.chunked.sliced.values()]
        # Under `shard_map` what is summed up over devices is the sum of all chunks.
        whole = [_varying(1, x, sliced) if at in of_whole else x for at, x in enumerate(whole)]
        shapes = jax.eval_shape(self.outputs, sliced, whole)
        zeros = [
            _varying(0, jnp.zeros(shape.shape, shape.dtype), (*sliced, *whole)) for shape in shapes
        ]
        # Of a linear function the slopes are the same everywhere.
        number, pulled = jax.vjp(lambda outputs: self.tail(outputs, beside), zeros)
        (weights,) = pulled(jnp.ones_like(number))

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
        return outputs, self._joined(slopes, made[1], [axes[at] for at in of_sliced]), sums

    def _cut(self, arrays: Arrays, axes: Iterable[int]) -> tuple[list[Any] | None, list[Any]]:
        """Return the first rows, which fill no chunk, if there are such, and the chunks of others.

        A chunk has every so manieth row: of rows that are spread over devices each holds some.
        """
        rows, each = self.chunked.rows, self.chunked.each
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
