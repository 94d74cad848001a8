r"""LD414: gradient into a target.

`target` and `frozen` say of an input that it is what the model is held to. Where the caller
computes it of what is trained, the target moves to the model, and the loss falls with nothing
learned. `objective` sees it, as the text alone cannot.

Wrong (python)
  loss = lossdsl.compile("out: f32[B]\ntgt: target f32[B]\nmse(out, tgt)")
  loss.objective(lambda w: {'out': w, 'tgt': 2*w})(jnp.ones(3))

Right (python)
  loss = lossdsl.compile("out: f32[B]\ntgt: target f32[B]\nmse(out, tgt)")
  from jax.lax import stop_gradient as held
  loss.objective(lambda w: {'out': w, 'tgt': held(2*w)})(jnp.ones(3))
"""

from __future__ import annotations

from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.training.caller_inputs import Subject


def trained_target(subject: Subject, name: str, paths: str) -> Diagnostic:
    """Return what is said of a target that depends on parameters."""
    message = f"a gradient reaches `{name}`, declared `{subject.role(name)}`: it depends on {paths}"
    help = f"`jax.lax.stop_gradient` of it, or `stop_gradient({name})` in the text"
    return at("LD414", message, subject.span(name), "no gradient may flow here", help=help)
