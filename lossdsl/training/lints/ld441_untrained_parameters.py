"""LD441: parameters without a gradient.

A layer that is not called, or whose output is rounded or compared, is in the tree and is not
trained. What goes through `stop_gradient` is so on purpose.

Wrong (python)
  loss = lossdsl.compile("mse(out, tgt)")
  params = {'body': jnp.ones(3), 'head': jnp.ones(3)}
  loss.objective(lambda p, tgt: {'out': 2*p['body'], 'tgt': tgt})(params, jnp.ones(3))

Right (python)
  loss = lossdsl.compile("mse(out, tgt)")
  params = {'body': jnp.ones(3), 'head': jnp.ones(3)}
  loss.objective(lambda p, tgt: {'out': p['head']*p['body'], 'tgt': tgt})(params, jnp.ones(3))
"""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.training.caller_inputs import Reached, paths_of
from lossdsl.training.objective import PARAMS


def lost(reached: Reached) -> Iterator[Diagnostic]:
    """Yield the parameters that are in nothing that the function makes, or lose their gradient."""
    outputs = reached.beside
    for name, fact in reached.inputs.items():
        if not (name == PARAMS and reached.whole):
            outputs |= fact
    every = (1 << len(reached.trained.places)) - 1
    unused = every & ~outputs.used
    if unused:
        message = f"the inputs do not depend on {paths_of(reached.trained, unused)}"
        help = "a part of the model that is not called is not trained; leave it out of `params`"
        yield at("LD441", message, None, help=help)
    flat = every & outputs.used & ~outputs.trained & ~outputs.stopped & ~reached.beside.used
    if flat:
        message = f"no gradient reaches {paths_of(reached.trained, flat)}"
        help = "what is rounded, compared or an integer has no derivative; `stop_gradient` says so"
        yield at("LD441", message, None, help=help)
