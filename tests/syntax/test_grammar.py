"""The grammar has no conflict, its README is true, and every construct makes the tree it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lark import Lark

from lossdsl.source import Source
from lossdsl.syntax import ast
from lossdsl.syntax.format_nodes import format_dim
from lossdsl.syntax.grammar import STARTS, grammar_text
from lossdsl.syntax.names import RESERVED
from lossdsl.syntax.parse import parse_program, parse_signature, parse_type
from lossdsl.syntax.transform import ToAst


def strict(text: str) -> Lark:
    return Lark(text, parser="lalr", strict=True, start=list(STARTS), maybe_placeholders=False)


def test_no_conflict() -> None:
    strict(grammar_text())


def test_the_strict_mode_would_find_one() -> None:
    ambiguous = grammar_text().replace("sum: _addend (", "sum: _addend _addend | _addend (")
    assert ambiguous != grammar_text()
    with pytest.raises(Exception, match="Reduce"):
        strict(ambiguous)


def test_every_rule_has_a_method() -> None:
    rules = {rule.origin.name for rule in strict(grammar_text()).rules}
    named = {str(name) for name in rules if not name.startswith("_")} - {"statement", "input_type"}
    assert named == {name for name in named if hasattr(ToAst, name)}


def test_reserved_words_are_those_of_the_grammar() -> None:
    (excluded,) = re.findall(r"NAME: /\(\?!\(([^)]*)\)", grammar_text())
    assert set(excluded.split("|")) - {"_"} == RESERVED


@pytest.mark.parametrize("word", sorted(RESERVED))
def test_a_reserved_word_is_no_name(word: str) -> None:
    for text in (f"f({word}=1)", f"x.{word}", f"{word} = 1\nloss = a"):
        assert parse_program(Source(text))[0] is None
    assert parse_program(Source(f"{word}s + x{word}"))[0] is not None


README = (Path(__file__).parents[2] / "grammar" / "README.md").read_text(encoding="utf-8")


def outline(node: object, indent: str = "") -> list[str]:
    """Return a tree as lines: a node's class and plain fields, its children indented below."""
    plain = [
        repr(value)
        for name in node.__dataclass_fields__  # type: ignore[attr-defined]
        if "span" not in name and _plain(value := getattr(node, name))
    ]
    lines = [f"{indent}{' '.join((type(node).__name__, *plain))}"]
    for child in ast.children(node):
        lines += outline(child, indent + "  ")
    return lines


def _plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


@pytest.mark.parametrize(
    ("text", "tree"), re.findall(r"```loss\n(.*?)\n```\n+```\n(.*?)\n```", README, re.DOTALL)
)
def test_worked_trees(text: str, tree: str) -> None:
    program, found = parse_program(Source(text))
    assert program is not None, found
    assert [line for x in program.statements for line in outline(x)] == tree.split("\n")


def test_the_table_of_precedence() -> None:
    """Each row of the table binds looser than the row below it."""
    rows = re.findall(r"^\| \d+ \| .*? \| `([^`]*)` \| `([^`]*)` \|", README, re.MULTILINE)
    assert len(rows) >= 9
    for written, grouped in rows:
        assert parse_program(Source(written))[0] == parse_program(Source(grouped))[0], written


SIGNATURES = """
cross_entropy(z: logits float[*S, K], y: labels int[*S], class_axis: axis[K] = -1) -> float[*S]
ctc(z: logits float[*S, T, K], y: labels int[*S, L], z_length: int[*S]? = none, blank: static int = 0) -> float[*S]
dice(p: probs float[B, *X, K], t: float[B, *X, K], class_axis: axis[K] = -1, smooth: float = 1) -> float[B, K]
info_nce(q: float[N, D], k: float[N, D], temperature: float = 0.1, pairs: bool[N, N]? = none) -> float[N]
top_k(x: num[*S, K], k: static int, axis: axis[K] = -1) -> num[*S, k]
take_along(x: any[*S, K], index: int[*S, M], axis: axis[K, M] = -1) -> any[*S, M]
recurrence(b: float[*S, T], a: float[*S, T] | float, axis: axis[T], reverse: static bool = false) -> float[*S, T]
segment_mean(x: float[N, *R], by: int[N], segments: static int) -> float[segments, *R]
bounds(params: tree, *limits: constraint[params], law: "exp" | "hinge" = "exp", reduce: "sum" | "mean" = "sum") -> float
softmax(x: float[*S, K], axis: axis[K] = -1, temperature: float = 1, where: bool[*S, K]? = none) -> probs float[*S, K]
sparsity(spikes: tree[spikes float[B, ...]], max_spikes: float, norm: function[1] = huber) -> tree
penalty(*limits: constraint, law: "exp" | "hinge" = "exp") -> float
reshape(x: any[...], shape: shape) -> any[...]
mean(x: num[*S], axis: axes, keepdims: static bool = false, normalize: "weight" | "count" | float = "weight") -> float
map(f: function, tree: tree, *trees: any) -> tree
einsum(spec: text, *operands: num[...]) -> num[...]
zero() -> float
""".strip().splitlines()  # noqa: E501


