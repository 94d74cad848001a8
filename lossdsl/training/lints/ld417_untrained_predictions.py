"""LD417: predictions that no parameter reaches.

What the loss compares is computed of parameters from outside, of their rounded values, or through
`stop_gradient`: it is a constant of the training step, which runs and changes nothing, or only
decays the weights.

Wrong (python)
  w = jnp.ones(3)
  loss = lossdsl.compile("mse(out, tgt)")
  loss.objective(lambda params, tgt: {'out': 2*w, 'tgt': tgt})(w, 3*w)

Right (python)
  w = jnp.ones(3)
  loss = lossdsl.compile("mse(out, tgt)")
  loss.objective(lambda params, tgt: {'out': 2*params, 'tgt': tgt})(w, 3*w)
"""

from __future__ import annotations

from collections.abc import Sequence

from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.training.caller_inputs import Reached, Subject


def untrained(subject: Subject, names: Sequence[str], reached: Reached) -> Diagnostic:
    """Return what is said of predictions, none of which a gradient leaves for a parameter."""
    stopped = any(reached.inputs[name].stopped for name in names)
    used = any(reached.inputs[name].used for name in names)
    listed = ", ".join(f"`{name}`" for name in names)
    message = f"no gradient of {listed} reaches a parameter: the model is not trained"
    if stopped:
        help = "all of it goes through `stop_gradient`"
    elif used:
        help = "what is rounded, compared or an integer has no derivative"
    else:
        help = "compute it of the first argument of the function, not of parameters from outside"
    return at("LD417", message, subject.span(names[0]), "is a constant here", help=help)
