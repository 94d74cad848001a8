"""What a term adds up: the values that it is a multiple of, and whether by what is above 0."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf

from lossdsl.analyze.lints.subject import Subject
from lossdsl.core.graph import Apply, Const, Input, Node
from lossdsl.library.declare import Builtin
from lossdsl.library.syntax_forms import Form


def addends(
    subject: Subject, root: Node, is_whole: Callable[[Apply], bool] = lambda node: False
) -> Iterator[tuple[Node, bool]]:
    """Yield the values that sums, means and known factors make a term of, and their signs.

    What is not linear is not looked into, nor what `is_whole`. Settings are above 0; a factor
    whose sign is not known ends the way.
    """
    waiting, seen = [(root, True)], set[tuple[Node, bool]]()
    while waiting:
        node, positive = waiting.pop()
        if (node, positive) in seen:
            continue
        seen.add((node, positive))
        match node:
            case Apply() if is_whole(node):
                yield node, positive
            case Apply(Builtin(operator="+"), (a, b)) if a is not None and b is not None:
                waiting += [(b, positive), (a, positive)]
            case Apply(Builtin(operator="-"), (a, b)) if a is not None and b is not None:
                waiting += [(b, not positive), (a, positive)]
            case Apply(Builtin(operator="neg"), (a,)) if a is not None:
                waiting.append((a, not positive))
            case Apply(Builtin(operator="*" | "/" as symbol), (a, b)) if a and b:
                sides = ((b, a), (a, b)) if symbol == "*" else ((b, a),)
                signs = [(_sign(subject, factor), value) for factor, value in sides]
                signed = [(sign, value) for sign, value in signs if sign is not None]
                if len(signed) == 2:  # of two of known sign a number is the factor
                    signed = [pair for pair in signed if not isinstance(pair[1], Const)]
                if len(signed) == 1:
                    ((sign, value),) = signed
                    waiting.append((value, positive == sign))
                else:
                    yield node, positive
            case Apply(Builtin(form=Form.KEEP), (_, kept)) if kept is not None:
                waiting.append((kept, positive))
            case Apply(function, (value, *_)) if value is not None and _is_linear(function):
                waiting.append((value, positive))
            case _:
                yield node, positive


def _is_linear(function: Builtin) -> bool:
    """Say whether a function adds up the elements of its operand, or holds them."""
    return function.combine is not None or (
        len(function.keeps) == 1 and function.form is not Form.STOP_GRADIENT
    )


def _sign(subject: Subject, node: Node) -> bool | None:
    """Say whether a factor is above 0; None if that is not known, or if it is 0."""
    match node:
        case Const(int() | float() as number):
            return None if number == 0 else number > 0
        case Const():
            return True
        case Input(name) if name in subject.settings:
            return True
        case _:
            known = subject.intervals.get(node)
            # What grows without end, such as a square, is what a product is looked at for.
            if known is None or (isinstance(node, Apply) and known.high == inf):
                return None
            if not (known.low >= 0 or known.high <= 0):
                return None
            return known.low >= 0
