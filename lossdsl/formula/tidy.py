"""What reads better in another shape: signs that cancel, sums in sums, ratios in logarithms."""

from __future__ import annotations

from lossdsl.formula.arithmetic import divided, multiplied, negated, raised, summed
from lossdsl.formula.math import (
    Big,
    Fence,
    Fraction,
    Listed,
    Math,
    Number,
    Operator,
    Power,
    Product,
    Relation,
    Sum,
    with_parts,
)


def tidied(node: Math) -> Math:
    """Return a node in the shape in which it is read most easily."""
    node = with_parts(node, tidied)
    match node:
        case Sum(((True, Sum(((False, first), (True, second)))),)):
            return Sum(((False, second), (True, first)))
        case Sum(
            (
                (
                    True,
                    Product((*factors, Sum(((False, first), (True, Number(1)))))),
                ),
            )
        ):
            return Product((*factors, Sum(((False, Number(1)), (True, first)))))
        case Power(base, exponent):
            return raised(base, exponent)
        case Product(factors):
            return multiplied(factors)
        case Fraction(above, under):
            return divided(above, under)
        case Operator("exp", Number(0)):
            return Number(1)
        case Big("sum", _, Number(0)):
            return Number(0)
        case Relation(Fence("holds", held), ((">", Number(0)),)):
            return held
        case Sum(terms):
            return _with_ratios(_flat(terms))
        case Big("sum", under, Sum(((True, body),))):
            return negated(Big("sum", under, body))
        case Big("sum", outer, Big("sum", inner, body)) if _is_plain(outer) and _is_plain(inner):
            return Big("sum", Listed((*_items(outer), *_items(inner))), body)
        case _:
            return node


def _flat(terms: tuple[tuple[bool, Math], ...]) -> Math:
    """Return a sum with what is subtracted in parentheses written out, if that is shorter."""
    open_: list[tuple[bool, Math]] = []
    for minus, term in terms:
        match term:
            case Sum(inner) if len(terms) > 1:
                open_ += [(minus != negative, part) for negative, part in inner]
            case _:
                open_.append((minus, term))
    left: list[tuple[bool, Math]] = []
    for minus, term in open_:
        if (not minus, term) in left:
            left.remove((not minus, term))
        else:
            left.append((minus, term))
    return summed(left)


def _with_ratios(node: Math) -> Math:
    """Return a sum in which `p log p - p log q` is `p log(p/q)`."""
    if not isinstance(node, Sum):
        return node
    terms = list(node.terms)
    for minus, term in node.terms:
        match term:
            case Product((*factors, Operator("log", above))) if not minus:
                pass
            case _:
                continue
        for other in terms:
            match other:
                case (True, Product((*same, Operator("log", under)))) if same == factors:
                    joint = Product((*factors, Operator("log", Fraction(above, under))))
                    terms[terms.index((minus, term))] = (False, joint)
                    terms.remove(other)
                    break
                case _:
                    pass
    return summed(terms)


def _is_plain(under: Math | None) -> bool:
    return under is not None and not isinstance(under, Relation)


def _items(under: Math | None) -> tuple[Math, ...]:
    match under:
        case None:
            return ()
        case Listed(items):
            return items
        case _:
            return (under,)
