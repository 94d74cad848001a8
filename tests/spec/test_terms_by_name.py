"""`terms` and `weights` beside a text: what they stand for, and where a mistake in them is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lossdsl
from lossdsl.core.same import fingerprints
from lossdsl.spec.read import read_spec
from lossdsl.syntax.format import format_program
from lossdsl.syntax.parse import parse_program

DECAY = {"text": "sum_squares(params)", "weight": 1e-4, "on": True}
SCHEDULE = "linear_schedule(step, 0, 1e-2, 1000)"

# What a mapping stands for.
TEXTS: dict[str, tuple[dict[str, Any], str]] = {
    "terms alone": (
        {"terms": {"fit": "mse(out, tgt)", "decay": DECAY}},
        "mse(out, tgt) as fit + 0.0001*sum_squares(params) as decay",
    ),
    "behind a text": (
        {"text": "mse(out, tgt)", "terms": {"decay": DECAY}},
        "mse(out, tgt) + 0.0001*sum_squares(params) as decay",
    ),
    "behind the loss of a text": (
        {"text": "fit = mse(out, tgt) loss = fit metric m = fit", "terms": {"decay": DECAY}},
        "fit = mse(out, tgt) loss = fit + 0.0001*sum_squares(params) as decay metric m = fit",
    ),
    "a named result": (
        {"text": "loss actor = mean(a)", "terms": {"b": "mean(c)"}},
        "loss actor = mean(a) + mean(c) as b",
    ),
    "reading bindings": (
        {"text": "p = softmax(z)", "terms": {"fit": "mse(p, y)"}},
        "p = softmax(z) loss = mse(p, y) as fit",
    ),
    "reading declarations": (
        {"text": "x: f32[B] k: float = 2", "terms": {"fit": {"text": "mean(x)", "weight": "k"}}},
        "x: f32[B] k: float = 2 k*mean(x) as fit",
    ),
    "a term off": (
        {"text": "mean(a)", "terms": {"b": {"text": "mean(c)", "on": False}, "d": "mean(e)"}},
        "mean(a) + mean(e) as d",
    ),
    "YAML 1.1's on": (
        {"text": "mean(a)", "terms": {"b": {"text": "mean(c)", True: False}}},
        "mean(a)",
    ),
    "an on put over YAML 1.1's": (
        {"text": "mean(a)", "terms": {"b": {"text": "mean(c)", True: True, "on": False}}},
        "mean(a)",
    ),
    "several addends": (
        {"terms": {"a": {"text": "mean(x) - mean(y)", "weight": 2}, "b": "mean(x) - 1"}},
        "2*(mean(x) - mean(y)) as a + (mean(x) - 1) as b",
    ),
    "a product": (
        {"terms": {"a": {"text": "3*mean(x)/2", "weight": 2}}},
        "2*(3*mean(x)/2) as a",
    ),
    "a weight of factors": (
        {"text": "k: float = 2 x: f32[B]", "terms": {"a": {"text": "mean(x)", "weight": "k/2"}}},
        "k: float = 2 x: f32[B] k/2*mean(x) as a",
    ),
    "negative weights": (
        {
            "terms": {
                "a": {"text": "mean(x)", "weight": -2},
                "b": {"text": "-mean(y)", "weight": -3},
            }
        },
        "-2*mean(x) as a - 3*(-mean(y)) as b",
    ),
    "a schedule": (
        {"text": "mean(x)", "terms": {"a": {"text": "mean(y)", "weight": SCHEDULE}}},
        f"mean(x) + {SCHEDULE}*mean(y) as a",
    ),
    "a condition": (
        {"text": "mean(x) if true else mean(y)", "terms": {"a": "mean(x) if false else mean(y)"}},
        "(mean(x) if true else mean(y)) + (mean(x) if false else mean(y)) as a",
    ),
    "weights of a text": (
        {"text": "fit = mse(out, tgt) loss = fit - 0.1*mean(abs(out))", "weights": {"abs": 2}},
        "fit = mse(out, tgt) loss = fit as fit + 2*mean(abs(out)) as abs",
    ),
    "weights of terms": (
        {"text": "mse(out, tgt)", "terms": {"decay": DECAY}, "weights": {"decay": 0.1, "mse": 2}},
        "2*mse(out, tgt) as mse + 0.1*sum_squares(params) as decay",
    ),
    "the weight of a term that is off": (
        {"terms": {"a": "mean(x)", "b": {"text": "mean(y)", "on": False}}, "weights": {"b": 2}},
        "mean(x) as a",
    ),
    "weights of results": (
        {"text": "loss a = mean(x) loss b = mean(y) + 3*max(z) as top", "weights": {"b/top": -1}},
        "loss a = mean(x) as x loss b = mean(y) as y - 1*max(z) as top",
    ),
    "a schedule among weights": (
        {"text": "mean(x) + 0.1*sum(y)/4 as s", "weights": {"s": SCHEDULE}},
        f"mean(x) as x + {SCHEDULE}*sum(y) as s",
    ),
}


def canonical(text: str) -> str:
    program, found = parse_program(lossdsl.source.Source(text))
    assert program, found
    return format_program(program)


def keys(result: lossdsl.CheckResult) -> list[tuple[str, list[str]]]:
    """Return the terms of a right spec by name, with what they compute."""
    core = result.program
    assert core, result.diagnostics
    known = fingerprints(core.roots)
    return [
        (term.name, [known[term.raw], known[term.weight], known[term.weighted]])
        for outcome in core.results
        for term in outcome.terms
    ] + [(outcome.name, [known[outcome.value]]) for outcome in core.results]


@pytest.mark.parametrize(("mapping", "text"), TEXTS.values(), ids=TEXTS)
def test_a_mapping_is_the_text_that_it_stands_for(mapping: dict[str, Any], text: str) -> None:
    loss = lossdsl.compile(mapping)
    assert loss.text == canonical(text)
    assert keys(lossdsl.check(mapping)) == keys(lossdsl.check(text))
    assert lossdsl.check(mapping).signature == lossdsl.check(text).signature
    assert lossdsl.compile(mapping) is loss
    assert lossdsl.compile(loss.text).term_names == loss.term_names


@pytest.mark.parametrize(("mapping", "text"), TEXTS.values(), ids=TEXTS)
def test_a_model_of_it_is_its_own_dump(mapping: dict[str, Any], text: str, tmp_path: Path) -> None:
    model = lossdsl.LossSpec.model_validate(mapping)
    assert lossdsl.compile(model).text == canonical(text)
    assert lossdsl.LossSpec.model_validate(model.model_dump()) == model
    assert lossdsl.LossSpec.model_validate_json(model.model_dump_json()) == model
    if True in str(mapping).split():
        return
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"loss": model.model_dump()}))
    assert lossdsl.compile(lossdsl.load(path)).text == canonical(text)


def test_the_numbers_are_those_of_the_text() -> None:
    mapping, _ = TEXTS["weights of terms"]
    inputs = {"out": jnp.full((2, 3), 2.0), "tgt": jnp.zeros((2, 3)), "params": {"k": jnp.ones(5)}}
    value, terms = lossdsl.compile(mapping).with_terms(**inputs)
    assert np.float32(value) == np.float32(2 * 4 + 0.1 * 5)
    assert {name: float(weight) for name, weight in terms.weight.items()} == {
        "mse": 2.0,
        "decay": pytest.approx(0.1),
    }


NAMES = st.sampled_from(["a", "b", "c"])
EXPRESSIONS = st.recursive(
    st.sampled_from(["mean(x)", "max(y)", "2", "k"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/"]), inner).map(" ".join),
        inner.map("({})".format),
        inner.map("-({})".format),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} if k < 1 else {two[1]})"),
    ),
    max_leaves=5,
)


@given(EXPRESSIONS, st.dictionaries(NAMES, st.tuples(EXPRESSIONS, EXPRESSIONS), min_size=1))
def test_any_terms_are_the_text_that_is_printed(
    text: str, terms: dict[str, tuple[str, str]]
) -> None:
    mapping = {
        "text": f"x, y: f32[B] k: float = 1 loss = mean(x) + {text}",
        "terms": {name: {"text": f"mean(x) + {t}", "weight": w} for name, (t, w) in terms.items()},
    }
    result = lossdsl.check(mapping)
    if not result.ok:  # a value that overflows, or a division by 0
        return
    printed = lossdsl.compile(mapping).text
    assert keys(lossdsl.check(printed)) == keys(result)
    assert lossdsl.format(printed) == printed


# A file, the code, and the line and column of what is found.
PLACES = {
    "plain": ("a.yaml", "loss:\n  terms:\n    a: mean(l2sqrt(x))\n", "LD101", (3, 13)),
    "block": ("a.yaml", "loss:\n terms:\n  a: |\n    mean(x)\n    + nn(x)\n", "LD101", (5, 7)),
    "folded": ("a.yaml", "loss:\n terms:\n  a: >\n    mean(x)\n    + nn(x)\n", "LD101", (5, 7)),
    "quotes": ("a.yaml", 'loss: {terms: {a: "mean(p[\\"k\\"]) + nn(x)"}}', "LD101", (1, 37)),
    "single quotes": ("a.yaml", "loss: {terms: {a: 'max(p[''k'']) + nn(x)'}}", "LD101", (1, 36)),
    "a text": ("a.yaml", "loss: {terms: {a: {text: nn(x)}}}", "LD101", (1, 26)),
    "a weight": ("a.yaml", "loss: {terms: {a: {text: mean(x), weight: nn(2)}}}", "LD101", (1, 43)),
    "the weight 0": ("a.yaml", "loss: {terms: {a: x, b: {text: y, weight: 0}}}", "LD431", (1, 32)),
    "a key": ("a.yaml", "loss: {terms: {a: {text: x, weigth: 2}}}", "LD705", (1, 29)),
    "a name": ("a.yaml", "loss: {terms: {a-b: mean(x)}}", "LD002", (1, 16)),
    "a name in quotes": ("a.yaml", "loss: {terms: {'a-b': mean(x)}}", "LD002", (1, 17)),
    "a label": ("a.yaml", "loss: {terms: {a: mean(x) as a}}", "LD711", (1, 19)),
    "a statement": ("a.yaml", "loss: {terms: {a: 'b = x  loss = mean(b)'}}", "LD711", (1, 20)),
    "two results": ("a.yaml", "loss: {text: loss a=x loss b=y, terms: {c: z}}", "LD711", (1, 23)),
    "weights": ("a.yaml", "loss: {text: mean(x), weights: {y: 2}}", "LD103", (1, 33)),
    "a weight by name": ("a.yaml", "loss: {text: mean(x), weights: {x: nn(2)}}", "LD101", (1, 36)),
    "a weight that is none": ("a.yaml", "loss: {text: x, weights: {x: [2]}}", "LD705", (1, 27)),
    "a term that is none": ("a.yaml", "loss:\n  terms:\n    a:\n", "LD705", (3, 5)),
    "no term on": ("a.yaml", "loss: {terms: {a: {text: x, on: false}}}", "LD124", (1, 16)),
    "on": ("a.yaml", "loss: {terms: {a: {text: x, on: 3}}}", "LD705", (1, 29)),
    "a tag": ("a.yaml", "loss: {terms: {a: {text: !x y}}}", "LD703", (1, 26)),
    "a comment": ("a.yaml", "loss:\n  terms:\n    a: >\n      x # c\n      + y\n", "LD706", (4, 9)),
    "merged": ("a.yaml", "b: &b {text: nn(x)}\nloss: {terms: {a: {<<: *b}}}", "LD101", (1, 14)),
    "a label twice": ("a.yaml", "loss: {text: max(x) as a, terms: {a: max(y)}}", "LD109", (1, 38)),
    "JSON": ("a.json", '{"loss": {"terms": {"a": "max(x)",\n "b": "nn(x)"}}}', "LD101", (2, 8)),
    "JSON, a weight": (
        "a.json",
        '{"n": 1, "loss": {"terms": {"a": {"text": "max(x)", "weight": "nn(1)"}}}}',
        "LD101",
        (1, 64),
    ),
    "JSON, a number": (
        "a.json",
        '{"n": 1e99, "loss": {"text": "x: f32[B] mean(x)",\n "weights": {"x": 1e99}}}',
        "LD501",
        (2, 19),
    ),
    "JSON, a name": ("a.json", '{"a-b": 1,\n "loss": {"terms": {"a-b": "x"}}}', "LD002", (2, 22)),
    "JSON, a key": ("a.json", '{"txt": 1,\n "loss": {"txt": "max(x)"}}', "LD705", (2, 12)),
    "JSON, weights": ("a.json", '{"loss": {"text": "x", "weights": {"y": 2}}}', "LD103", (1, 37)),
    "TOML": ("a.toml", "[loss.terms]\na = 'max(x)'\nb = '''\nnn(x)'''\n", "LD101", (4, 1)),
    "TOML, a table": ("a.toml", "[loss.terms.a-b]\ntext = 'max(x)'\n", "LD002", (1, 13)),
    "TOML, a key": ("a.toml", "[loss]\ntext = 'x'\n[loss.wieghts]\na = 1\n", "LD705", (3, 7)),
    "TOML, weights": ("a.toml", "loss.text = 'x'\nloss.weights.y = 1\n", "LD103", (2, 14)),
}  # fmt: skip


@pytest.mark.parametrize(("name", "text", "code", "place"), PLACES.values(), ids=PLACES)
def test_the_place_of_what_is_found(
    name: str, text: str, code: str, place: tuple[int, int], tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    written, found = read_spec(tmp_path / name)
    if written is not None:
        found = lossdsl.check(written).diagnostics
    assert [each.code for each in found] == [code]
    (span,) = [found[0].span]
    assert span
    assert span.source.position(span.start) == place
    assert span.source.name == str(tmp_path / name)
    assert str(found[0])


MEANT = {
    "a key": ({"txet": "max(x)"}, "did you mean `text`?"),
    "terms": ({"term": {"a": "max(x)"}}, "did you mean `terms`?"),
    "a key of a term": ({"terms": {"a": {"text": "x", "wieght": 2}}}, "did you mean `weight`?"),
    "a term": ({"text": "x as decay", "weights": {"dcay": 2}}, "did you mean `decay`?"),
    "another term": ({"text": "x as decay", "weights": {"fit": 2}}, "its terms: `decay`"),
    "an input": (
        {"terms": {"a": "mse(out, tgtt)"}, "inputs": {"out": "f32[B]", "tgt": "f32[B]"}},
        "did you mean `tgt`?",
    ),
    "an input of a weight": (
        {"terms": {"a": {"text": "x", "weight": "dcay"}}, "inputs": {"x": "f32", "decay": 1}},
        "did you mean `decay`?",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("mapping", "help"), MEANT.values(), ids=MEANT)
def test_what_was_meant(mapping: dict[str, Any], help: str) -> None:
    (found,) = lossdsl.check(mapping).diagnostics
    assert (found.help or "").startswith(help)


def test_a_comma_of_yaml_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    for text in ("{text: mse(a, b)}", "{terms: {fit: {text: mse(a, b), weight: 2}}}"):
        path.write_text(f"loss: {text}\n")
        (found,) = read_spec(path)[1]
        assert found.help == "within `{…}` YAML ends a text at a comma: write it in quotes"


def test_a_mapping_of_python_has_places_in_its_own_texts() -> None:
    mapping = {"terms": {"a": "mean(x)", "b": {"text": "mean(\n  nn(x))", "weight": 2}}}
    (found,) = lossdsl.check(mapping).diagnostics
    assert "--> <loss.terms.b>:2:3\n" in str(found)
    loss = lossdsl.compile({"terms": {"a": "mean(x)", "b": "mse(x, y)"}})
    with pytest.raises(lossdsl.LossError, match=r"<loss\.terms\.b>:1:8"):
        loss(x=jnp.ones(3), y=jnp.ones(4))


def test_an_input_that_only_a_term_that_is_off_reads_is_still_passed() -> None:
    inputs = {"x": "f32[B]", "params": "tree"}
    terms = {"a": "mean(x)", "decay": {"text": "sum_squares(params)", "on": False}}
    loss = lossdsl.compile({"terms": terms, "inputs": inputs})
    assert float(loss(x=jnp.ones(3), params={"k": jnp.ones(2)})) == 1
