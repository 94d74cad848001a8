"""Spikes for use inside models: the surrogates of the language's `spike` as Python functions.

Each function returns a callable of x, the membrane potential less its threshold: the value is 1
where x >= 0, at the threshold too, and 0 below; the derivative is the surrogate's.
`lossdsl functions spike` has the formulas.

>>> import jax
>>> fires = superspike(beta=10)
>>> fires
superspike(beta=10)
>>> float(fires(0.0)), float(jax.grad(fires)(0.1))
(1.0, 0.25)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, cast

import jax
import jax.numpy as jnp

from lossdsl.diagnostics.diagnostic import LossError, at
from lossdsl.library.declare import builtins
from lossdsl.library.suggest import did_you_mean
from lossdsl.lower.array_arguments import as_array
from lossdsl.syntax import ast

__all__ = [
    "Custom",
    "Surrogate",
    "arctan",
    "boxcar",
    "custom",
    "gaussian",
    "multi_gaussian",
    "named",
    "polynomial",
    "rectangular",
    "sigmoid",
    "single_exponential",
    "slayer_pdf",
    "straight_through",
    "superspike",
    "triangle",
]


@dataclass(frozen=True)
class Surrogate:
    """A step from 0 to 1 at 0 whose derivative is that of `name`, with `parameters`.

    With `smooth` the value is the surrogate's integral, so that it agrees with the derivative.
    Surrogates of equal numbers are equal and hash alike, so that one may be static under `jit`.
    """

    name: str
    parameters: tuple[tuple[str, Any], ...]
    options: tuple[tuple[str, str], ...] = ()
    smooth: bool = False

    def __call__(self, x: Any) -> jax.Array:
        """Return the spikes of an array, in its dtype; integers become floats."""
        x = _floating(x)
        values = [value for _, value in self.parameters]
        options = dict(self.options)
        kernel = builtins()["spike"].kernel
        return kernel(x, *values, surrogate=self.name, smooth=self.smooth, **options)

    def derivative(self, x: Any) -> jax.Array:
        """Return the surrogate itself, which is the derivative at each element.

        >>> rectangular(alpha=4).derivative([-3, 0, 1]).tolist()
        [0.0, 0.25, 0.25]
        """
        x = jnp.asarray(x, jnp.result_type(float, jnp.asarray(x)))
        return jax.jvp(self, (x,), (jnp.ones_like(x),))[1]

    def __repr__(self) -> str:
        arguments = [f"{name}={value!r}" for name, value in (*self.parameters, *self.options)]
        return f"{self.name}({', '.join([*arguments, *(['smooth=True'] if self.smooth else [])])})"


@dataclass(frozen=True)
class Custom:
    """A value and a derivative of your own; equal and hashed as its two functions are."""

    of: Callable[[Any], Any]
    forward: Callable[[Any], Any] | None = None

    def __call__(self, x: Any) -> jax.Array:
        """Return what `forward` makes of an array, in its dtype; integers become floats."""
        x = _floating(x)
        value = (x >= 0).astype(x.dtype) if self.forward is None else self._made("forward", x)
        kernel = builtins()["surrogate"].kernel
        return kernel(x, value, self._made("of", x)).astype(x.dtype)

    def derivative(self, x: Any) -> jax.Array:
        """Return the derivative at each element."""
        x = jnp.asarray(x, jnp.result_type(float, jnp.asarray(x)))
        return jax.jvp(self, (x,), (jnp.ones_like(x),))[1]

    def _made(self, name: str, x: Any) -> Any:
        array = jnp.asarray(
            as_array(getattr(self, name)(x), "derivative" if name == "of" else name)
        )
        if array.shape not in (x.shape, ()):
            what = "derivative" if name == "of" else name
            message = f"`{what}` makes {list(array.shape)} of {list(x.shape)}"
            raise LossError([at("LD201", message, None, help="a number for each element")])
        return array


def custom(derivative: Callable[[Any], Any], forward: Callable[[Any], Any] | None = None) -> Custom:
    """Return spikes, or what `forward` makes of x, with a derivative that is a function of x.

    A second derivative is that of `derivative`. LD213 for what is no function.

    >>> lines = custom(lambda x: jnp.exp(-abs(x)), forward=jnp.round)
    >>> float(lines(1.4)), float(jax.grad(lines)(0.0))
    (1.0, 1.0)
    """
    for name, function in (("derivative", derivative), ("forward", forward)):
        if not callable(function) and (function is not None or name == "derivative"):
            message = f"`{name}` is of type `{type(function).__name__}`; it is a function of x"
            raise LossError([at("LD213", message, None)])
    return Custom(derivative, forward)


def superspike(beta: Any = 10, *, smooth: bool = False) -> Surrogate:
    """Return spikes with the derivative (1 + beta*|x|)**-2.

    By default beta is 25 in spyx and in snntorch's `fast_sigmoid`, 1 in neurai.
    """
    return named("superspike", smooth=smooth, beta=beta)


def sigmoid(alpha: Any = 4, *, smooth: bool = False) -> Surrogate:
    """Return spikes with the derivative of sigmoid(alpha*x)."""
    return named("sigmoid", smooth=smooth, alpha=alpha)


def gaussian(alpha: Any = 1, *, smooth: bool = False) -> Surrogate:
    """Return spikes with the normal density of variance alpha as their derivative."""
    return named("gaussian", smooth=smooth, alpha=alpha)


def polynomial(alpha: Any = 1, *, smooth: bool = False) -> Surrogate:
    """Return spikes with the derivative max(0, sqrt(alpha)/2 - alpha/4*|x|)."""
    return named("polynomial", smooth=smooth, alpha=alpha)


def rectangular(alpha: Any = 1, *, smooth: bool = False) -> Surrogate:
    """Return spikes with the derivative 1/alpha where |x| < alpha/2, else 0."""
    return named("rectangular", smooth=smooth, alpha=alpha)


def arctan(alpha: Any = 2, *, smooth: bool = False) -> Surrogate:
    """Return spikes with the derivative alpha/2 / (1 + (pi/2*alpha*x)**2)."""
    return named("arctan", smooth=smooth, alpha=alpha)


def triangle(height: Any = 1, width: Any = 1, *, smooth: bool = False) -> Surrogate:
    """Return spikes with the derivative max(0, height*(1 - |x|/width))."""
    return named("triangle", smooth=smooth, height=height, width=width)


def boxcar(height: Any = 0.5, width: Any = 2, *, smooth: bool = False) -> Surrogate:
    """Return spikes with the derivative height where |x| < width/2, else 0."""
    return named("boxcar", smooth=smooth, height=height, width=width)


def straight_through(*, smooth: bool = False) -> Surrogate:
    """Return spikes with the derivative 1 everywhere."""
    return named("straight_through", smooth=smooth)


def multi_gaussian(
    lens: Any = 0.5, scale: Any = 6, height: Any = 0.15, *, smooth: bool = False
) -> Surrogate:
    """Return spikes with a normal density less two wide ones beside it as their derivative.

    That is (1 + height)*N(x; 0, lens) - height*N(x; ±lens, scale*lens), the deviation last.
    """
    return named("multi_gaussian", smooth=smooth, lens=lens, scale=scale, height=height)


def single_exponential(
    grad_width: Any = 0.5, grad_scale: Any = 1, threshold: Any = 1, *, smooth: bool = False
) -> Surrogate:
    """Return spikes with the derivative grad_scale/w*exp(-|x|/w), w = grad_width*threshold."""
    parameters = {"grad_width": grad_width, "grad_scale": grad_scale, "threshold": threshold}
    return named("single_exponential", smooth=smooth, **parameters)


def slayer_pdf(
    scale: Any = 1, tau: Any = 10, *, convention: str = "slayer", smooth: bool = False
) -> Surrogate:
    """Return spikes with the derivative scale/tau*exp(-|x|/tau).

    With `convention="alpha_beta"` it is scale*exp(-tau*|x|).
    """
    return named("slayer_pdf", smooth=smooth, scale=scale, tau=tau, convention=convention)


def named(name: str, *, smooth: bool = False, **parameters: Any) -> Surrogate:
    """Return the spikes with the surrogate of a name, as a configuration file gives it.

    An unknown name or convention is LD112, a parameter that the surrogate does not have LD102, a
    number outside of its domain LD503.

    >>> named("single_exponential", threshold=2)
    single_exponential(grad_width=0.5, grad_scale=1, threshold=2)
    """
    known = {surrogate: _parameters(signature) for signature, surrogate in _signatures()}
    if not isinstance(cast("Any", name), str) or name not in known:
        raise _no_choice("surrogate", name, tuple(known))
    if not isinstance(cast("Any", smooth), bool):
        message = f"`smooth` is True or False; this is {smooth!r}"
        raise LossError([at("LD112", message, None)])
    own = known[name]
    for parameter in parameters:
        if parameter not in own:
            help = (
                did_you_mean(parameter, own)
                or f"it takes {', '.join(f'`{taken}`' for taken in own)}"
            )
            raise LossError(
                [at("LD102", f"`{name}` has no parameter `{parameter}`", None, help=help)]
            )
    numbers: list[tuple[str, Any]] = []
    options: list[tuple[str, str]] = []
    for parameter, (choices, default) in own.items():
        value = parameters.get(parameter, default)
        if not choices:
            _hold(parameter, value)
            numbers.append((parameter, value))
        elif not (isinstance(value, str) and value in choices):
            raise _no_choice(parameter, value, choices)
        elif value != default:
            options.append((parameter, value))
    return Surrogate(name, tuple(numbers), tuple(options), smooth)


def _floating(x: Any) -> jax.Array:
    x = jnp.asarray(as_array(x, "x"))
    return x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(float)


def _signatures() -> list[tuple[ast.Signature, str]]:
    """Return each signature of `spike` with each surrogate that it is for."""
    return [
        (signature, option)
        for signature in builtins()["spike"].signatures
        for option in _choices(signature.parameters[1])
    ]


def _parameters(signature: ast.Signature) -> Mapping[str, tuple[tuple[str, ...], Any]]:
    """Return what a surrogate takes besides `smooth`, each with its choices and its default."""
    return {
        parameter.name: (_choices(parameter), parameter.default.value)
        for parameter in signature.parameters[2:]
        if parameter.name != "smooth" and isinstance(parameter.default, ast.Literal | ast.Text)
    }


def _choices(parameter: ast.Parameter) -> tuple[str, ...]:
    return parameter.type.options if isinstance(parameter.type, ast.ChoiceTypeExpr) else ()


def _no_choice(what: str, value: object, options: tuple[str, ...]) -> LossError:
    listed = " or ".join(f'"{option}"' for option in options)
    help = did_you_mean(value, options) if isinstance(value, str) else None
    return LossError([at("LD112", f"`{what}` is {listed}; this is {value!r}", None, help=help)])


def _hold(name: str, value: Any) -> None:
    """Refuse what is no number or array, and a Python number outside of the domain."""
    as_array(value, name)
    domain = builtins()["spike"].domains.get(name)
    if isinstance(value, Real) and domain is not None and float(value) not in domain:
        raise LossError([at("LD503", f"`{name}` lies in {domain}; this is {float(value):g}", None)])
