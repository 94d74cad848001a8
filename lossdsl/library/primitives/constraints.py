"""What constraints cost: the law of one element, and the sum over all that a call names."""

from __future__ import annotations

import math
from functools import reduce as fold
from typing import Any

from lossdsl.library.declare import Kernel, primitive
from lossdsl.library.primitives import direct
from lossdsl.library.promotion import own_rules
from lossdsl.library.syntax_forms import Form

LAWS = '"exp" | "hinge" | "quadratic" | "softplus" | "log_barrier"'
REDUCE = '"sum" | "mean" | "max"'


@primitive(
    "limit_cost(x: float, bound: float, scale: float,"
    f' side: "lower" | "upper" | "equal", strict: static bool, law: {LAWS}) -> float',
    elementwise=True,
    form=Form.LIMIT,
    domain="scale in (0, inf)",
)
def limit_cost() -> Kernel:
    """What one element costs that passes its bound by d = distance/scale.

    note: exp: exp(d) beyond the bound, which jumps to 1; the exponent is clamped at 60
    (700 in f64, 10 in f16) and the gradient held there, so that a thousand times it is finite
    note: hinge: d beyond the bound; quadratic: its square
    note: softplus: log(1 + exp(d)) on both sides
    note: log_barrier: -log(-d) inside; from a tenth before the bound on, the parabola that
    continues it, so that the cost is finite outside; 0 where there is no bound
    note: An element inside has cost and gradient 0 under the first three, whatever the distance,
    and a NaN shows. A strict bound is passed where it is met, any other is not.
    cite: Boyd & Vandenberghe 2004, ch. 11; Hauser & Saccon 2006, doi:10.1109/CDC.2006.377048
    example: mean(limit_cost(out, 1, 0.5, side="upper", strict=false, law="softplus"))
    """
    import jax
    import jax.numpy as jnp

    relaxed_at = 0.1

    @jax.custom_jvp
    def clamped(d: Any) -> Any:
        highest = {8: 700, 2: 60 if d.dtype == jnp.bfloat16 else 10}.get(d.dtype.itemsize, 60)
        return direct.exp(direct.minimum(d, highest))

    @clamped.defjvp
    @own_rules()
    def _(primals: Any, tangents: Any) -> Any:
        (d,), (dd,) = primals, tangents
        value = clamped(d)
        return value, direct.multiply(value, dd)

    def barrier(d: Any) -> Any:
        slack = direct.where(direct.equal(d, -math.inf), 1, direct.negative(d))
        inside = direct.greater(slack, relaxed_at)
        past = direct.divide(direct.subtract(slack, 2 * relaxed_at), relaxed_at)
        arc = direct.divide(direct.subtract(direct.square(past), 1), 2)
        parabola = direct.subtract(arc, jnp.log(relaxed_at))
        log = direct.log(direct.where(inside, slack, 1))
        return direct.where(inside, direct.negative(log), parabola)

    costs: dict[str, Any] = {
        "exp": clamped,
        "hinge": lambda d: d,
        "quadratic": direct.square,
        "softplus": lambda d: jnp.logaddexp(d, 0),
        "log_barrier": barrier,
    }

    sides: dict[str, Any] = {
        "lower": (direct.negative, direct.greater),
        "upper": (lambda d: d, direct.less),
        "equal": (direct.absolute, direct.equal),
    }

    def kernel(x: Any, bound: Any, scale: Any, *, side: str, strict: bool, law: str) -> Any:
        x = jnp.asarray(x)
        distance, within = sides[side]
        met = direct.equal(x, bound)
        infinite = direct.equal(direct.absolute(x), math.inf)
        tied = met if side == "equal" else direct.logical_and(met, infinite)
        apart = direct.where(tied, 0, direct.subtract(x, bound))
        d = direct.divide(distance(apart), scale)
        if law in ("softplus", "log_barrier"):
            return costs[law](d)
        inside = within(x, bound)
        inside = inside if strict else direct.logical_or(inside, met)
        return direct.where(inside, 0, costs[law](direct.where(inside, 0, d)))

    return direct.inlined(kernel, "side", "strict", "law")


def _total(costs: tuple[Any, ...], reduce: str) -> Any:
    """Return the sum, mean or maximum over every element of every cost."""
    import jax.numpy as jnp

    from lossdsl.library.primitives.masked import wide

    filled = [wide(cost) for cost in costs if cost.size]
    if not filled:
        return jnp.zeros(())
    if reduce == "max":
        return jnp.max(jnp.stack([direct.largest(cost) for cost in filled]))
    total = fold(direct.add, map(direct.total, filled))
    size = sum(cost.size for cost in filled)
    return direct.divide(total, size) if reduce == "mean" else total


@primitive(
    f'bounds(params: tree, *limits: constraint[params], law: {LAWS} = "exp", scale: float = 1,'
    f' reduce: {REDUCE} = "sum") -> float',
    domain="scale in (0, inf)",
)
def bounds() -> Kernel:
    """What the parameters cost that lie outside of their bounds, summed over all elements.

    primitive: its arguments are constraints, which only the checker can read
    cite: SynSense Rockpool, training.jax_loss.bounds_cost
    aka: bounds_cost parameter_boundary_regularizer
    example: bounds(params, weight >= -0.1, weight < 0.3)
    """

    def kernel(*costs: Any, reduce: str = "sum") -> Any:
        return _total(costs, reduce)

    return kernel


@primitive(
    f'penalty(*limits: constraint, law: {LAWS} = "exp", scale: float = 1,'
    f' reduce: {REDUCE} = "sum") -> float',
    domain="scale in (0, inf)",
)
def penalty() -> Kernel:
    """What expressions cost that lie outside of their bounds, summed over all elements.

    primitive: its arguments are constraints, which only the checker can read
    cite: Boyd & Vandenberghe 2004, ch. 11
    example: penalty(mean(out) <= 0.2, law="quadratic")
    """

    def kernel(*costs: Any, reduce: str = "sum") -> Any:
        return _total(costs, reduce)

    return kernel
