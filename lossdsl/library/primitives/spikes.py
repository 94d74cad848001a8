"""Spikes of neurons, with a surrogate for the derivative that a step does not have."""

from __future__ import annotations

import math
from typing import Any

from lossdsl.library.declare import Kernel, primitive
from lossdsl.library.promotion import own_rules


@primitive(
    'spike(x: float, surrogate: "superspike" = "superspike", beta: float = 10,'
    " smooth: static bool = false) -> spikes float",
    'spike(x: float, surrogate: "sigmoid", alpha: float = 4,'
    " smooth: static bool = false) -> spikes float",
    'spike(x: float, surrogate: "gaussian" | "polynomial" | "rectangular", alpha: float = 1,'
    " smooth: static bool = false) -> spikes float",
    'spike(x: float, surrogate: "arctan", alpha: float = 2,'
    " smooth: static bool = false) -> spikes float",
    'spike(x: float, surrogate: "triangle", height: float = 1, width: float = 1,'
    " smooth: static bool = false) -> spikes float",
    'spike(x: float, surrogate: "boxcar", height: float = 0.5, width: float = 2,'
    " smooth: static bool = false) -> spikes float",
    'spike(x: float, surrogate: "straight_through", smooth: static bool = false) -> spikes float',
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
        " height in [0, inf); width in (0, inf); grad_width in (0, inf);"
        " grad_scale in (0, inf); threshold in (0, inf); tau in (0, inf)"
    ),
)
def spike() -> Kernel:
    """1 where x >= 0 and 0 below, with the derivative of the `surrogate` instead of the step's.

    The threshold is subtracted before: `spike(v - 1)` fires where v reaches 1, at 1 too, as in
    sinabs, Rockpool, spikingjelly and brainstate; spyx, snntorch and norse fire above it only. The
    parameters of a surrogate shape the gradient of x and, without `smooth`, get none of their own.
    One of your own is `surrogate(x, forward, derivative)`.

    formula: where(x >= 0, 1, 0)
    note: `smooth=true` gives the integral of the surrogate in place of the step, so that value
    and gradient agree; it is 0 far below the threshold, but superspike's is 0 at x = 0; it need
    not end at 1, nor rise everywhere, and the laws that are stated here are those of the step
    note: superspike: (1 + beta*|x|)**-2, the derivative of x/(1 + beta*|x|); its slope is 25 by
    default in spyx and as snntorch's `fast_sigmoid`, 1 in neurai, 100 in norse
    note: sigmoid: that of sigmoid(alpha*x)
    note: gaussian: the normal density of variance alpha
    note: polynomial: sqrt(alpha)/2 - alpha/4*|x|, 0 where that is negative
    note: rectangular: 1/alpha where |x| < alpha/2, else 0
    note: arctan: alpha/2 / (1 + (pi/2*alpha*x)**2), that of arctan(pi/2*alpha*x)/pi, as snntorch
    and spikingjelly have it; spyx's `arctan(k)` is that of alpha = 2*k over k*pi
    note: triangle: height*(1 - |x|/width), 0 where that is negative; norse has height 0.3, spyx
    width 1/2
    note: boxcar: height where |x| < width/2, else 0; `rectangular` without its area of 1
    note: straight_through: 1 everywhere, the derivative of x
    note: multi_gaussian: (1 + height)*N(x; 0, lens) - height*N(x; lens, scale*lens)
    - height*N(x; -lens, scale*lens), where N(x; m, s) is the normal density of mean m, deviation s
    note: single_exponential: grad_scale/w*exp(-|x|/w) with w = grad_width*threshold
    note: slayer_pdf: scale/tau*exp(-|x|/tau); with `convention="alpha_beta"` scale*exp(-tau*|x|)
    cite: Neftci, Mostafa & Zenke 2019, doi:10.1109/MSP.2019.2931595
    cite: superspike: Zenke & Ganguli 2018, doi:10.1162/neco_a_01086
    cite: sigmoid, gaussian, polynomial, rectangular: Wu et al. 2018, doi:10.3389/fnins.2018.00331
    cite: arctan: Fang et al. 2021, doi:10.1109/ICCV48922.2021.00266
    cite: triangle: Esser et al. 2016, doi:10.1073/pnas.1604850113
    cite: straight_through: Bengio, Léonard & Courville 2013, arXiv:1308.3432
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
        return jnp.where(height <= 0, 0, height)

    def polynomial_integral(x: Any, alpha: Any) -> Any:
        left = 1 - jnp.sqrt(alpha) / 2 * size(x)
        tail = jnp.square(jnp.where(left <= 0, 0, left)) / 2
        return jnp.where(x < 0, tail, 1 - tail)

    def rectangular(x: Any, alpha: Any) -> Any:
        within = jnp.where(size(x) < alpha / 2, 1 / alpha, 0)
        return jnp.where(jnp.isnan(x), x, within)

    def rectangular_integral(x: Any, alpha: Any) -> Any:
        return jnp.clip(x / alpha + 0.5, 0, 1)

    def arctan(x: Any, alpha: Any) -> Any:
        return alpha / 2 / (1 + jnp.square(math.pi / 2 * alpha * x))

    def arctan_integral(x: Any, alpha: Any) -> Any:
        return jnp.arctan(math.pi / 2 * alpha * x) / math.pi + 0.5

    def triangle(x: Any, height: Any, width: Any) -> Any:
        left = 1 - size(x) / width
        return height * jnp.where(left > 0, left, 0)

    def triangle_integral(x: Any, height: Any, width: Any) -> Any:
        left = 1 - size(x) / width
        tail = height * width * jnp.square(jnp.where(left > 0, left, 0)) / 2
        return jnp.where(x < 0, tail, height * width - tail)

    def boxcar(x: Any, height: Any, width: Any) -> Any:
        return jnp.where(size(x) < width / 2, height, 0)

    def boxcar_integral(x: Any, height: Any, width: Any) -> Any:
        return height * (jnp.clip(x, -width / 2, width / 2) + width / 2)

    def ones(x: Any) -> Any:
        return jnp.ones_like(x)

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
        "arctan": (arctan, arctan_integral),
        "triangle": (triangle, triangle_integral),
        "boxcar": (boxcar, boxcar_integral),
        "straight_through": (ones, lambda x: x),
        "multi_gaussian": (mixture(normal), mixture(normal_integral)),
        "single_exponential": (of_threshold(exponential), of_threshold(exponential_integral)),
        "slayer_pdf": (exponential, exponential_integral),
        "alpha_beta": (of_rate(exponential), of_rate(exponential_integral)),
    }

    def everywhere(derivative: Any) -> Any:
        """Return a derivative at infinities too, and NaN at NaN; of any order."""

        def slope(x: Any, *parameters: Any) -> Any:
            # At an infinity products such as x*exp(-x) are NaN; far out they are at their limit.
            infinite, dtype = jnp.isinf(x), jnp.promote_types(x.dtype, jnp.float32)
            wide = (parameter.astype(dtype) for parameter in parameters)
            limit = derivative(jnp.asarray(jnp.finfo(dtype).max, dtype), *wide).astype(x.dtype)
            value = derivative(jnp.where(infinite, 0, x), *parameters)
            value = jnp.where(infinite, jax.lax.stop_gradient(limit), value)
            return jnp.where(jnp.isnan(x), x, value)

        return slope

    def stepping(derivative: Any) -> Any:
        @jax.custom_jvp
        def step(x: Any, *_: Any) -> Any:
            # Unlike `heaviside`, of which not every version of JAX does, it keeps NaN.
            return jnp.where(jnp.isnan(x), x, (x >= 0).astype(x.dtype))

        @step.defjvp
        @own_rules()
        def _(primals: Any, tangents: Any) -> Any:
            return step(*primals), derivative(*primals) * tangents[0]

        return step

    def rising(derivative: Any, integral: Any) -> Any:
        @jax.custom_jvp
        def rise(x: Any, *parameters: Any) -> Any:
            return jnp.where(jnp.isnan(x), x, integral(x, *parameters))

        @rise.defjvp
        @own_rules()
        def _(primals: Any, tangents: Any) -> Any:
            x, *rest = primals
            most = jnp.finfo(x.dtype).max
            near = jnp.clip(x, -most, most)
            more = jax.jvp(lambda *at: integral(near, *at), tuple(rest), tuple(tangents[1:]))[1]
            return rise(*primals), derivative(*primals) * tangents[0] + more

        return rise

    steps = {name: stepping(everywhere(slope)) for name, (slope, _) in laws.items()}
    rises = {name: rising(everywhere(slope), value) for name, (slope, value) in laws.items()}

    def kernel(
        x: Any, *parameters: Any, surrogate: str, smooth: bool = False, convention: str = "slayer"
    ) -> Any:
        law = convention if convention == "alpha_beta" else surrogate
        x = jnp.asarray(x)
        x = jnp.broadcast_to(x, jnp.broadcast_shapes(x.shape, *map(jnp.shape, parameters)))
        parameters = tuple(jnp.asarray(parameter, x.dtype) for parameter in parameters)
        return (rises if smooth else steps)[law](x, *parameters)

    return kernel


@primitive("surrogate(x: float, forward: float, derivative: float) -> float", elementwise=True)
def surrogate() -> Kernel:
    """A value with a derivative by x of your own: `forward`, and `derivative` times that of x.

    What `forward` and `derivative` are computed from gets no gradient of the value through them;
    a second derivative is that of `derivative`. With 1 as the derivative it is the
    straight-through estimator of any `forward`, such as `round(x)`.

    formula: forward
    cite: Bengio, Léonard & Courville 2013, arXiv:1308.3432
    example: mean(surrogate(x, where(x > 0, 1, 0), 1/(1 + abs(x))**2))
    """
    import jax
    import jax.numpy as jnp

    @jax.custom_jvp
    def replaced(x: Any, forward: Any, derivative: Any) -> Any:
        return forward

    @replaced.defjvp
    @own_rules()
    def _(primals: Any, tangents: Any) -> Any:
        return replaced(*primals), primals[2] * tangents[0]

    def kernel(x: Any, forward: Any, derivative: Any) -> Any:
        dtype = jnp.result_type(x, forward, derivative)
        arrays = (jnp.asarray(array, dtype) for array in (x, forward, derivative))
        return replaced(*jnp.broadcast_arrays(*arrays))

    return kernel
