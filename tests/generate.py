"""Hypothesis strategies of whole programs, as syntax trees, and of texts that are nearly programs.

Trees have no places in a text (all spans are empty), so the same strategies serve every stage that
starts from a tree; `commented` starts from a text.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from lossdsl.polynomial import Polynomial, added
from lossdsl.source import Source, Span
from lossdsl.syntax import ast
from lossdsl.syntax.format import format_program

HERE = Span(Source(""), 0, 0)

# Words of the type language are ordinary names elsewhere.
# fmt: off
names = st.sampled_from([
    "out", "tgt", "params", "p", "q", "B", "T", "C", "labels", "tree", "float", "axes", "step",
    "\u03c3", "\u0394x", "x1", "_hidden",
])
functions = st.sampled_from(["mse", "mean", "log", "softmax", "where", "take", "norm", "tree"])
dtypes = st.sampled_from(["f16", "bf16", "f32", "f64", "i8", "u8", "bool", "float", "int", "num"])
roles = st.sampled_from([None, "logits", "probs", "labels", "mask", "target", "var"])
# fmt: on
texts = st.text(st.characters(categories=("L", "N"), include_characters='*/!?[] |_."'), max_size=12)


def _many(
    items: SearchStrategy, least: int = 0, most: int = 3, by: Callable[[Any], Any] | None = None
) -> SearchStrategy:
    return st.lists(items, min_size=least, max_size=most, unique_by=by).map(tuple)


def _name(node: Any) -> str:
    return node.name


def _defined_name(statement: Any) -> object:
    is_definition = isinstance(statement, ast.Definition)
    return statement.signature.name if is_definition else id(statement)


# Expressions

_integers = st.integers(0, 64) | st.integers(0, 10**20)
_floats = st.floats(min_value=0) | st.just(math.nan)
literals = (_integers | _floats | st.booleans() | st.none()).map(
    lambda value: ast.Literal(value, HERE)
)
_leaves = (
    literals
    | texts.map(lambda value: ast.Text(value, HERE))
    | names.map(lambda name: ast.Name(name, HERE))
)


def _modest(expr: ast.Expr) -> ast.Expr:
    """Return an exponent within the limits: a constant becomes a small one."""
    constant = isinstance(expr, ast.Literal | ast.Unary)
    return ast.Literal(len(repr(expr)) % 65, HERE) if constant else expr


def _unsigned(expr: ast.Expr) -> ast.Expr:
    """Return a default: there a signed number is a number, not an operation."""
    signed = isinstance(expr, ast.Unary) and isinstance(expr.operand, ast.Literal)
    return expr.operand if signed else expr


def _compound(inner: SearchStrategy) -> SearchStrategy:
    signs = st.sampled_from("+-")
    exponents = inner.map(_modest)
    keywords = st.builds(ast.Keyword, names, inner, st.just(HERE), st.just(HERE))
    maybe = st.none() | inner
    slices = st.builds(ast.Slice, maybe, maybe, maybe, st.just(HERE))
    items = inner | slices | st.just(ast.Dots(HERE))
    links = st.builds(
        ast.Link, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), inner, st.just(HERE)
    )
    factors = st.builds(
        ast.Factor, st.sampled_from(["*", "/", "//", "%", "@"]), inner, st.just(HERE)
    )
    return st.one_of(
        _many(inner).map(lambda xs: ast.Tuple(xs, HERE)),
        sums(inner, st.none(), least=2),
        st.builds(ast.Product, inner, _many(factors, 1), st.just(HERE)),
        st.builds(ast.Unary, signs | st.just("not"), inner, st.just(HERE)),
        st.builds(ast.Power, inner, exponents, st.just(HERE)),
        st.builds(ast.Comparison, inner, _many(links, 1), st.just(HERE)),
        st.builds(ast.Logical, st.sampled_from(["and", "or"]), _many(inner, 2), st.just(HERE)),
        st.builds(ast.Conditional, inner, inner, inner, st.just(HERE)),
        st.builds(
            ast.Call,
            functions,
            _many(inner),
            _many(keywords, 0, 2, _name),
            st.just(HERE),
            st.just(HERE),
        ),
        st.builds(ast.Index, inner, _many(items, 1), _many(keywords, 0, 1), st.just(HERE)),
        st.builds(ast.Attribute, inner, names, st.just(HERE)),
    )


def sums(values: SearchStrategy, labels: SearchStrategy, *, least: int) -> SearchStrategy:
    """Sums of at least so many addends, the first of which has no sign."""
    first = st.builds(ast.Addend, st.just("+"), values, labels, st.just(HERE), st.just(HERE))
    other = st.builds(
        ast.Addend, st.sampled_from("+-"), values, labels, st.just(HERE), st.just(HERE)
    )
    return st.builds(
        lambda head, rest: ast.Sum((head, *rest), HERE), first, _many(other, least - 1, 4)
    )


expressions = st.recursive(_leaves, _compound, max_leaves=12)
results = expressions | sums(expressions, st.none() | names, least=2) | sums(
    expressions, names, least=1
)  # fmt: skip


# Types and signatures

_products = st.lists(st.sampled_from("BTCK"), min_size=1, max_size=3).map(sorted).map(tuple)
_symbols = st.dictionaries(_products, st.integers(-9, 9).filter(bool), max_size=2)
_sizes = st.builds(
    lambda constant, terms: added(
        [(k, Polynomial(0, ((product, 1),))) for product, k in terms.items()], constant
    ),
    st.integers(-9, 99),
    _symbols,
)
dims = st.one_of(
    _sizes.map(lambda size: ast.DimExpr(size.constant, size.terms, HERE)),
    st.just(ast.AnyDim(HERE)),
    (st.none() | st.sampled_from("SXR")).map(lambda name: ast.Run(name, HERE)),
)
array_types = st.builds(ast.ArrayTypeExpr, dtypes, _many(dims), roles, st.just(HERE))
tree_types = st.builds(ast.TreeTypeExpr, st.none() | array_types, roles, st.just(HERE))
input_types = st.recursive(
    array_types | tree_types,
    lambda inner: _many(st.builds(ast.FieldExpr, names, inner, st.just(HERE)), 1, by=_name).map(
        lambda fields: ast.RecordTypeExpr(fields, HERE)
    ),
    max_leaves=4,
)
_words = st.one_of(
    st.sampled_from(["text", "shape", "axes", "constraint"]).map(lambda word: (word, ())),
    dtypes.map(lambda dtype: ("static", (dtype,))),
    st.lists(st.sampled_from("KM"), min_size=1, max_size=2, unique=True).map(
        lambda ks: ("axis", tuple(ks))
    ),
    st.just(("constraint", ("params",))),
    st.integers(0, 3).map(lambda n: ("function", (str(n),))),
).map(lambda pair: ast.WordTypeExpr(*pair, HERE))
_choices = _many(texts, 1, by=str).map(lambda options: ast.ChoiceTypeExpr(options, HERE))


def _joined(options: tuple[ast.TypeExpr, ...]) -> ast.TypeExpr:
    return options[0] if len(options) == 1 else ast.UnionTypeExpr(options, HERE)


_alternatives = _many(input_types | _words, 1, 2, by=lambda kind: kind).map(_joined)
_required = _alternatives | _choices | st.tuples(_choices, input_types).map(_joined)
parameter_types = _required | st.builds(ast.OptionalTypeExpr, _required, st.just(HERE))
_negative = st.sampled_from([-1, -2.5, float("-inf")]).map(lambda n: ast.Literal(n, HERE))
_defaults = _negative | expressions.map(_unsigned)
parameters = st.builds(
    ast.Parameter,
    names,
    st.none() | parameter_types,
    st.none() | _defaults,
    st.booleans(),
    st.just(HERE),
)
signatures = st.builds(
    ast.Signature,
    functions,
    _many(parameters, by=_name),
    st.none() | parameter_types,
    st.just(HERE),
)
# A definition has a fixed number of parameters.
_defined = st.builds(
    ast.Signature,
    functions,
    _many(parameters.map(lambda one: replace(one, variadic=False)), by=_name),
    st.none() | parameter_types,
    st.just(HERE),
)


# Statements and programs

_scalars = st.builds(ast.ArrayTypeExpr, dtypes, st.just(()), roles, st.just(HERE))
_values = (st.integers(-(10**6), 10**6) | st.floats(allow_nan=False) | st.booleans()).map(
    lambda value: ast.Literal(value, HERE)
)


def _declaration(ids: tuple[str, ...], kind: ast.TypeExpr, default: ast.Literal | None):
    return ast.Declaration(ids, kind, default, HERE, (HERE,) * len(ids))


declarations = st.builds(_declaration, _many(names, 1), input_types, st.none()) | st.builds(
    _declaration, _many(names, 1, 1), _scalars, _values
)
definitions = st.builds(
    ast.Definition, st.sampled_from(["def", "loss"]), _defined, expressions, st.just(""),
    st.just(HERE),
)  # fmt: skip
_others = st.one_of(
    st.builds(ast.Binding, names, expressions, st.just(HERE), st.just(HERE)),
    st.builds(ast.Metric, names, expressions, st.just(HERE)),
    definitions,
)
_bare = st.builds(ast.Result, st.none(), results, st.just(True), st.just(HERE)).map(lambda x: [x])
_named = st.lists(
    st.builds(ast.Result, names, results, st.just(False), st.just(HERE)), min_size=1, max_size=2
)
_unnamed = st.builds(ast.Result, st.none(), results, st.just(False), st.just(HERE)).map(
    lambda x: [x]
)
_statements = st.builds(
    lambda others, found, place: [*others[:place], *found, *others[place:]],
    st.lists(_others, max_size=3, unique_by=_defined_name),
    _named | _unnamed,
    st.integers(0, 3),
)
_versions = st.sampled_from([None, 1])


def _program(version: int | None, *parts: list[ast.Statement]) -> ast.Program:
    return ast.Program(version, tuple(x for part in parts for x in part), (), HERE)


programs = st.builds(_program, _versions, st.lists(declarations, max_size=3), _bare | _statements)
libraries = st.builds(
    _program, _versions, st.lists(definitions, max_size=3, unique_by=_defined_name)
)


# Texts


@st.composite
def commented(draw: st.DrawFn) -> str:
    """Return the text of a program with comments and line breaks wherever they may stand."""
    text = format_program(draw(programs))
    places = [at for at in range(len(text)) if text[at] in " \n" and not _in_string(text, at)]
    comments = st.sampled_from(["# one", "## two", "# \"three'", "#", "#(", "\n# own", "\n"])
    for at in sorted(draw(st.sets(st.sampled_from(places), max_size=5)), reverse=True):
        text = f"{text[:at]} {draw(comments)}\n{text[at + 1 :]}"
    return text


def _in_string(text: str, at: int) -> bool:
    line = text[text.rfind("\n", 0, at) + 1 : at]
    quote = ""
    for character in line:
        if character == quote:
            quote = ""
        elif not quote and character in "\"'":
            quote = character
    return bool(quote)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Return the text of a program after a few careless edits."""
    text = draw(commented())
    pieces = st.sampled_from(
        [*"()[]{},:=+-*/<>!&|^.?\"'#\n\0\\ ", "**", "==", "as ", "if ", "loss "]
    )
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = start + draw(st.integers(0, 3))
        text = text[:start] + draw(pieces | st.just("") | st.characters()) + text[end:]
    return text
