"""A formula as LaTeX, in the commands that amsmath has."""

from __future__ import annotations

from collections.abc import Iterable

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
    below,
    binding,
    stands_open,
)
from lossdsl.formula.symbols import GREEK, LATEX_GREEK, split

_OPERATORS = {"log": r"\log", "max": r"\max", "min": r"\min", "sin": r"\sin", "cos": r"\cos",
    "tanh": r"\tanh", "cosh": r"\cosh", "exp": r"\exp", "sup": r"\sup"}  # fmt: skip
_BIG = {"sum": r"\sum", "prod": r"\prod", "max": r"\max", "min": r"\min", "any": r"\exists",
    "all": r"\forall", "argmax": r"\arg\max", "argmin": r"\arg\min"}  # fmt: skip
_RELATIONS = {"==": "=", "!=": r"\neq", "<=": r"\leq", ">=": r"\geq", "in": r"\in", ":": ":"}
_LOGIC = {"and": r"\wedge", "or": r"\vee"}
_FENCES: dict[str, tuple[str, str]] = {
    "abs": ("|", "|"),
    "norm": (r"\|", r"\|"),
    "floor": (r"\lfloor", r"\rfloor"),
    "round": (r"\lfloor", r"\rceil"),
    "holds": ("[", "]"),
    "list": ("(", ")"),
    "row": ("[", "]"),
}
_TALL = (Fraction, Cases)


def aligned(equations: Iterable[tuple[Math, Math]]) -> str:
    """Return equations, several under one another with their signs aligned."""
    pairs = [(latex(left), latex(right)) for left, right in equations]
    if len(pairs) == 1:
        return " = ".join(pairs[0])
    rows = " \\\\\n".join(f"{left} &= {right}" for left, right in pairs)
    return f"\\begin{{aligned}}\n{rows}\n\\end{{aligned}}"


def latex(node: Math) -> str:
    """Return a node as LaTeX, without dollars.

    >>> from lossdsl.formula.arithmetic import multiplied
    >>> from lossdsl.formula.math import HALF, TWO
    >>> latex(multiplied([HALF, Power(Symbol("sigma"), TWO)]))
    '\\\\frac{1}{2} \\\\sigma^{2}'
    """
    match node:
        case Symbol(name):
            return symbol(name)
        case Number(value):
            return _number(value)
        case Phrase(text):
            return rf"\text{{{_escaped(text)}}}"
        case Sum(terms):
            (minus, first), *rest = ((minus, _in(term, OPEN)) for minus, term in terms)
            signs = (f" {'-' if minus else '+'} {term}" for minus, term in rest)
            return ("-" if minus else "") + first + "".join(signs)
        case Product(factors):
            return _product(factors)
        case Fraction(above, under):
            return rf"\frac{{{latex(above)}}}{{{latex(under)}}}"
        case Power(base, exponent):
            return f"{_in(base, ATOM)}^{{{latex(exponent)}}}"
        case Root(body):
            return rf"\sqrt{{{latex(body)}}}"
        case Operator("exp", body) if _is_flat(body):
            return f"e^{{{latex(body)}}}"
        case Operator(name, body):
            if stands_open(node):
                return f"{_named(name)} {latex(body)}"
            return f"{_named(name)}{_parentheses(latex(body), (body,))}"
        case Apply(name, arguments):
            return rf"{_named(name)}{_parentheses(', '.join(map(latex, arguments)), arguments)}"
        case Indexed(Symbol(name), places) if split(name)[1]:
            stem, sub = split(name)
            return f"{symbol(stem)}_{{{sub}, {_places(places)}}}"
        case Indexed(Indexed() as base, places):
            return f"({latex(base)})_{{{_places(places)}}}"
        case Indexed(base, places):
            return f"{_in(base, ATOM)}_{{{_places(places)}}}"
        case Fence(kind, body):
            left, right = _FENCES[kind]
            return rf"\left{left} {latex(body)} \right{right}"
        case Big(name, under, body):
            head = _BIG.get(name) or rf"\operatorname{{{name}}}"
            index = "" if under is None else f"_{{{latex(under)}}}"
            return rf"{head}{index} {_in(body, OPEN)}"
        case Cases(rows):
            lines = [rf"{latex(value)} & {_condition(held)}" for value, held in rows]
            return r"\begin{cases} " + r" \\ ".join(lines) + r" \end{cases}"
        case Relation(first, links):
            chain = (
                f" {_RELATIONS.get(sign, sign)} {_in(operand, LIST if sign == ':' else SUM)}"
                for sign, operand in links
            )
            return _in(first, LIST if links[0][0] == ":" else SUM) + "".join(chain)
        case Logic(operator, operands):
            return f" {_LOGIC[operator]} ".join(_in(operand, RELATION) for operand in operands)
        case Not(operand):
            return rf"\neg {_in(operand, POWER)}"
        case Listed(items):
            return ", ".join(_in(item, LOGIC) for item in items)


