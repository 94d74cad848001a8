"""Names that other libraries give to functions of this one, for "did you mean".

Edit distance alone never finds `cross_entropy` from `CrossEntropyLoss`. A function's declaration
says what else it is known as; names are compared without case, underscores and the words `loss`
and `with logits`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def folded(name: str) -> str:
    """Return a name without case and underscores."""
    return name.lower().replace("_", "")


def _bare(name: str) -> str:
    """Return a folded name without the words that only say what it is."""
    bare = folded(name).replace("withlogits", "").replace("loss", "")
    return bare or folded(name)


def alias_table(aliases: Mapping[str, Iterable[str]]) -> Mapping[str, str]:
    """Return the functions by folded and bare names; a name written in full comes first.

    >>> table = alias_table({"cross_entropy": ["nll"], "mae": ["l1_loss"]})
    >>> [known_as(name, table) for name in ("CrossEntropyLoss", "L1Loss", "NLL", "nothing")]
    ['cross_entropy', 'mae', 'cross_entropy', None]
    """
    pairs = [(name, name) for name in aliases]
    pairs += [(alias, name) for name, others in aliases.items() for alias in others]
    table: dict[str, str] = {}
    for fold in (folded, _bare):
        for alias, name in pairs:
            table.setdefault(fold(alias), name)
    return table


def known_as(name: str, table: Mapping[str, str]) -> str | None:
    """Return what a function of another library is called here, or None."""
    return table.get(folded(name)) or table.get(_bare(name))


# What other libraries call the parameters and options of this one.
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "reduce": ("reduction",),
    "where": ("mask",),
    "weight": ("weights", "sample_weight"),
    "axis": ("dim",),
    "keepdims": ("keepdim",),
    "smoothing": ("label_smoothing",),
}
