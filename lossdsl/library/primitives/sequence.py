"""Sums over all alignments of two sequences, which the language has no loop for."""

from __future__ import annotations

from typing import Any

from lossdsl.library.declare import Kernel, primitive
from lossdsl.library.follow import leading
from lossdsl.library.rules import Problem, RuleCall, Ruling, result


def _aligned(call: RuleCall) -> Ruling:
    z, y = call.array("z"), call.array("y")
    if z.dims is None or y.dims is None:
        return result(z, None)
    frames, labels = z.dims[-2].known, y.dims[-1].known
    padded = call.types.get("y_length") is not None
    if not padded and frames is not None and labels is not None and labels > frames:
        return Problem(
            "LD221",
            f"{labels} labels do not fit into {frames} frames",
            help="labels that are padded come with `y_length`",
            parameter="y",
        )
    return result(z, y.dims[:-1])


@primitive(
    "ctc_log_likelihood(z: logits float[*S, T, K], y: labels int[*S, L], z_length: int[*S]? = none,"
    " y_length: int[*S]? = none, blank: static int = 0) -> float[*S]",
    rule=_aligned,
    accumulates=True,
    axes=leading,
    laws=("shift",),
    domain="z_length in [0, T]; y_length in [0, L]; blank in [0, K)",
)
def ctc_log_likelihood() -> Kernel:
    """Logarithm of the probability of a label sequence, summed over its alignments with T frames.

    An alignment gives each frame a class; without its repetitions, and then without blanks, it
    reads as the labels. Lengths say how many frames and labels of each example count.

    primitive: a sum over alignments is a recurrence over vectors, which the language has no loop
    for
    note: -inf, with gradient 0, where the labels do not fit into the frames: each label needs one,
    and two equal neighbors need another between them
    note: NaN where a label is negative, past the last class or the blank, or where a length is
    negative or past the end; what lies beyond the lengths is not read
    cite: Graves et al. 2006, doi:10.1145/1143844.1143891
    example: mean(ctc_log_likelihood(z, maximum(y[..., :1], 1)))
    """
    import jax
    import jax.numpy as jnp

    from lossdsl.library.primitives.masked import wide
    from lossdsl.library.primitives.statistics import logsumexp

    add = logsumexp.kernel

    def before(x: Any, by: int, fill: Any) -> Any:
        """Return the entries that stand `by` places before."""
        return jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(by, 0)], constant_values=fill)[..., :-by]

    def kernel(
        z: Any, y: Any, z_length: Any = None, y_length: Any = None, *, blank: int = 0
    ) -> Any:
        z = wide(z)
        *batch, frames, classes = z.shape
        size = y.shape[-1]
        lasts = jnp.full(batch, frames) if z_length is None else z_length
        sizes = jnp.full(batch, size) if y_length is None else y_length

        running = jnp.arange(frames) < lasts[..., None]
        written = jnp.arange(size) < sizes[..., None]
        known = (y >= 0) & (y < classes) & (y != blank)
        sound = jnp.all(known | ~written, axis=-1)
        sound &= (lasts >= 0) & (lasts <= frames) & (sizes >= 0) & (sizes <= size)

        # The states are the labels with a blank before, between and after them.
        states = jnp.full((*batch, 2 * size + 1), blank, jnp.int32)
        states = states.at[..., 1::2].set(jnp.where(known & written, y, blank).astype(jnp.int32))
        logs = jax.nn.log_softmax(jnp.where(running[..., None], z, 0), axis=-1)
        emitted = jnp.take_along_axis(logs, states[..., None, :], axis=-1, mode="clip")
        skips = (states != blank) & (states != before(states, 2, blank))

        def step(alpha: Any, frame: Any) -> tuple[Any, None]:
            emission, runs = frame
            skipped = jnp.where(skips, before(alpha, 2, -jnp.inf), -jnp.inf)
            ways = jnp.stack([alpha, before(alpha, 1, -jnp.inf), skipped])
            return jnp.where(runs[..., None], add(ways, axis=(0,)) + emission, alpha), None

        start = jnp.where(jnp.arange(2 * size + 1) == 0, 0, jnp.full(states.shape, -jnp.inf))
        by_frame = (jnp.moveaxis(emitted, -2, 0), jnp.moveaxis(running, -1, 0))
        alpha, _ = jax.lax.scan(step, start.astype(z.dtype), by_frame)
        place = jnp.arange(2 * size + 1) - 2 * sizes[..., None]
        ends = jnp.where((place == 0) | (place == -1), alpha, -jnp.inf)
        # A factor, so that the gradient is NaN too.
        return add(ends, axis=(-1,)) * jnp.where(sound, jnp.ones((), z.dtype), jnp.nan)

    return kernel
