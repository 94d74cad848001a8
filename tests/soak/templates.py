"""Calls of functions whose result's type a signature cannot say, as rows of dims and text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from soak.calls import Unfit
from soak.expr import Axis, Dims, Expr
from soak.world import World


@dataclass(frozen=True)
class Template:
    """Text whose `{}` are operands. `*S` is any dims, `K` a dim, `K2` one of at least 2 elements.

    A dim that the result does not have is new; `<K>` in the text is its name.
    """

    result: str
    text: str
    operands: tuple[str, ...] = ()


def template(result: str, text: str, *operands: str) -> Template:
    """Return a template."""
    return Template(result, text, operands)


TEMPLATES = (
    template("*S", "mean(top_k({}, 1), axis=-1)", "*S K1"),
    template("*S", "sum(diff({}, axis=-1), axis=-1)", "*S K1"),
    template("*S", "quantile({}, 0.4, axis=-1)", "*S K1"),
    template("*S K", "midrank({}, axis=-1)", "*S K"),
    template("*S", "1.0*argmax({}, axis=-1)", "*S K1"),
    template("*S", "1.0*argmin({}, axis=-1)", "*S K1"),
    template("*S K", "1.0*argsort({}, axis=-1)", "*S K"),
    template("*S K", "1.0*rank({}, axis=-1, descending=true)", "*S K"),
    template("*S K", "sort({}, axis=-1)", "*S K"),
    template("*S K", "cumsum({}, axis=-1)", "*S K"),
    template("*S K", "broadcast({}, like={})", "K", "*S K"),
    template("*S", "squeeze(expand({}, -1), -1)", "*S"),
    template("*S", "take_along({}, argmax({}, axis=-1)[..., None])[..., 0]", "*S K1", "*S K1"),
    template("A B", "reshape(reshape({}, (<B>, <A>)), (<A>, <B>))", "A B"),
    template("A B", "matmul({}, {})", "A K", "K B"),
    template("A", "diag({} @ {})", "A K", "K A"),
    template("A", "prod({}, axis=-1)", "A K"),
    template("A", "1.0*count({} > 0.1, axis=-1)", "A K"),
    template("", "({} if any({} > 1) and not all({} < 0) else 0.5)", "", "K", "A K"),
    template("*S", "({} if isfinite({}) else 0.5)", "*S", "*S"),
    template("", "sum(singular_values({}))", "A1 B1"),
    template("", "sum(segment_sum({}, by=argmax({}, axis=-1), segments=4))", "N K", "N M1"),
    template("", "mean(segment_mean({}, by=argmax({}, axis=-1), segments=<M>))", "N K", "N M1"),
    template("", "mmd({}, {})", "N2 D1", "M2 D1"),
    template("", "mean(pairwise_distance({}, {}))", "N1 D1", "M1 D1"),
    template("", "energy_distance({}, {})", "N2 D1", "M2 D1"),
    template("", 'penalty(mean({}) <= 0.1, law="quadratic")', "K1"),
    template("", "mean(avg_pool({}, (2,)))", "A2 K1"),
    template("", 'mean(max_pool({}, (2,), padding="same"))', "A2 K1"),
    template("", "sum({}*arange(<K>))", "K"),
    template("", "linear_schedule(step, 1.0, 0.1, 10)*{}", ""),
    template("", "cosine_decay_schedule(step, 1.0, 20)*{}", ""),
    template("", "exponential_decay(step, 1.0, 5, 0.9)*{}", ""),
    template("", "piecewise_constant_schedule(step, 1.0, (2, 5), (0.5, 0.1))*{}", ""),
    template("", "warmup_cosine_decay_schedule(step, 0.0, 1.0, 3, 20)*{}", ""),
    template("", "polynomial_schedule(step, 1.0, 0.1, 2, 10)*{}", ""),
    template("*S K", "1.0*positions({}, axis=-1)", "*S K"),
    template("*S", "pick_log_softmax({}, argmax({}, axis=-1))", "*S K1", "*S K1"),
)

_NAME = re.compile(r"<(\w)>")


def filled(row: Template, world: World, dims: Dims, part: Callable[[Dims], Expr]) -> Expr:
    """Return a template's text for a result of given dims, its operands made by `part`."""
    words = row.result.split()
    run: Dims | None = None
    symbols: dict[str, Axis] = {}
    if words[:1] == ["*S"]:
        split = len(dims) - len(words) + 1
        if split < 0:
            raise Unfit
        run, symbols = dims[:split], dict(zip(words[1:], dims[split:], strict=True))
    elif len(words) == len(dims):
        symbols = dict(zip(words, dims, strict=True))
    else:
        raise Unfit
    if world.lead is not None and (not run or world.lead not in run or "<" in row.text):
        raise Unfit
    operands = tuple(_dims(one, run or (), symbols, world) for one in row.operands)
    if any(len(set(one)) < len(one) for one in operands):
        raise Unfit
    parts = tuple(part(one) for one in operands)
    if "step" in row.text:
        world.step()
    return Expr(_NAME.sub(lambda match: str(symbols[match[1]]), row.text), parts)


def _dims(text: str, run: Dims, symbols: dict[str, Axis], world: World) -> Dims:
    dims: list[Axis] = []
    for word in text.split():
        if word == "*S":
            dims += run
        else:
            name, least = word[0], int(word[1:] or 0)
            if name not in symbols:
                symbols[name] = world.axis(least=max(least, world.least))
            dims.append(symbols[name])
    return tuple(dims)
