"""LD9xx: learning rules; LD999 stays what it is, a defect of lossdsl."""

from __future__ import annotations

from lossdsl.diagnostics.code import Code

_SETUP = """\
from lossdsl.learning import *
layers = [lambda w, x: jnp.tanh(x @ w), lambda w, x: x @ w]
params = [jnp.ones((2, 3))/4, jnp.ones((3, 2))/4]
batch = {"x": jnp.ones((4, 2)), "tgt": jnp.ones((4, 2))}
loss = lossdsl.compile("mse(out, tgt)")
"""

ROWS = (
    Code(
        "LD901",
        title="layers that do not chain",
        why="A rule feeds each layer with what the one below returns, and gives it the tree of "
        "parameters with its own number.",
        bad=_SETUP + "BackProp(loss).grads(layers, params[::-1], batch)",
        good=_SETUP + "BackProp(loss).grads(layers, params, batch)",
        form="python",
    ),
    Code(
        "LD902",
        title="an input that no rule provides",
        why="A rule gives the loss the output of the network, `params`, and what the batch holds; "
        "a loss that does not read the output trains nothing.",
        bad=_SETUP + "BackProp(lossdsl.compile('mse(out, y)')).grads(layers, params, batch)",
        good=_SETUP + "BackProp(lossdsl.compile('mse(out, tgt)')).grads(layers, params, batch)",
        form="python",
    ),
    Code(
        "LD903",
        title="no error for each example",
        why="A local rule lets each example settle by itself, from the derivative of its own loss. "
        "A term that couples the examples of a batch has no such part; nor have a mean and a sum "
        "together, of which one grows with the batch and one does not.",
        bad=_SETUP + "loss = lossdsl.compile('max(abs(out - tgt))')\n"
        "PredictiveCoding(loss).grads(layers, params, batch)",
        good=_SETUP + "loss = lossdsl.compile('mean(abs(out - tgt))')\n"
        "PredictiveCoding(loss).grads(layers, params, batch)",
        form="python",
    ),
    Code(
        "LD904",
        title="a rule that cannot learn as it is set",
        why="Without a step of inference, or without a nudge, there is nothing to learn from. A "
        "setting is a plain value of its kind, which is compiled in.",
        bad=_SETUP + "PredictiveCoding(loss, steps=0)",
        good=_SETUP + "PredictiveCoding(loss, steps=20)",
        form="python",
    ),
    Code(
        "LD905",
        title="a nudge as small as rounding",
        why="Equilibrium propagation divides a difference of two rests by `beta`. Rounding of the "
        "rests is divided too, so that below some `beta` it is all that is left.",
        bad=_SETUP + "EquilibriumPropagation(loss, beta=1e-6).grads(layers, params, batch)",
        good=_SETUP + "EquilibriumPropagation(loss, beta=1e-2).grads(layers, params, batch)",
        form="python",
        warning=True,
    ),
    Code(
        "LD906",
        title="inference not at rest",
        why="The gradients of a local rule are right where its inference has come to rest; with "
        "too few steps they are silently wrong, first of all in the first layers.",
        bad=_SETUP + "rule = PredictiveCoding(loss, eta=0.01, steps=5, check=True)\n"
        "rule.grads(layers, params, batch)",
        good=_SETUP + "rule = PredictiveCoding(loss, eta=0.5, steps=50, check=True)\n"
        "rule.grads(layers, params, batch)",
        form="python",
    ),
    Code(
        "LD907",
        title="labels that cannot be clamped",
        why="A bidirectional rule holds the units of the output at the label while the layers "
        "below settle, so a label is an array of the output's shape.",
        bad=_SETUP + "layers = [Bidirectional(lambda w, x: x @ w, lambda w, x: x @ w.T)]*2\n"
        "loss = lossdsl.compile('cross_entropy(out, tgt)')\n"
        "batch = {'x': jnp.ones((4, 2)), 'tgt': jnp.zeros(4, int)}\n"
        "BiPredictiveCoding(loss).grads(layers, params, batch)",
        good=_SETUP + "layers = [Bidirectional(lambda w, x: x @ w, lambda w, x: x @ w.T)]*2\n"
        "loss = lossdsl.compile('cross_entropy(out, tgt)')\n"
        "batch = {'x': jnp.ones((4, 2)), 'tgt': jnp.eye(2)[jnp.zeros(4, int)]}\n"
        "BiPredictiveCoding(loss).grads(layers, params, batch)",
        form="python",
    ),
    Code(
        "LD908",
        title="several results",
        why="A rule has one loss to lower; which of several it is, is chosen by name.",
        bad=_SETUP + "loss = lossdsl.compile('loss fit = mse(out, tgt)\\nloss size = mean(out)')\n"
        "BackProp(loss).grads(layers, params, batch)",
        good=_SETUP + "loss = lossdsl.compile('loss fit = mse(out, tgt)\\nloss size = mean(out)')\n"
        "BackProp(loss['fit']).grads(layers, params, batch)",
        form="python",
    ),
)
