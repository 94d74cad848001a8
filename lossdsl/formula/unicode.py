"""A formula as text in Unicode: one line where it fits, one a case, broken at signs if long."""

from __future__ import annotations

from lossdsl.formula.latex import joint
from lossdsl.formula.math import (
    ATOM,
    LIST,
    LOGIC,
    OPEN,
    POWER,
    PRODUCT,
    RELATION,
    SUM,
    Apply,
    Big,
    Cases,
    Fence,
    Fraction,
    Indexed,
    Listed,
    Logic,
    Math,
    Not,
    Number,
    Operator,
    Phrase,
    Power,
    Product,
    Relation,
    Root,
    Sum,
    Symbol,
    binding,
    stands_open,
)
from lossdsl.formula.symbols import GREEK, split

_LOWERED = dict(
    zip(
        "0123456789+-=()aehijklmnoprstuvxβγρφχ−,",
        "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ₋,",
        strict=True,
    )
)
_RAISED = dict(
    zip(
        "0123456789+-()abcdefghijklmnoprstuvwxyz⊤−",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᵀ⁻",
        strict=True,
    )
)
_VULGAR = {
    (1, 2): "½",
    (1, 4): "¼",
    (3, 4): "¾",
    (1, 3): "⅓",
    (2, 3): "⅔",
    (1, 6): "⅙",
    (1, 8): "⅛",
}
_BIG = {"sum": "Σ", "prod": "∏", "any": "∃", "all": "∀"}
_RELATIONS = {"==": "=", "!=": "≠", "<=": "≤", ">=": "≥", "in": "∈"}
_LOGIC = {"and": "∧", "or": "∨"}
_FENCES = {
    "abs": ("|", "|"),
    "norm": ("‖", "‖"),
    "floor": ("⌊", "⌋"),
    "round": ("⌊", "⌉"),
    "holds": ("[", "]"),
    "list": ("(", ")"),
    "row": ("[", "]"),
}
_WIDEST_HEAD = 30
_JOINTS = (" · ", " ", "")


def layout(left: Math, right: Math, width: int = 100) -> list[str]:
    """Return the lines of an equation: a brace of cases, or one line, broken where it is long."""
    head = f"{text(left)} = "
    if len(head) > _WIDEST_HEAD:
        lines = _right(right, width - 4)
        return [head.rstrip(), *("    " + line for line in lines)]
    lines = _right(right, width - len(head))
    return [(head if at == 0 else " " * len(head)) + line for at, line in enumerate(lines)]


def _right(right: Math, width: int) -> list[str]:
    match right:
        case Cases(rows):
            values = [text(value) for value, _ in rows]
            widest = max(map(len, values))
            braces = ["⎧", *["⎨" if len(rows) % 2 and at == len(rows) // 2 else "⎪"
                             for at in range(1, len(rows) - 1)], "⎩"]  # fmt: skip
            lines = [
                f"{brace} {value:{widest}}  {_condition(held)}"
                for brace, value, (_, held) in zip(braces, values, rows, strict=True)
            ]
            if max(map(len, lines)) > width:
                return _stacked(braces, values, [held for _, held in rows], width)
            return lines
        case _:
            return _broken(text(right), width)


def _stacked(
    braces: list[str], values: list[str], conditions: list[Math | None], width: int
) -> list[str]:
    """Return cases whose conditions stand on lines of their own, under the values."""
    lines: list[str] = []
    for value, held in zip(values, conditions, strict=True):
        lines += [*_broken(value, width - 2), f"    {_condition(held)}"]
    marks = ["⎧", *["⎪"] * (len(lines) - 2), "⎩"]
    return [f"{mark} {line}" for mark, line in zip(marks, lines, strict=True)]


def _broken(line: str, width: int) -> list[str]:
    """Break a long line before a sign outside of as many parentheses as possible."""
    lines: list[str] = []
    while len(line) > width:
        at = _break(line, width)
        if at is None:
            break
        lines.append(line[:at].rstrip())
        line = "  " + line[at:].lstrip()
    return [*lines, line]


def _break(line: str, width: int) -> int | None:
    depth, best, spaces = 0, dict[int, int](), dict[int, int]()
    for at, character in enumerate(line[:width]):
        depth += (character in "([{⌊") - (character in ")]}⌋⌉")
        if line[at : at + 3] in (" + ", " − ", " · ", " ∨ ", " ∧ ") and at > 4:
            best[depth] = at + 1
        elif character == "," and at > 4:
            best[depth + 1] = at + 1
        elif line[at - 1 : at + 1] == ")(" and at > 4:
            best[depth - 1] = at
        elif character == " " and at > len(line) - len(line.lstrip()) + 4:
            spaces[depth] = at
    best = best or spaces
    return best[min(best)] if best else None


