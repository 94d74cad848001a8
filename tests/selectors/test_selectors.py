"""The selector language as tables, and against a naive matcher."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path as File

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lossdsl.selectors
from lossdsl.selectors import (
    Problem,
    Selector,
    close,
    duplicates,
    flatten,
    parse_selector,
    relative,
    resolve,
    select,
)

FOLDER = File(lossdsl.selectors.__file__).parent

# Canonical text of what is written.
CANONICAL = {
    "kernel": "kernel",
    "**/kernel": "kernel",
    "/**/kernel": "kernel",
    "/tau": "/tau",
    "**": "**",
    "**/**": "**",
    "/**": "**",
    "a/**/**/b": "a/**/b",
    "kernel|weight": "kernel | weight",
    " weight   |  kernel ": "kernel | weight",
    "kernel | **/kernel": "kernel",
    "** !bias !norm*/**": "** !bias !norm*/**",
    "!norm*/** ** !bias": "** !bias !norm*/**",
    "kernel!bias": "kernel !bias",
    "[ab] | [!ab]?": "[!ab]? | [ab]",
    "w[|] | x[ !]": "w[|] | x[ !]",
    "[]] | [!]]": "[!]] | []]",
    "linear/~/w": "linear/~/w",
    "größe": "größe",
}

# What is wrong, and where.
PROBLEMS = {
    "": ("expected a pattern that selects something", 0),
    "   ": ("expected a pattern that selects something", 0),
    "!bias": ("expected a pattern that selects something", 0),
    "a b": ("expected `|` or `!` before `b`", 2),
    "| a": ("expected a pattern before `|`", 0),
    "a | | b": ("expected a pattern before `|`", 4),
    "a !! b": ("expected a pattern before `!`", 3),
    "a !| b": ("expected a pattern before `|`", 3),
    "a |": ("expected a pattern after `|`", 2),
    "a !": ("expected a pattern after `!`", 2),
    "/": ("an empty segment in `/`", 1),
    "a//b": ("an empty segment in `a//b`", 2),
    "x | a/": ("an empty segment in `a/`", 6),
    "//a": ("an empty segment in `//a`", 1),
    "a/**b": ("`**` inside the segment `**b`", 2),
    "a/[x": ("`[` without `]` in `[x`", 2),
    "[]": ("`[` without `]` in `[]`", 0),
    "k[a][": ("`[` without `]` in `k[a][`", 4),
    "[a/b]": ("`[` without `]` in `[a`", 0),
}

TREE = {
    "encoder/0/kernel": (2, "f32"),
    "encoder/0/bias": (1, "f32"),
    "encoder/1/kernel": (2, "bf16"),
    "decoder/kernel": (4, "f32"),
    "norm1/scale": (1, "f32"),
    "norm1/bias": (1, "f32"),
    "lif/tau": (0, "f32"),
    "tau": (1, "f64"),
    "count": (0, "i32"),
}

# Selector text, and the numbers of the leaves above that it selects.
SELECTED = {
    "**": "012345678",
    "kernel": "023",
    "encoder/**/kernel": "02",
    "encoder/**": "012",
    "encoder/*": "",
    "encoder/*/*": "012",
    "encoder": "",
    "/kernel": "",
    "/*/kernel": "3",
    "/tau": "7",
    "tau": "67",
    "*/tau": "6",
    "/**/tau": "67",
    "kernel | scale": "0234",
    "** !bias !norm*/**": "023678",
    "** !norm?/**": "0123678",
    "encoder/[0-4]/*": "012",
    "encoder/[!0]/*": "2",
    "[lt]*/tau": "6",
    "k*l": "023",
    "*": "012345678",
    "*a*": "14567",
    "decoder/** | encoder/** !kernel": "1",
    "0/kernel": "0",
}

# Exact paths and filters: the canonical text of the selector, and what it selects.
FILTERED = [
    (Selector(exact=("encoder",)), ".encoder", "012"),
    (Selector(exact=("encoder", "0", "kernel")), ".encoder[0].kernel", "0"),
    (Selector(exact=("encoder", "-1")), ".encoder[-1]", "2"),
    (Selector(exact=("encoder", "-3")), ".encoder[-3]", ""),
    (Selector(exact=("tau",)), ".tau", "7"),
    (Selector(exact=("kernel",)), ".kernel", ""),
    (Selector((("bias",),), exact=("norm1",)), '.norm1["/bias"]', "5"),
    (Selector(ndim=((">=", 2),)), '["**", ndim >= 2]', "023"),
    (Selector(ndim=(("==", 0),), dtype="float"), '["**", ndim == 0, dtype=float]', "6"),
    (Selector(dtype="f32"), '["**", dtype=f32]', "013456"),
    (Selector(dtype="int", optional=True), '["**", dtype=int, optional=true]', "8"),
    (Selector(ndim=(("<=", 2), (">=", 1))), '["**", ndim <= 2, ndim >= 1]', "012457"),
    (Selector(ndim=(("!=", 1),), dtype="bf16"), '["**", ndim != 1, dtype=bf16]', "2"),
]

CLOSE = [
    ("taus", ["lif/tau", "tau"]),
    ("encodr/**/kernel", ["encoder/0/kernel", "encoder/1/kernel"]),
    ("/norm1/scal", ["norm1/scale"]),
    ("bais", ["encoder/0/bias", "norm1/bias"]),
    ("/encodr/**", ["encoder/0/kernel", "encoder/0/bias"]),
    ("lif_0/taw", ["lif/tau", "tau"]),
    ("nrm*/scale | zzz", ["norm1/scale"]),
    ("zzz", []),
    ("**/*", []),
]

RELATIVE = [
    ("online/**", ["online/a/w", "online/b"], ["a/w", "b"]),
    ("/online/*/w", ["online/a/w", "online/b/w"], ["a/w", "b/w"]),
    ("online/**", ["net/online/a", "net/online/b"], ["a", "b"]),
    ("online/**", ["x/online/a", "y/online/a"], ["x/online/a", "y/online/a"]),
    ("kernel", ["a/kernel", "b/kernel"], ["a/kernel", "b/kernel"]),
    ("a* | b", ["a1", "b"], ["a1", "b"]),
    ("**", ["a/w", "a/b"], ["a/w", "a/b"]),
]


def paths(*texts: str) -> list[tuple[str, ...]]:
    return [tuple(text.split("/")) for text in texts]


def parsed(text: str) -> Selector:
    selector = parse_selector(text)
    assert isinstance(selector, Selector), selector
    return selector


def chosen(selector: Selector) -> str:
    ranks, dtypes = zip(*TREE.values(), strict=True)
    return "".join(map(str, select(selector, paths(*TREE), ranks, dtypes)))


def matched(selector: Selector, tree: Sequence[tuple[str, ...]]) -> tuple[int, ...]:
    return select(selector, tree, [0] * len(tree), ["f32"] * len(tree))


@pytest.mark.parametrize(("text", "canonical"), CANONICAL.items())
def test_a_selector_has_one_canonical_text(text: str, canonical: str) -> None:
    selector = parsed(text)
    assert selector.pattern_text == canonical
    assert parsed(canonical) == selector
    assert hash(parsed(canonical)) == hash(selector)


@pytest.mark.parametrize(("text", "message", "offset"), [(k, *v) for k, v in PROBLEMS.items()])
def test_a_wrong_selector_is_told_where(text: str, message: str, offset: int) -> None:
    problem = parse_selector(text)
    assert isinstance(problem, Problem)
    assert (problem.message, problem.offset, problem.limit) == (message, offset, False)


@pytest.mark.parametrize(("text", "leaves"), SELECTED.items())
def test_patterns_select(text: str, leaves: str) -> None:
    assert chosen(parsed(text)) == leaves


@pytest.mark.parametrize(("selector", "text", "leaves"), FILTERED)
def test_exact_paths_and_filters_select(selector: Selector, text: str, leaves: str) -> None:
    assert selector.text == text
    assert chosen(selector) == leaves


@pytest.mark.parametrize(("text", "near"), CLOSE)
def test_close_paths_are_named(text: str, near: list[str]) -> None:
    assert close(parsed(text), paths(*TREE)) == near


def test_close_paths_of_an_exact_path_may_be_subtrees() -> None:
    assert close(Selector(exact=("encodr",)), paths(*TREE), n=1) == ["encoder"]
    assert close(Selector(exact=("encoder", "0", "kernels")), paths(*TREE), n=1) == [
        "encoder/0/kernel"
    ]


def test_close_paths_cost_little_whatever_the_tree() -> None:
    tree = [(f"block{n}", "x" * 10_000) for n in range(20_000)]
    assert len(close(parsed("blok7/" + "x" * 200), tree, n=2)) == 2


@pytest.mark.parametrize(("text", "found", "short"), RELATIVE)
def test_selected_paths_are_relative(text: str, found: list[str], short: list[str]) -> None:
    assert relative(paths(*found), parsed(text)) == paths(*short)


def test_a_subtree_is_relative_to_its_root_and_a_leaf_to_itself() -> None:
    assert relative([("a", "0", "w")], Selector(exact=("a", "-1"))) == [("w",)]
    assert relative([("a", "w")], Selector(exact=("a", "w"))) == [()]


def test_a_key_that_looks_like_a_negative_index_is_itself() -> None:
    assert resolve(("a", "-1"), paths("a/-1", "a/0")) == ("a", "-1")
    assert resolve(("a", "-1"), paths("b/0")) == ("a", "-1")


def test_equal_paths_are_duplicates() -> None:
    assert duplicates(paths("a/b", "c", "a/b", "a/b", "c")) == paths("a/b", "c")
    assert duplicates(flatten({"a/b": 1.0, "a": {"b": 2.0}}).paths) == [("a", "b")]


def test_a_bare_array_is_a_tree_of_one_leaf() -> None:
    assert flatten(1.0).paths == [()]
    assert matched(Selector(), [()]) == (0,)
    assert matched(parsed("*"), [()]) == ()


# Against a naive matcher

SEGMENTS = st.text("ab-]!", min_size=1, max_size=4)
PATHS = st.lists(st.lists(st.text("ab-]![", max_size=4), max_size=5).map(tuple), max_size=6)
CLASSES = st.builds(
    "[{}{}{}]".format,
    st.sampled_from(["", "!"]),
    st.sampled_from(["a", "b", "-", "]"]),
    st.text("ab-[!*? |", max_size=3),
)
GLOBS = st.lists(st.sampled_from(["a", "b", "*", "?"]) | CLASSES, min_size=1, max_size=4)
PATTERNS = st.lists(st.just("**") | GLOBS.map("".join), min_size=1, max_size=5).map("/".join)


def naive(pattern: tuple[str, ...], path: tuple[str, ...]) -> bool:
    match pattern, path:
        case ((), ()):
            return True
        case (("**", *rest), _):
            return any(naive(tuple(rest), path[at:]) for at in range(len(path) + 1))
        case ((first, *rest), (segment, *below)):
            return fnmatchcase(segment, first) and naive(tuple(rest), tuple(below))
        case _:
            return False


@given(st.lists(PATTERNS, min_size=1, max_size=2), st.lists(PATTERNS, max_size=2), PATHS)
def test_selection_is_what_a_naive_matcher_says(
    patterns: list[str], exclusions: list[str], tree: list[tuple[str, ...]]
) -> None:
    text = " ".join([" | ".join(patterns), *("!" + pattern for pattern in exclusions)])
    selector = parse_selector(text)
    if isinstance(selector, Problem):
        assert selector.limit or selector.message.startswith("`**` inside the segment")
        return

    def any_of(texts: list[str], path: tuple[str, ...]) -> bool:
        return any(naive(("**", *text.split("/")), path) for text in texts)

    expected = [any_of(patterns, path) and not any_of(exclusions, path) for path in tree]
    assert matched(selector, tree) == tuple(n for n, hit in enumerate(expected) if hit)
    assert parse_selector(selector.pattern_text) == selector


@given(st.text("ab*?/[]!-| ", max_size=20) | st.text(max_size=20), PATHS)
def test_any_text_gives_a_selector_or_a_problem(text: str, tree: list[tuple[str, ...]]) -> None:
    selector = parse_selector(text)
    if isinstance(selector, Problem):
        assert 0 <= selector.offset <= len(text)
        return
    matched(selector, tree)
    close(selector, tree)
    relative(tree, selector)
    assert parse_selector(selector.pattern_text) == selector
