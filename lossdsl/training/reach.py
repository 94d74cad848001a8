"""What of the parameters reaches the results of a function, and as what: seen without running it.

The function is traced on shapes together with its derivative along each parameter, by JAX itself,
so that every rule of JAX and of the caller counts: what is stopped, rounded or compared has no
derivative, and what has a rule of its own the one of that rule. What depends on what is read off
the jaxpr.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal


@dataclass(frozen=True, slots=True)
class Reach:
    """The leaves of the parameters that a value depends on, each a bit.

    It is computed of what is `used`, a derivative of `trained` goes through it, and `stopped` went
    through a `stop_gradient`.
    """

    used: int = 0
    trained: int = 0
    stopped: int = 0

    def __or__(self, other: Reach) -> Reach:
        return Reach(
            self.used | other.used, self.trained | other.trained, self.stopped | other.stopped
        )


NOTHING = Reach()


@dataclass(frozen=True, slots=True)
class Traced:
    """A function of some leaves with its derivatives, and which of its results have one."""

    jaxpr: ClosedJaxpr
    leaves: int
    floating: tuple[bool, ...]


def traced(function: Callable[[Sequence[Any]], Sequence[Any]], leaves: Sequence[Any]) -> Traced:
    """Trace a function on shapes; raises whatever the function does."""
    floating: list[bool] = []

    def both(given: Sequence[Any], moved: Sequence[Any]) -> list[Any]:
        made, derivatives = jax.jvp(lambda *each: list(function(each)), given, moved)
        floating[:] = [derivative.dtype != jax.dtypes.float0 for derivative in derivatives]
        return [*made, *(d for d, kept in zip(derivatives, floating, strict=True) if kept)]

    jaxpr = jax.make_jaxpr(both)(tuple(leaves), tuple(leaves))
    return Traced(jaxpr, len(leaves), tuple(floating))


def reach(trace: Traced) -> list[Reach]:
    """Return what reaches each array that a function returns."""
    bits = [1 << place for place in range(trace.leaves)]
    given = [Reach(used=bit) for bit in bits] + [Reach(trained=bit) for bit in bits]
    facts = _run(trace.jaxpr, given)
    count = len(trace.floating)
    derivatives = iter(facts[count:])
    return [
        fact | next(derivatives) if floating else fact
        for fact, floating in zip(facts[:count], trace.floating, strict=True)
    ]


def _through(jaxpr: Jaxpr, consts: Sequence[Reach], given: Sequence[Reach]) -> list[Reach]:
    """Return what reaches the results of a jaxpr, of what reaches its arguments."""
    known: dict[Any, Reach] = {}
    known.update(zip(jaxpr.constvars, consts, strict=True))
    known.update(zip(jaxpr.invars, given, strict=True))

    def of(atoms: Iterable[Any]) -> list[Reach]:
        return [NOTHING if isinstance(a, Literal) else known.get(a, NOTHING) for a in atoms]

    for equation in jaxpr.eqns:
        results = _applied(equation, of(equation.invars))
        known.update(zip(equation.outvars, results, strict=True))
    return of(jaxpr.outvars)


def _applied(equation: Any, given: list[Reach]) -> list[Reach]:
    params = equation.params
    match equation.primitive.name:
        case "stop_gradient":
            return [Reach(fact.used, 0, fact.stopped | fact.used) for fact in given]
        case "scan":
            fixed = params["num_consts"]
            carried = fixed + params["num_carry"]
            body = partial(_run, params["jaxpr"])
            return _repeated(body, given[:fixed], given[fixed:carried], given[carried:])
        case "while":
            conditions, fixed = params["cond_nconsts"], params["body_nconsts"]
            rest = given[conditions:]
            body = partial(_run, params["body_jaxpr"])
            return _repeated(body, rest[:fixed], rest[fixed:], [])
        case "cond":
            chosen, *rest = given
            branches = [_run(branch, rest) for branch in params["branches"]]
            by = Reach(chosen.used, 0, chosen.stopped)
            return [_joined((by, *facts)) for facts in zip(*branches, strict=True)]
        case _:
            match [value for value in params.values() if isinstance(value, Jaxpr | ClosedJaxpr)]:
                case [inner] if _takes(inner) == len(given):
                    return _run(inner, given)
                case _:
                    return [_joined(given)] * len(equation.outvars)


def _takes(jaxpr: Jaxpr | ClosedJaxpr) -> int:
    return len(jaxpr.in_avals if isinstance(jaxpr, ClosedJaxpr) else jaxpr.invars)


def _run(jaxpr: Jaxpr | ClosedJaxpr, given: Sequence[Reach]) -> list[Reach]:
    """Return what reaches the results of a jaxpr inside of another."""
    inner: Jaxpr = jaxpr.jaxpr if isinstance(jaxpr, ClosedJaxpr) else jaxpr
    return _through(inner, [NOTHING] * len(inner.constvars), given)


def _repeated(
    body: Callable[[Sequence[Reach]], list[Reach]],
    fixed: Sequence[Reach],
    carry: Sequence[Reach],
    each: Sequence[Reach],
) -> list[Reach]:
    """Return what reaches the results of a loop, whose carry reaches itself."""
    while True:
        results = body([*fixed, *carry, *each])
        after = [a | b for a, b in zip(carry, results[: len(carry)], strict=True)]
        if after == list(carry):
            return [*after, *results[len(carry) :]]
        carry = after


def _joined(facts: Iterable[Reach]) -> Reach:
    return reduce(Reach.__or__, facts, NOTHING)
