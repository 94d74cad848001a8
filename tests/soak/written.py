"""What is computed by rules is what is written, wherever that is right."""

from __future__ import annotations

from random import Random

import jax
import numpy as np

import lossdsl
from soak.expr import inline
from soak.identities import examples, slopes
from soak.properties import Skip, accepted, close, refused

# Texts that rules are about, of numbers from -1 to 1.
FORMS = (
    "log(sigmoid({0}))",
    "log(1 - sigmoid({0}))",
    "log(1 + exp({0}))",
    "log((exp({0}) + exp(-{0}))/2)",
    "log(1 - tanh({0})**2)",
    "log(1 + {0}/2)",
    "(exp({0}) - 1)",
    "1/(1 + exp(-{0}))",
    "square({0})*log(square({0}))",
    "log(sum(exp({0})))",
    "log(mean(exp({0})))",
    "sqrt(sum(square({0})))",
    "sqrt(mean({0}**2))",
    "{0}/norm({0})",
    "exp({0})/sum(exp({0}))",
    "(mean(square({0})) - square(mean({0})))",
    "log(softmax({0}, axis=all))",
)


def rewritten_is_written(random: Random) -> None:
    """Value and gradient are those of the text as it is written."""
    world, each = examples(random)
    made = f"tanh({inline(each)})"
    for _ in range(random.randint(1, 2)):
        made = random.choice(FORMS).format(f"tanh({made})")
    text = f"{world.header}loss = {random.choice(['mean', 'sum'])}({made})"
    accepted(text)
    with jax.enable_x64(True):
        losses = [lossdsl.compile(text, stabilize=on) for on in (True, False)]
        try:
            (value, slope), (wanted, slope_wanted) = (slopes(loss, world.values) for loss in losses)
        except lossdsl.LossError as error:
            raise refused(text, error) from error
    if not np.isfinite(wanted):
        raise Skip("out of range")
    close(text, "value", value, wanted, 1e-9 * (1 + abs(wanted)))
    for name, tree in slope.items():
        pairs = zip(jax.tree.leaves(tree), jax.tree.leaves(slope_wanted[name]), strict=True)
        for there, right in pairs:
            known = np.isfinite(right)
            scale = 1 + np.max(abs(right[known]), initial=0)
            close(text, f"gradient of {name}", there[known], right[known], 1e-7 * scale)
