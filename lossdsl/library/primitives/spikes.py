"""Spikes of neurons, with a surrogate for the derivative that a step does not have."""

from __future__ import annotations

import math
from typing import Any

from lossdsl.library.declare import Kernel, primitive


@primitive(
    'spike(x: float, surrogate: "superspike" = "superspike", beta: float = 10,'
    " smooth: static bool = false) -> spikes float",
    'spike(x: float, surrogate: "sigmoid", alpha: float = 4,'
    " smooth: static bool = false) -> spikes float",
    'spike(x: float, surrogate: "gaussian" | "polynomial" | "rectangular", alpha: float = 1,'
    " smooth: static bool = false) -> spikes float",
    'spike(x: float, surrogate: "multi_gaussian", lens: float = 0.5, scale: float = 6,'
    " height: float = 0.15, smooth: static bool = false) -> spikes float",
    'spike(x: float, surrogate: "single_exponential", grad_width: float = 0.5,'
    " grad_scale: float = 1, threshold: float = 1, smooth: static bool = false) -> spikes float",
    'spike(x: float, surrogate: "slayer_pdf", scale: float = 1, tau: float = 10,'
    ' convention: "slayer" | "alpha_beta" = "slayer", smooth: static bool = false)'
    " -> spikes float",
    elementwise=True,
    laws=("unit", "monotone"),
    domain=(
        "beta in [0, inf); alpha in (0, inf); lens in (0, inf); scale in (0, inf);"
        " grad_width in (0, inf); grad_scale in (0, inf); threshold in (0, inf); tau in (0, inf)"
    ),
)
def spike() -> Kernel:
    """1 where x >= 0 and 0 below, with the derivative of the `surrogate` instead of the step's.

    The threshold is subtracted before: `spike(v - 1)` fires where v reaches 1, at 1 too. The
    parameters of a surrogate shape the gradient of x and, without `smooth`, get none of their own.

    formula: where(x >= 0, 1, 0)
    note: `smooth=true` gives the integral of the surrogate in place of the step, so that value
    and gradient agree; it is 0 far below the threshold, but superspike's is 0 at x = 0; it need
    not end at 1, nor rise everywhere, and the laws that are stated here are those of the step
    note: superspike: (1 + beta*|x|)**-2, the derivative of x/(1 + beta*|x|)
    note: sigmoid: that of sigmoid(alpha*x)
    note: gaussian: the normal density of variance alpha
    note: polynomial: sqrt(alpha)/2 - alpha/4*|x|, 0 where that is negative
    note: rectangular: 1/alpha where |x| < alpha/2, else 0
    note: multi_gaussian: (1 + height)*N(x; 0, lens) - height*N(x; lens, scale*lens)
    - height*N(x; -lens, scale*lens), where N(x; m, s) is the normal density of mean m, deviation s
    note: single_exponential: grad_scale/w*exp(-|x|/w) with w = grad_width*threshold
    note: slayer_pdf: scale/tau*exp(-|x|/tau); with `convention="alpha_beta"` scale*exp(-tau*|x|)
    cite: Neftci, Mostafa & Zenke 2019, doi:10.1109/MSP.2019.2931595
    cite: superspike: Zenke & Ganguli 2018, doi:10.1162/neco_a_01086
    cite: sigmoid, gaussian, polynomial, rectangular: Wu et al. 2018, doi:10.3389/fnins.2018.00331
    cite: multi_gaussian: Yin, Corradi & Bohté 2021, doi:10.1038/s42256-021-00397-w
    cite: single_exponential, slayer_pdf: Shrestha & Orchard 2018, arXiv:1810.08646
    aka: heaviside superspike
    example: mean(spike(x - 1, surrogate="superspike", beta=10))
    """
    import jax
    import jax.numpy as jnp

    def size(x: Any) -> Any:
        # Unlike that of `abs`, the derivative at 0 is 0.
        return x * jnp.sign(x)

    def superspike(x: Any, beta: Any) -> Any:
        return jnp.square(1 / (1 + beta * size(x)))

    def superspike_integral(x: Any, beta: Any) -> Any:
        # Far out beta*|x| may overflow, which 1/x does not, and the limit is that of 1/beta.
        far = size(x) > 1
        inner, outer = jnp.where(far, 0, x), jnp.where(far, x, 1)
        within = inner / (1 + beta * size(inner))
        return jnp.where(far, 1 / (1 / outer + beta * jnp.sign(outer)), within)

    def sigmoid(x: Any, alpha: Any) -> Any:
        return alpha * jax.nn.sigmoid(alpha * x) * jax.nn.sigmoid(-alpha * x)

    def sigmoid_integral(x: Any, alpha: Any) -> Any:
        return jax.nn.sigmoid(alpha * x)

    def normal(x: Any, deviation: Any) -> Any:
        return jnp.exp(-jnp.square(x / deviation) / 2) / (deviation * math.sqrt(2 * math.pi))

    def normal_integral(x: Any, deviation: Any) -> Any:
        return jax.scipy.special.erfc(-x / (deviation * math.sqrt(2))) / 2

    def gaussian(x: Any, alpha: Any) -> Any:
        return normal(x, jnp.sqrt(alpha))

    def gaussian_integral(x: Any, alpha: Any) -> Any:
        return normal_integral(x, jnp.sqrt(alpha))

    def polynomial(x: Any, alpha: Any) -> Any:
        height = jnp.sqrt(alpha) / 2 - alpha / 4 * size(x)
        return jnp.where(height > 0, height, 0)

    def polynomial_integral(x: Any, alpha: Any) -> Any:
        left = 1 - jnp.sqrt(alpha) / 2 * size(x)
        tail = jnp.square(jnp.where(left > 0, left, 0)) / 2
        return jnp.where(x < 0, tail, 1 - tail)

    def rectangular(x: Any, alpha: Any) -> Any:
        return jnp.where(size(x) < alpha / 2, 1 / alpha, 0)

    def rectangular_integral(x: Any, alpha: Any) -> Any:
        return jnp.clip(x / alpha + 0.5, 0, 1)

    def mixture(of: Any) -> Any:
        def mixed(x: Any, lens: Any, scale: Any, height: Any) -> Any:
            sides = of(x - lens, scale * lens) + of(x + lens, scale * lens)
            return (1 + height) * of(x, lens) - height * sides

        return mixed

    def exponential(x: Any, scale: Any, width: Any) -> Any:
        return scale / width * jnp.exp(-size(x) / width)

    def exponential_integral(x: Any, scale: Any, width: Any) -> Any:
        tail = scale * jnp.exp(-size(x) / width)
        return jnp.where(x < 0, tail, 2 * scale - tail)

    def of_threshold(of: Any) -> Any:
        return lambda x, width, scale, threshold: of(x, scale, width * threshold)

    def of_rate(of: Any) -> Any:
        return lambda x, scale, rate: of(x, scale / rate, 1 / rate)

    # The derivative of each surrogate, and what it is the derivative of.
    laws: dict[str, tuple[Any, Any]] = {
        "superspike": (superspike, superspike_integral),
        "sigmoid": (sigmoid, sigmoid_integral),
        "gaussian": (gaussian, gaussian_integral),
        "polynomial": (polynomial, polynomial_integral),
        "rectangular": (rectangular, rectangular_integral),
        "multi_gaussian": (mixture(normal), mixture(normal_integral)),
        "single_exponential": (of_threshold(exponential), of_threshold(exponential_integral)),
        "slayer_pdf": (exponential, exponential_integral),
        "alpha_beta": (of_rate(exponential), of_rate(exponential_integral)),
    }

    def stepping(derivative: Any) -> Any:
        @jax.custom_jvp
        def step(x: Any, *_: Any) -> Any:
            # Unlike `heaviside`, of which not every version of JAX does, it keeps NaN.
            return jnp.where(jnp.isnan(x), x, (x >= 0).astype(x.dtype))

        @step.defjvp
        def _(primals: Any, tangents: Any) -> Any:
            return step(*primals), derivative(*primals) * tangents[0]

        return step

    def rising(derivative: Any, integral: Any) -> Any:
        @jax.custom_jvp
        def rise(x: Any, *given: Any) -> Any:
            return integral(x, *given)

        @rise.defjvp
        def _(primals: Any, tangents: Any) -> Any:
            x, *given = primals
            value, more = jax.jvp(lambda *at: integral(x, *at), tuple(given), tuple(tangents[1:]))
            return value, derivative(*primals) * tangents[0] + more

        return rise

    steps = {name: stepping(derivative) for name, (derivative, _) in laws.items()}
    rises = {name: rising(*law) for name, law in laws.items()}

    def kernel(
        x: Any, *given: Any, surrogate: str, smooth: bool = False, convention: str = "slayer"
    ) -> Any:
        law = convention if convention == "alpha_beta" else surrogate
        x = jnp.asarray(x)
        x = jnp.broadcast_to(x, jnp.broadcast_shapes(x.shape, *map(jnp.shape, given)))
        given = tuple(jnp.asarray(one, x.dtype) for one in given)
        return (rises if smooth else steps)[law](x, *given)

    return kernel
