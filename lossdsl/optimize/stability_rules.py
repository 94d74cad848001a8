"""What is computed otherwise than it is written: a row for each text that fails at extremes.

Both sides are texts of the language, matched by `core/pattern.py`. Calls of a row that take axes
or a mask have the same, which the calls in its replacement are given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from lossdsl.core.graph import Apply, Const, Graph, Node
from lossdsl.core.pattern import CARRIED, Match, Rest, bare
from lossdsl.frozen import dataclass
from lossdsl.syntax.options import AXIS, KEEPDIMS
from lossdsl.types.types import ArrayType

Guard = Callable[[Graph, Apply, Match], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """A text and what is computed in its place, where f32 loses the first, and why.

    `domain` says where the letters must be known to lie, as declarations of functions do, and
    `holds` what else must hold of what they stand for. Each rule has the value and the derivatives
    of its text wherever these are right.
    """

    written: str
    becomes: str
    at: str
    why: str
    domain: str = ""
    holds: Guard | None = None


def is_filled(graph: Graph, node: Apply, names: Match) -> bool:
    """Say whether what is reduced has elements: a mean of none is NaN."""
    type = graph.types[bare(cast("Node", names["x"]))]
    dims = type.dims if isinstance(type, ArrayType) else None
    return dims is None or not any(dim.known == 0 for dim in dims)


def is_of_each(graph: Graph, node: Apply, names: Match) -> bool:
    """Say whether each divisor is made of all elements that it divides, and of no others.

    Without the axes that were reduced, it divides what it is not made of.
    """
    beyond, given = cast("Rest", names[CARRIED])
    options = dict(given)
    if any(operand is not None and not isinstance(operand, Const) for operand in beyond):
        return False
    type = graph.types[bare(cast("Node", node.arguments[1]))]
    single = isinstance(type, ArrayType) and type.rank == 0
    return bool(options.get(KEEPDIMS)) or options.get(AXIS) is None or single


_ROUNDS_TO_0 = "the {} rounds to 0, whose logarithm is -inf"
_OVERFLOWS = "the exponential overflows"
_ROUNDS_TO_1 = "the sum rounds to 1, and nothing is left of `x`"

_CANCELS = "the difference cancels: all digits of the spread are lost"
_NO_LIMIT = "0 times -inf is NaN"
# The logarithm of the hyperbolic cosine. An `abs` would have no curvature at 0.
_DISTANCE = "where(x > 0, x, -x)"
_SHARE = f"log1p(0.5*expm1(-2*{_DISTANCE}))"

RULES: tuple[Rule, ...] = (
    Rule(
        "log(softmax(x))",
        "log_softmax(x)",
        "an entry 104 below the largest",
        _ROUNDS_TO_0.format("share"),
    ),
    Rule("log(sum(exp(x)))", "logsumexp(x)", "x above 88, or all of it below -104", _OVERFLOWS),
    Rule(
        "log(mean(exp(x)))",
        "logmeanexp(x)",
        "x above 88, or all of it below -104",
        _OVERFLOWS,
        holds=is_filled,
    ),
    Rule("log(exp(x))", "x", "x above 88, or below -104", _OVERFLOWS),
    Rule("log(sigmoid(x))", "log_sigmoid(x)", "x below -88", _ROUNDS_TO_0.format("sigmoid")),
    Rule(
        "log(1 - sigmoid(x))",
        "log_sigmoid(-x)",
        "x above 17",
        "the sigmoid rounds to 1, and the logarithm of what is left is -inf",
    ),
    Rule("log(1 + exp(x))", "softplus(x)", "x above 88", _OVERFLOWS),
    Rule(
        "log((exp(x) + exp(-x))/2)",
        f"{_DISTANCE} + {_SHARE}",
        "x above 88, or below -88",
        _OVERFLOWS,
    ),
    Rule(
        "log(0.5*(exp(x) + exp(-x)))",
        f"{_DISTANCE} + {_SHARE}",
        "x above 88, or below -88",
        _OVERFLOWS,
    ),
    Rule(
        "log(1 - square(tanh(x)))",
        f"-2*({_DISTANCE} + {_SHARE})",
        "x above 9, or below -9",
        "the square rounds to 1, and the logarithm of what is left is -inf",
    ),
    Rule(
        "log(prod(x))",
        "sum(log(x))",
        "a product below 1e-45, or above 3e38",
        "the product is out of range",
        domain="x in [0, inf]",
    ),
    Rule(
        "log(square(x))",
        "2*log(abs(x))",
        "x beyond 1e19, or within 1e-23 of 0",
        "the square is out of range",
    ),
    Rule(
        "log(abs(square(x)))",
        "2*log(abs(x))",
        "x beyond 1e19, or within 1e-23 of 0",
        "the square is out of range",
    ),
    Rule(
        "log(x**a)",
        "a*log(x)",
        "a power below 1e-45, or above 3e38",
        "the power is out of range",
        domain="x in [0, inf]; a in (0, inf)",
    ),
    Rule("log(1 + x)", "log1p(x)", "x within 1e-8 of 0", _ROUNDS_TO_1),
    Rule("log(1 - x)", "log1p(-x)", "x within 1e-8 of 0", _ROUNDS_TO_1),
    Rule(
        "exp(x) - 1",
        "expm1(x)",
        "x within 1e-8 of 0",
        "the exponential rounds to 1, and nothing is left of `x`",
    ),
    Rule(
        "exp(x) - a - 1",
        "expm1(x) - a",
        "x within 1e-8 of 0",
        "the exponential rounds to 1, and nothing is left of `x`",
    ),
    Rule(
        "a + exp(x) - 1",
        "a + expm1(x)",
        "x within 1e-8 of 0",
        "the exponential rounds to 1, and nothing is left of `x`",
    ),
    Rule(
        "1 - exp(x)",
        "-expm1(x)",
        "x within 1e-8 of 0",
        "the exponential rounds to 1, and nothing is left of `x`",
    ),
    Rule(
        "1/(1 + exp(-x))",
        "sigmoid(x)",
        "x below -88",
        "the exponential overflows, and the gradient is NaN",
    ),
    Rule(
        "1/(1 + exp(x))",
        "sigmoid(-x)",
        "x above 88",
        "the exponential overflows, and the gradient is NaN",
    ),
    Rule("exp(x)/(1 + exp(x))", "sigmoid(x)", "x above 88", _OVERFLOWS),
    Rule(
        "exp(x)/sum(exp(x))",
        "softmax(x)",
        "x above 88, or all of it below -104",
        _OVERFLOWS,
        holds=is_of_each,
    ),
    Rule(
        "a*exp(x)/sum(exp(x))",
        "a*softmax(x)",
        "x above 88, or all of it below -104",
        _OVERFLOWS,
        holds=is_of_each,
    ),
    Rule(
        "sqrt(sum(square(x)))",
        "norm(x)",
        "x all 0, or beyond 1e19",
        "the root has no derivative at 0, and the squares are out of range",
    ),
    Rule(
        "sqrt(mean(square(x)))",
        "rms(x)",
        "x all 0, or beyond 1e19",
        "the root has no derivative at 0, and the squares are out of range",
    ),
    Rule("sqrt(square(x))", "abs(x)", "x = 0, or beyond 1e19", "the root has no derivative at 0"),
    Rule("sqrt(var(x))", "std(x)", "x all alike", "the root has no derivative at 0"),
    Rule(
        "x/norm(x)",
        "safe_divide(x, norm(x))",
        "x all 0",
        "0/0 is NaN",
        holds=is_of_each,
    ),
    Rule(
        "a*x/norm(x)",
        "a*safe_divide(x, norm(x))",
        "x all 0",
        "0/0 is NaN",
        holds=is_of_each,
    ),
    Rule(
        "softmax(x)*log_softmax(x)",
        "weigh(softmax(x), log_softmax(x))",
        "an entry of -inf",
        _NO_LIMIT,
    ),
    Rule("x*log(x)", "xlogy(x, x)", "x = 0", _NO_LIMIT),
    Rule("-x*log(x)", "-xlogy(x, x)", "x = 0", _NO_LIMIT),
    Rule("-log(x)*x", "-xlogy(x, x)", "x = 0", _NO_LIMIT),
    Rule("a*x*log(x)", "a*xlogy(x, x)", "x = 0", _NO_LIMIT),
    Rule("a*log(x)*x", "a*xlogy(x, x)", "x = 0", _NO_LIMIT),
    Rule("x*log(x/y)", "xlogy(x, x/y)", "x = 0", _NO_LIMIT),
    Rule(
        "mean(square(x)) - square(mean(x))",
        "var(x)",
        "a mean of 1e4 times the spread",
        _CANCELS,
    ),
    Rule(
        "a + mean(square(x)) - square(mean(x))",
        "a + var(x)",
        "a mean of 1e4 times the spread",
        _CANCELS,
    ),
)
