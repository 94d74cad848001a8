"""What the name of a value says of its role, where nothing else says it.

A name is what its author takes the value for. It is read by lints alone: a call holds nothing
against it, and a role that is declared or computed is never overruled.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

# A role by the words of a name, of which the last or the first is one of these.
_WORDS: Mapping[str, str] = {
    "logit": "logits",
    "logits": "logits",
    "prob": "probs",
    "probs": "probs",
    "probability": "probs",
    "probabilities": "probs",
    "onehot": "one_hot",
    "mask": "mask",
    "masks": "mask",
    "valid": "mask",
    "std": "std",
    "stddev": "std",
    "sigma": "std",
    "logvar": "logvar",
    "var": "var",
    "variance": "var",
}
_INTEGERS: Mapping[str, str] = {"label": "labels", "labels": "labels"}

# Words beside which another one says something else: `log_sigma`, `pred_mask`, `mask_weight`.
_OTHERWISE = re.compile(
    "log|ln|neg|inv|exp|pred|preds|predicted|out|output|logit|logits|raw|score|scores"
    "|weight|weights|loss|losses|ratio|gt|target|targets|true|truth|label|labels|map|maps"
    "|sum|count|total|mean|avg|estimate|hat|cls|soft|grad|num"
)


def role_of_name(name: str, integers: bool) -> str | None:
    """Return the role that a name says its values have; None if it says none, or two.

    >>> role_of_name("student_logits", integers=False), role_of_name("log_sigma", integers=False)
    ('logits', None)
    """
    words = _words(name)
    table = _INTEGERS if integers else _WORDS
    roles = {table[word] for word in {*words[:1], *words[-1:]} if word in table}
    others = [word for word in words if _OTHERWISE.fullmatch(word) and word not in table]
    return roles.pop() if len(roles) == 1 and not others else None


def _words(name: str) -> list[str]:
    """Return the words of a name: `oneHotLabels` has `onehot` and `labels`."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    text = "_".join(word for word in re.split(r"_|\d+", snake) if word)
    return text.replace("one_hot", "onehot").replace("log_var", "logvar").split("_")


_PREDICTIONS = re.compile(
    "out|output|outputs|pred|preds|predicted|prediction|predictions|yhat|hat|est|estimate"
    "|estimated|forecast|recon|reconstruction|reconstructed|decoded|student|logit|logits"
)
_TARGETS = re.compile("tgt|tgts|targ|target|targets|gt|truth|true|label|labels|gold|onehot|teacher")


def side_of_name(name: str) -> str | None:
    """Return whether a name says that its values are a `prediction` or a `target`.

    >>> side_of_name("y_pred"), side_of_name("y_true"), side_of_name("x")
    ('prediction', 'target', None)
    """
    words = _words(name)
    sides = [
        side
        for side, known in (("prediction", _PREDICTIONS), ("target", _TARGETS))
        if any(map(known.fullmatch, words))
    ]
    if not sides and name in ("y", "z"):
        return "target" if name == "y" else "prediction"
    return sides[0] if len(sides) == 1 else None