def _in(node: Math, place: int) -> str:
    """Return a node, in parentheses if it binds looser than its place asks for."""
    text = latex(node)
    if latex_binding(node) >= place:
        return text
    if isinstance(node, Operator) and place <= POWER:
        return _named(node.name) + _parentheses(latex(node.body), (node.body,))
    return _parentheses(text, (node,))


def latex_binding(node: Math) -> int:
    """Return how tightly a node holds together as it is printed: e^x does, and f(x)."""
    match node:
        case Operator("exp", body) if _is_flat(body):
            return POWER
        case Operator() if not stands_open(node):
            return POWER
        case Fraction():
            return POWER - 1
        case Product(factors):
            return OPEN if latex_binding(factors[-1]) == OPEN else PRODUCT
        case _:
            return binding(node)


def _is_flat(node: Math) -> bool:
    return not any(isinstance(part, (*_TALL, Big)) for part in below(node))


def _parentheses(text: str, inside: tuple[Math, ...]) -> str:
    tall = any(isinstance(part, (*_TALL, Big)) for node in inside for part in below(node))
    return rf"\left({text}\right)" if tall else f"({text})"


def _product(factors: tuple[Math, ...]) -> str:
    last = len(factors) - 1
    texts = [
        _in(factor, OPEN if at == last else PRODUCT + (at > 0 and isinstance(factor, Product)))
        for at, factor in enumerate(factors)
    ]
    out = texts[0]
    for at, text in enumerate(texts[1:], 1):
        out += joint(factors[at - 1], factors[at], LATEX_JOINTS) + text
    return out


LATEX_JOINTS = (r" \cdot ", r" \, ", " ")


def joint(left: Math, right: Math, joints: tuple[str, str, str]) -> str:
    """Return what stands between two factors: a dot, a thin space, or nothing much."""
    dot, thin, none = joints
    if isinstance(right, Number) or _is_number_fraction(right):
        return dot
    if isinstance(left, Number) or _is_number_fraction(left):
        return none
    if is_word(left) or is_word(right):
        return dot
    return thin


def _is_number_fraction(node: Math) -> bool:
    return isinstance(node, Fraction) and isinstance(node.below, Number)


def is_word(node: Math) -> bool:
    """Whether a factor is a name of several letters, so that a dot must part it from others."""
    match node:
        case Symbol(name):
            return len(split(name)[0]) > 1 and split(name)[0] not in GREEK
        case Indexed(base) | Power(base):
            return is_word(base)
        case _:
            return False


def symbol(name: str) -> str:
    """Return a name: a letter in italics, Greek, or a word upright.

    >>> symbol("mu_p"), symbol("class_weight"), symbol("K")
    ('\\\\mu_{p}', '\\\\mathrm{class\\\\_weight}', 'K')
    """
    stem, sub = split(name)
    if stem in GREEK:
        text = LATEX_GREEK.get(stem, rf"\{stem}")
    else:
        text = stem if len(stem) == 1 else rf"\mathrm{{{_escaped(stem)}}}"
    if not sub:
        return text
    return f"{text}_{{{sub}}}" if len(sub) == 1 else rf"{text}_{{\mathrm{{{sub}}}}}"


def _named(name: str) -> str:
    if name in _OPERATORS:
        return _OPERATORS[name]
    if name in GREEK:
        return symbol(name)
    return rf"\operatorname{{{_escaped(name.lstrip('_'))}}}"


def _places(places: tuple[Math | None, ...]) -> str:
    texts = [r"\cdot" if place is None else latex(place) for place in places]
    short = all(len(text) == 1 or text == r"\cdot" for text in texts)
    return (" " if short else ", ").join(texts)


def _condition(held: Math | None) -> str:
    if held is None:
        return r"\text{otherwise}"
    return latex(held) if isinstance(held, Phrase) else rf"\text{{if }} {latex(held)}"


def _number(value: float | int) -> str:
    if value == float("inf"):
        return r"\infty"
    digits, e, exponent = f"{value:.12g}".partition("e")
    if not e:
        return digits
    power = f"10^{{{int(exponent)}}}"
    return power if digits == "1" else rf"{digits} \cdot {power}"


_ESCAPES = {"_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}"}


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(character, character) for character in text)