def text(node: Math) -> str:
    """Return a node on one line.

    >>> from lossdsl.formula.arithmetic import multiplied
    >>> from lossdsl.formula.math import HALF, TWO
    >>> text(multiplied([HALF, Power(Symbol("sigma"), TWO)]))
    '½σ²'
    """
    match node:
        case Symbol(name):
            return symbol(name)
        case Number(value):
            return _number(value)
        case Phrase(words):
            return words
        case Sum(terms):
            (minus, first), *rest = ((minus, _in(term, OPEN)) for minus, term in terms)
            signs = (f" {'−' if minus else '+'} {term}" for minus, term in rest)
            return ("−" if minus else "") + first + "".join(signs)
        case Product(factors):
            return _product(factors)
        case Fraction(Number(int() as above), Number(int() as under)):
            return _VULGAR.get((above, under), f"{above}/{under}")
        case Fraction(above, under):
            return f"{_in(above, PRODUCT)}/{_in(under, POWER)}"
        case Power(base, exponent):
            return _in(base, ATOM) + _raised(text(exponent), exponent)
        case Root(body):
            return f"√{_in(body, ATOM)}"
        case Operator(name, body):
            written = text(body)
            if not stands_open(node):
                return f"{symbol(name)}({written})"
            return f"{symbol(name)}{'' if written.startswith(('|', '‖', '[')) else ' '}{written}"
        case Apply(name, arguments):
            return f"{symbol(name)}({', '.join(map(text, arguments))})"
        case Indexed(Indexed() as base, places):
            return f"({text(base)})" + _lowered(_places(places))
        case Indexed(base, (Phrase(word),)) if word.isidentifier():
            return f"{_in(base, ATOM)}_{word}"
        case Indexed(base, places):
            return _in(base, ATOM) + _lowered(_places(places))
        case Fence(kind, body):
            left, right = _FENCES[kind]
            return f"{left}{text(body)}{right}"
        case Big(name, under, body):
            index = "" if under is None else _lowered(_under(under))
            return f"{_BIG.get(name, name)}{index} {_in(body, OPEN)}"
        case Cases(rows):
            return f"{{{'; '.join(f'{text(value)} {_condition(held)}' for value, held in rows)}}}"
        case Relation(first, links):
            chain = (
                f" {_RELATIONS.get(sign, sign)} {_in(operand, LIST if sign == ':' else SUM)}"
                for sign, operand in links
            )
            return _in(first, LIST if links[0][0] == ":" else SUM) + "".join(chain)
        case Logic(operator, operands):
            return f" {_LOGIC[operator]} ".join(_in(operand, RELATION) for operand in operands)
        case Not(operand):
            return f"¬{_in(operand, POWER)}"
        case Listed(items):
            return ", ".join(_in(item, LOGIC) for item in items)


def symbol(name: str) -> str:
    """Return a name with Greek letters and subscripts.

    >>> symbol("mu_p"), symbol("x1"), symbol("class_weight")
    ('μₚ', 'x₁', 'class_weight')
    """
    stem, sub = split(name.lstrip("_"))
    letter = GREEK.get(stem, stem)
    return letter + _lowered(sub) if sub else letter


def _in(node: Math, place: int) -> str:
    if _binding(node) >= place:
        return text(node)
    if isinstance(node, Operator) and place <= POWER:
        return f"{symbol(node.name)}({text(node.body)})"
    return f"({text(node)})"


def _binding(node: Math) -> int:
    """Return how tightly a node holds together on a line: braces close nested cases."""
    match node:
        case Cases():
            return ATOM
        case Operator() if not stands_open(node):
            return POWER
        case Product(factors):
            return OPEN if _binding(factors[-1]) == OPEN else PRODUCT
        case _:
            return binding(node)


def _product(factors: tuple[Math, ...]) -> str:
    last = len(factors) - 1
    out = ""
    for at, factor in enumerate(factors):
        written = _in(factor, OPEN if at == last else PRODUCT)
        quotient = isinstance(factor, Fraction) and "/" in written
        if quotient and at != last:
            written = f"({written})"
        if at:
            out += _joint(factors[at - 1], factor, out, written)
        out += written
    return out


def _joint(left: Math, right: Math, before: str, after: str) -> str:
    """Return the space between two factors, so that no name seems to be called."""
    space = joint(left, right, _JOINTS)
    if space == "" and (isinstance(right, Big) or (len(after) > 1 and after[:2].isalpha())):
        return " "
    if after.startswith(("(", "[")) and before[-1:].isalpha():
        return " · "
    return "" if space == " " and before.endswith(")") and after.startswith("(") else space


def _raised(exponent: str, node: Math) -> str:
    tight = exponent.replace(" ", "")
    if all(character in _RAISED for character in tight):
        return "".join(_RAISED[character] for character in tight)
    return f"^{exponent}" if isinstance(node, Symbol | Number) else f"^({exponent})"


def _lowered(index: str) -> str:
    bare = index.replace(", ", "") if all(len(part) == 1 for part in index.split(", ")) else index
    index = bare if index.count(", ") == index.count(",") else index
    if bare and all(character in _LOWERED and character != "," for character in bare):
        return "".join(_LOWERED[character] for character in bare)
    return f"_{index}" if index.isascii() and index.isalnum() else f"_{{{index}}}"


def _places(places: tuple[Math | None, ...]) -> str:
    return ", ".join("·" if place is None else text(place).replace(" ", "") for place in places)


def _under(node: Math) -> str:
    return text(node).replace(" + ", "+").replace(" − ", "−")


def _condition(held: Math | None) -> str:
    if held is None:
        return "otherwise"
    return held.text if isinstance(held, Phrase) else f"if {text(held)}"


def _number(value: float | int) -> str:
    if value == float("inf"):
        return "∞"
    digits, e, exponent = f"{value:.12g}".partition("e")
    if not e:
        return digits
    power = f"10{''.join(_RAISED[digit] for digit in str(int(exponent)))}"
    return power if digits == "1" else f"{digits}·{power}"
