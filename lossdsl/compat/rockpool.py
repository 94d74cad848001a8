"""The losses of Rockpool 3.1.0, `training.jax_loss` and `training.torch_loss`, over the library.

Names, parameters and defaults are Rockpool's, so that only the import changes; what the functions
take and return are JAX arrays, also those of `torch_loss`. They compose with `jit`, `grad` and
`vmap`. Parameters are any pytree; `None` in it is no leaf. Where Rockpool is wrong the docstring
says what happens here and why. All compute and return at least f32: a sum of half-precision
numbers loses them.

>>> import jax.numpy as jnp
>>> import lossdsl.compat.rockpool as l
>>> params = {"0_Linear": {"weight": jnp.ones(2)}, "1_Rate": {"tau": jnp.array([0.005, 0.02])}}
>>> lower, upper = l.make_bounds(params)
>>> lower["1_Rate"]["tau"] = 0.01
>>> float(l.mse(jnp.ones(4), jnp.zeros(4)) + 10 * l.bounds_cost(params, lower, upper))
11.050125122070312
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from lossdsl.compat.option_numbers import hold_domain
from lossdsl.compat.trees import as_float, floating, mapped, matched
from lossdsl.compilation import compile
from lossdsl.library.declare import builtins
from lossdsl.loss import CompiledLoss
from lossdsl.lower.array_arguments import as_array

__all__ = [
    "mse",
    "sse",
    "make_bounds",
    "bounds_cost",
    "bounds_clip",
    "l2sqr_norm",
    "l0_norm_approx",
    "softmax",
    "logsoftmax",
    "summed_exp_boundary_loss",
    "ParameterBoundaryRegularizer",
]


def mse(output: Any, target: Any) -> Any:
    """Return the mean over every element of (output - target)².

    Shapes are equal, or it is LD201: Rockpool broadcasts, so that (3,) with (3, 1) is a mean over
    (3, 3). A network's (1, T, N) meets a target of (T, N) as `output[0]`.

    >>> import jax.numpy as jnp
    >>> float(mse(jnp.array([1.0, 3.0]), jnp.zeros(2)))
    5.0
    """
    return compile("mse(output, target)")(output=output, target=target)


def sse(output: Any, target: Any) -> Any:
    """Return the sum over every element of (output - target)²; shapes are equal, as for `mse`.

    >>> import jax.numpy as jnp
    >>> float(sse(jnp.array([1.0, 3.0]), jnp.zeros(2)))
    10.0
    """
    return compile("sse(output, target)")(output=output, target=target)


def make_bounds(params: Any) -> tuple[Any, Any]:
    """Return lower and upper bounds that bound nothing: trees with -inf and inf at every leaf.

    One number a leaf, to be replaced where there is a bound, by a number or an array of the
    leaf's shape. A leaf that is no array is LD213.

    >>> import jax.numpy as jnp
    >>> make_bounds({"rate": {"tau": jnp.ones(3), "bias": None}})
    ({'rate': {'bias': None, 'tau': -inf}}, {'rate': {'bias': None, 'tau': inf}})
    """
    lower = mapped(lambda _: -math.inf, params, "params")
    return lower, mapped(lambda _: math.inf, params, "params")


def bounds_cost(params: Any, lower_bounds: Any, upper_bounds: Any) -> Any:
    """Return the sum over all elements of exp(distance) for those beyond a bound.

    An element at its bound costs nothing, one just beyond it 1. Here, unlike in Rockpool:

    - Bounds are matched by path. Rockpool zips the trees by position, so that a missing, misnamed
      or reordered bound falls on another parameter. Here a leaf without a bound, a bound without
      a leaf and a tree without leaves are LD301.
    - Bounds that leave no value are LD302, and an array that has not the shape of its leaf is
      LD303; Rockpool accepts the former and broadcasts the latter, which counts parameters twice.
      Bounds that are traced, arguments of the caller's `jit`, are held to the latter only.
    - The exponent stops at 60 (700 in f64), and the gradient with it: in f32 Rockpool's is
      infinite at a distance of 89, and the next step of Adam is NaN.
    - A NaN parameter makes the cost NaN; Rockpool's `nansum` hides it. An element inside its
      bounds has gradient 0, also beyond 2³¹, where Rockpool's is NaN.

    >>> import jax.numpy as jnp
    >>> params = {"tau": jnp.array([0.0, 1.0]), "w": jnp.ones(3)}
    >>> lower, upper = make_bounds(params)
    >>> lower["tau"], upper["w"] = 0.5, 2.0
    >>> float(bounds_cost(params, lower, upper))
    1.6487212181091309
    """
    lower, upper = matched(params, lower_bounds=lower_bounds, upper_bounds=upper_bounds)
    return _bounds()(params=params, lower=lower, upper=upper)


def bounds_clip(params: Any, lower_bounds: Any, upper_bounds: Any) -> Any:
    """Return the parameters with every element moved to the nearest value inside its bounds.

    Bounds are held to what `bounds_cost` says, for its reasons. Leaves keep their dtype, so that an
    optimizer's state still fits; Rockpool turns integers with a fractional bound into floats.

    >>> import jax.numpy as jnp
    >>> bounds_clip({"tau": jnp.array([-1.0, 0.5])}, {"tau": 0.0}, {"tau": 2.0})
    {'tau': Array([0. , 0.5], dtype=float32)}
    """
    lower, upper = matched(params, lower_bounds=lower_bounds, upper_bounds=upper_bounds)
    return _bounds().project(params, lower=lower, upper=upper)


def _bounds() -> CompiledLoss:
    return compile('bounds(params, lower <= "**" <= upper)')


def l2sqr_norm(params: Any) -> Any:
    """Return the mean over the leaves of the mean square of each.

    Every leaf weighs the same, whatever its size; an empty one does not count. A NaN parameter
    makes it NaN, where Rockpool's `nanmean` hides it, and a tree without leaves costs nothing,
    where Rockpool's is NaN. Time constants are parameters too: pass the leaves that are meant.

    >>> import jax.numpy as jnp
    >>> float(l2sqr_norm({"w": jnp.array([1.0, 3.0]), "b": jnp.zeros(10)}))
    2.5
    """
    return compile("l2sqr(params)")(params=floating(params, "params"))


def l0_norm_approx(params: Any, sigma: float = 1e-4) -> Any:
    """Return the mean over the leaves of the mean of x⁴/(x⁴ + sigma): a share, no count.

    It is written so that x⁴ cannot overflow: Rockpool's quotient is then NaN, which `nanmean`
    drops, so that large parameters lower the penalty. NaN parameters show and a tree without
    leaves costs nothing, as for `l2sqr_norm`.

    >>> import jax.numpy as jnp
    >>> round(float(l0_norm_approx({"w": jnp.array([0.0, 1.0])})), 3)
    0.5
    """
    return compile("l0(params, sigma)")(params=floating(params, "params"), sigma=sigma)


def softmax(x: Any, temperature: float = 1.0) -> Any:
    """Return the exponentials of x/temperature, normalized over the *whole* array, as Rockpool's.

    A Python number that is not positive is LD503, where Rockpool's result is NaN or that of the
    least score. A temperature that is an array is not looked at.

    >>> import jax.numpy as jnp
    >>> softmax(jnp.zeros((2, 2)))
    Array([[0.25, 0.25],
           [0.25, 0.25]], dtype=float32)
    """
    return _normalized("softmax", x, temperature)


def logsoftmax(x: Any, temperature: float = 1.0) -> Any:
    """Return the logarithm of `softmax`, exact where that underflows; the temperature likewise.

    >>> import jax.numpy as jnp
    >>> logsoftmax(jnp.array([0.0, 1000.0]))
    Array([-1000.,     0.], dtype=float32)
    """
    return _normalized("log_softmax", x, temperature)


def _normalized(function: str, x: Any, temperature: Any) -> Any:
    hold_domain(function, "temperature", temperature)
    scores = as_float(as_array(x, "x"))
    return builtins()[function].kernel(scores, temperature, axis=tuple(range(scores.ndim)))


def summed_exp_boundary_loss(
    data: Any, lower_bound: float | None = None, upper_bound: float | None = None
) -> Any:
    """Return the sum of exp(distance) over the elements beyond a bound; `None` bounds nothing.

    Of `training.torch_loss`, for JAX arrays. A bound of 0 is a bound; Rockpool asks for its truth
    and leaves it out. The exponent stops, as for `bounds_cost`.

    >>> import jax.numpy as jnp
    >>> float(summed_exp_boundary_loss(jnp.array([-2.0, 0.5, 3.0]), lower_bound=0, upper_bound=3))
    7.389056205749512
    """
    bounds = {"lower": lower_bound, "upper": upper_bound}
    present = {name: bound for name, bound in bounds.items() if bound is not None}
    options = "".join(f", {name}={name}" for name in present)
    return compile(f"summed_exp_boundary(data{options})")(data=data, **present)


@dataclass(frozen=True)
class ParameterBoundaryRegularizer:
    """`summed_exp_boundary_loss` with its bounds given once.

    A call returns `(loss, {}, {})`, as every Rockpool module returns its output, state and
    record; `forward` returns the loss. It is no module of Torch: it has no parameters to train.

    >>> import jax.numpy as jnp
    >>> loss, _, _ = ParameterBoundaryRegularizer(lower_bound=0.0)(jnp.array([-1.0, 1.0]))
    >>> float(loss)
    2.7182817459106445
    """

    lower_bound: float | None = None
    upper_bound: float | None = None

    def __call__(self, input: Any) -> tuple[Any, dict[str, Any], dict[str, Any]]:
        return self.forward(input), {}, {}

    def forward(self, input: Any) -> Any:
        """Return the loss of an array."""
        return summed_exp_boundary_loss(input, self.lower_bound, self.upper_bound)
