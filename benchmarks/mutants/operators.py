"""The mistakes that are made in right specs, each with what it does to one node of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mutants import rewrites as to
from mutants.rewrites import Rewrite, Site
from mutants.rules import rewritten


@dataclass(frozen=True)
class Operator:
    """A mistake: rules in the language, or functions from a node to what stands there instead."""

    name: str
    rows: tuple[str | Rewrite, ...]

    def texts(self, node: Any, site: Site) -> Iterator[str]:
        """Yield the texts that may stand in place of a node."""
        for row in self.rows:
            yield from rewritten(row, node) if isinstance(row, str) else row(node, site)


def _operator(name: str, *rows: str | Rewrite) -> Operator:
    return Operator(name, rows)


_BY_HAND = (
    "log_softmax(x, etc=etc) -> log(softmax(x, etc=etc))",
    "log_sigmoid(x) -> log(sigmoid(x))",
    "softplus(x) -> log(1 + exp(x))",
    "logsumexp(x, etc=etc) -> log(sum(exp(x), etc=etc))",
    "logmeanexp(x, etc=etc) -> log(mean(exp(x), etc=etc))",
    "softmax(x, axis=a) -> exp(x)/sum(exp(x), axis=a, keepdims=true)",
    "normalize(x) -> x/norm(x, axis=-1, keepdims=true)",
    "normalize(x, axis=a) -> x/norm(x, axis=a, keepdims=true)",
    "xlogy(x, y) -> x*log(y)",
    "entr(p) -> -p*log(p)",
    "var(x, axis=a) -> mean(square(x), axis=a) - square(mean(x, axis=a))",
    "var(x) -> mean(square(x)) - square(mean(x))",
    "std(x, axis=a) -> sqrt(mean(square(x - mean(x, axis=a, keepdims=true)), axis=a))",
    "std(x) -> sqrt(mean(square(x - mean(x))))",
    "mean(x, where=m) -> sum(where(m, x, 0))/sum(m)",
    "mean(x, where=m) -> sum(x*m)/sum(m)",
    "norm(x, axis=a) -> sqrt(sum(square(x), axis=a))",
    "expm1(x) -> exp(x) - 1",
    "log1p(x) -> log(1 + x)",
)

_COSINE = "sum(x*y, axis=-1)/(norm(x, axis=-1)*norm(y, axis=-1))"
_LOSS_BY_HAND = (
    "cross_entropy(x, y) -> -mean(log(pick(softmax(x), y)))",
    "cross_entropy(x, y) -> mean(log(sum(exp(x), axis=-1)) - pick(x, y))",
    "binary_cross_entropy(x, y) -> -mean(y*log(sigmoid(x)) + (1 - y)*log(1 - sigmoid(x)))",
    "binary_cross_entropy(x, y) -> mean(log(1 + exp(x)) - x*y)",
    "kl(p, q) -> mean(sum(p*log(p/q), axis=-1))",
    "kl_log(p, q) -> mean(sum(exp(q)*(q - p), axis=-1))",
    "entropy(p) -> -mean(sum(p*log(p), axis=-1))",
    f"cosine_similarity(x, y) -> {_COSINE}",
    f"cosine_distance(x, y) -> mean(1 - {_COSINE})",
    "mape(x, y) -> mean(abs((x - y)/y))",
    "log_cosh(x, y) -> mean(log((exp(x - y) + exp(y - x))/2))",
    "brier(x, y) -> mean(sum(square(x - y), axis=-1))",
    "hinge(x, y) -> mean(maximum(0, 1 - x*y))",
    "binary_dice(x, y) -> mean(1 - 2*sum(x*y, axis=-1)/(sum(x, axis=-1) + sum(y, axis=-1)))",
    "dice(x, y) -> 1 - 2*sum(x*y)/(sum(x) + sum(y))",
    "perplexity(x, y) -> exp(-mean(log(pick(softmax(x), y))))",
)

OPERATORS = (
    _operator("axis changed", to.axis_changed),
    _operator("axis dropped", "R(x, axis=a, etc=etc) -> R(x, etc=etc)"),
    _operator(
        "distribution over the batch",
        to.along_batch,
        "softmax(x, axis=a, etc=etc) -> softmax(x, axis=0, etc=etc)",
        "log_softmax(x, axis=a, etc=etc) -> log_softmax(x, axis=0, etc=etc)",
        "normalize(x, axis=a, etc=etc) -> normalize(x, axis=0, etc=etc)",
    ),
    _operator("sum for mean", "mean(x, etc=etc) -> sum(x, etc=etc)"),
    _operator("mean for sum", "sum(x, etc=etc) -> mean(x, etc=etc)"),
    _operator(
        "other reduction",
        "mean(x, etc=etc) -> max(x, etc=etc)",
        "max(x, etc=etc) -> mean(x, etc=etc)",
        "logsumexp(x, etc=etc) -> sum(x, etc=etc)",
    ),
    _operator(
        "reduce option",
        to.dropped("reduce"),
        'L(x, y) -> L(x, y, reduce="sum")',
        'L(x, y, reduce="none") -> L(x, y, reduce="sum")',
    ),
    _operator("keepdims dropped", to.dropped("keepdims")),
    _operator("mask dropped", to.dropped("where"), "where(m, x, 0) -> x", "where(m, 0, x) -> x"),
    _operator(
        "mask inverted",
        "f(x, where=m, etc=etc) -> f(x, where=not m, etc=etc)",
        "f(x, y, where=m, etc=etc) -> f(x, y, where=not m, etc=etc)",
        "where(m, x, y) -> where(m, y, x)",
        "x if m else y -> y if m else x",
    ),
    _operator(
        "mask multiplied in",
        "f(x, where=m, etc=etc) -> f(x*m, etc=etc)",
        "f(x, y, where=m, etc=etc) -> f(x*m, y*m, etc=etc)",
        "f(x, where=m, etc=etc) -> f(where(m, x, 0), etc=etc)",
        "f(x, y, where=m, etc=etc) -> f(where(m, x, 0), where(m, y, 0), etc=etc)",
    ),
    _operator(
        "softmax forgotten",
        "softmax(x, etc=etc) -> x",
        "log_softmax(x, etc=etc) -> x",
        "sigmoid(x) -> x",
        "log_sigmoid(x) -> x",
    ),
    _operator(
        "softmax doubled",
        to.doubled("logits", "softmax"),
        to.doubled("logits", "sigmoid"),
        to.doubled("logits", "log_softmax"),
        to.doubled("probs", "softmax"),
        "softmax(x, etc=etc) -> softmax(softmax(x, etc=etc), etc=etc)",
        "sigmoid(x) -> sigmoid(sigmoid(x))",
        "log_sigmoid(x) -> log_sigmoid(sigmoid(x))",
    ),
    _operator(
        "logarithm for probability",
        "softmax(x, etc=etc) -> log_softmax(x, etc=etc)",
        "sigmoid(x) -> log_sigmoid(x)",
    ),
    _operator(
        "probability for logarithm",
        "log_softmax(x, etc=etc) -> softmax(x, etc=etc)",
        "log_sigmoid(x) -> sigmoid(x)",
    ),
    _operator(
        "other squashing",
        "sigmoid(x) -> tanh(x)",
        "tanh(x) -> sigmoid(x)",
        "softmax(x, etc=etc) -> sigmoid(x)",
        "log_softmax(x, etc=etc) -> log_sigmoid(x)",
    ),
    _operator("minus lost", to.minus_lost),
    _operator("minus added", to.negated),
    _operator("sign of an addend", to.sign_flipped),
    _operator("stop_gradient lost", "stop_gradient(x) -> x", "sg(x) -> x"),
    _operator(
        "stop_gradient on the other",
        "L(x, stop_gradient(y), etc=etc) -> L(stop_gradient(x), y, etc=etc)",
        "L(x, sg(y), etc=etc) -> L(sg(x), y, etc=etc)",
        "L(x, y, etc=etc) -> L(sg(x), y, etc=etc)",
    ),
    _operator(
        "arguments exchanged",
        "f(x, y, etc=etc) -> f(y, x, etc=etc)",
        "f(x, y, z, etc=etc) -> f(y, x, z, etc=etc)",
        "f(x, y, z, etc=etc) -> f(x, z, y, etc=etc)",
    ),
    _operator("abs for square", "square(x) -> abs(x)", "abs(x) -> square(x)", "x**2 -> abs(x)"),
    _operator(
        "square dropped",
        "square(x) -> x",
        "x**2 -> x",
        "abs(x) -> x",
        "relu(x) -> x",
        "maximum(0, x) -> x",
        "maximum(x, 0) -> x",
        "clip(x, a, b) -> x",
    ),
    _operator(
        "log dropped",
        "log(x) -> x",
        "log1p(x) -> x",
        "logsumexp(x, etc=etc) -> sum(exp(x), etc=etc)",
    ),
    _operator(
        "log doubled",
        "log(x) -> log(log(x))",
        "log_softmax(x, etc=etc) -> log(log_softmax(x, etc=etc))",
        "log_sigmoid(x) -> log(log_sigmoid(x))",
    ),
    _operator(
        "exp or root dropped",
        "exp(x) -> x",
        "sqrt(x) -> x",
        "norm(x, etc=etc) -> sum(square(x), etc=etc)",
    ),
    _operator("normalize dropped", "normalize(x, etc=etc) -> x", "x/norm(x, etc=etc) -> x"),
    _operator("one_hot dropped", "one_hot(y, k) -> y"),
    _operator("complement dropped", "1 - x -> x", "1.0 - x -> x"),
    _operator(
        "epsilon",
        to.guard_dropped,
        to.dropped("eps", "smooth"),
        "maximum(x, e) -> x",
        "clip(x, e, b) -> x",
        "sqrt(x + e) -> sqrt(x) + e",
        "log(x + e) -> log(x) + e",
        "a/(x + e) -> a/x + e",
    ),
    _operator(
        "limits exchanged",
        "clip(x, a, b) -> clip(x, b, a)",
        "maximum(x, y) -> minimum(x, y)",
        "minimum(x, y) -> maximum(x, y)",
        "max(x, etc=etc) -> min(x, etc=etc)",
        "min(x, etc=etc) -> max(x, etc=etc)",
    ),
    _operator("weight moved", to.weight_moved),
    _operator("weight squared or added", to.weight_squared, to.weight_added),
    _operator(
        "weight dropped", to.factor_dropped(to.is_weight), to.dropped("weight", "class_weight")
    ),
    _operator("factor dropped", to.factor_dropped(to.is_number), to.factor_dropped(to.is_divisor)),
    _operator("divided otherwise", to.divisor_exchanged, to.operator_exchanged),
    _operator(
        "exponent changed",
        "x**2 -> x**3",
        "x**0.5 -> x**-0.5",
        "x**g -> x**-(g)",
        "square(x) -> x**3",
    ),
    _operator("comparison flipped", to.compared),
    _operator(
        "number off by 1e6",
        to.option_changed(lambda x: 1e6 * x),
        to.literal(lambda x: 1e6 * x if 0 < x < 0.1 else None),
    ),
    _operator("option negated", to.option_changed(lambda x: -x)),
    _operator(
        "option off by 1",
        to.option_changed(lambda x: 1 + x),
        "cross_entropy(x, y) -> cross_entropy(x, y, smoothing=2)",
    ),
    _operator("addend dropped", to.addend_dropped),
    _operator("input exchanged", to.input_exchanged),
    _operator("slice shifted", to.slice_dropped, to.index_shifted),
    _operator("axis forgotten", to.axis_kept, "expand(x, a) -> x", "squeeze(x, a) -> x"),
    _operator("transpose dropped", "transpose(x) -> x", "transpose(x, a) -> x"),
    _operator("function by hand", *_BY_HAND),
    _operator("loss by hand", *_LOSS_BY_HAND),
)