@pytest.mark.parametrize("text", SIGNATURES)
def test_signatures_parse(text: str) -> None:
    signature, found = parse_signature(Source(text))
    assert signature is not None, found


def test_the_parts_of_a_signature() -> None:
    signature, _ = parse_signature(
        Source('f(x: static int? = none, a: axis[K, M] = -1, n: function[1], l: "a" | "b" | int)')
    )
    assert signature is not None
    static, axis, function, law = signature.parameters
    assert isinstance(static.type, ast.OptionalTypeExpr)
    assert isinstance(static.type.type, ast.WordTypeExpr)
    assert (static.type.type.word, static.type.type.arguments) == ("static", ("int",))
    assert isinstance(axis.type, ast.WordTypeExpr)
    assert (axis.type.word, axis.type.arguments) == ("axis", ("K", "M"))
    assert isinstance(axis.default, ast.Literal)
    assert axis.default.value == -1
    assert isinstance(function.type, ast.WordTypeExpr)
    assert (function.type.word, function.type.arguments) == ("function", ("1",))
    assert isinstance(law.type, ast.UnionTypeExpr)
    assert isinstance(law.type.options[0], ast.ChoiceTypeExpr)
    assert law.type.options[0].options == ("a", "b")


@pytest.mark.parametrize(
    ("text", "dims"),
    [
        ("f32", []),
        ("f32[]", []),
        ("f32[3]", ["3"]),
        ("f32[T-1]", ["T-1"]),
        ("f32[2*C + T*3 - C]", ["C+3*T"]),
        ("f32[T - T]", ["0"]),
        ("f32[-1 + B]", ["B-1"]),
        ("f32[W*H*2*B, C]", ["2*B*H*W", "C"]),
        ("f32[(B - 1)*C]", ["(B-1)*C"]),
        ("f32[-(B + 2)*(B - 2) + B**2]", ["4"]),
        ("f32[((H))**1]", None),
        ("f32[H*H*H + H**0]", ["H**3+1"]),
    ],
)
def test_dims_are_polynomials(text: str, dims: list[str] | None) -> None:
    kind, found = parse_type(Source(text))
    if dims is None:
        assert [one.code for one in found] == ["LD034"]
    else:
        assert isinstance(kind, ast.ArrayTypeExpr)
        assert list(map(format_dim, kind.dims)) == dims


def test_docs_are_the_lines_directly_above() -> None:
    text = "## lost\n\n## Squared.\n## cite: nobody\ndef f(x) = x*x\n# no doc\ndef g(x) = x"
    program, _ = parse_program(Source(text), library=True)
    assert program is not None
    assert [x.doc for x in program.statements if isinstance(x, ast.Definition)] == [
        "Squared.\ncite: nobody",
        "",
    ]


def test_spans_cover_what_was_written() -> None:
    text = "loss = (a + b)*f(x, k=[1]) as t".replace("[1]", "(1, )")
    program, _ = parse_program(Source(text))
    assert program is not None
    written = {type(x).__name__: x.span.text for x in ast.walk(program) if hasattr(x, "span")}
    assert written["Result"] == text
    assert written["Product"] == "(a + b)*f(x, k=(1, ))"
    assert written["Keyword"] == "k=(1, )"


def test_numbers_tell_their_kinds_apart() -> None:
    kinds = ["2", "2.0", "true", "0.0", "0", "false", "nan"]
    trees = [parse_program(Source(text))[0] for text in kinds]
    assert len(set(trees)) == len(kinds)
    assert trees[-1] == parse_program(Source("nan"))[0]
