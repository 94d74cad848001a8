"""LD439: penalty leaves out biases and no scales.

Weight decay is for the weights that multiply inputs. The scales of layer and batch normalization
are drawn to 0 by it as biases are, and are named otherwise.

Inputs
  out: f32[B]
  tgt: f32[B]
  params: tree

Wrong
  mse(out, tgt) + 1e-4*sum_squares(params["** !bias"])

Right
  mse(out, tgt) + 1e-4*sum_squares(params["** !bias !*norm*/**"])
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.subject import Subject, written
from lossdsl.core.graph import Leaves
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.selectors.selector import EVERYTHING
from lossdsl.types.types import TreeType

_BIAS = re.compile(r"\**(b|bias|biases)\**", re.IGNORECASE)
_SCALE = re.compile(r"norm|^(scale|gamma|gain|ln|bn)(_?\d+)?$", re.IGNORECASE)


@lint()
def only_biases_left_out(subject: Subject) -> Iterator[Diagnostic]:
    """Yield selections of all leaves of a tree but biases.

    Where the leaves are known, one of them is a scale by its name; where they are not, a network
    that has biases mostly has scales too. A selection by rank leaves both out.
    """
    graph = subject.core.graph
    for node in subject.tape:
        if not isinstance(node, Leaves) or not _leaves_biases_out(node):
            continue
        place, type = written(graph, node), graph.types[node]
        known = type.leaves if isinstance(type, TreeType) else None
        scales = [path for path, _ in known or () if any(map(_SCALE.search, path))]
        if place is not None and (known is None or scales):
            what = f"`{'/'.join(scales[0])}` is" if scales else "scales of normalization are"
            message = f"biases are left out of this, and {what} not"
            help = "`!*norm*/**` leaves them out too, and `ndim >= 2` all vectors"
            yield at("LD439", message, place.span, help=help)


def _leaves_biases_out(leaves: Leaves) -> bool:
    selector = leaves.selector
    names = [pattern[-1] for pattern in selector.exclusions]
    every = selector.patterns == EVERYTHING and selector.exact is None and not selector.ndim
    return every and bool(names) and all(map(_BIAS.fullmatch, names))
