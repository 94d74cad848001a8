"""Specs in YAML, JSON, TOML and `.loss` files: what is read, where it stands, what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

import lossdsl
from lossdsl.limits import FILE_SIZE
from lossdsl.source import Source, Span
from lossdsl.spec.align import align
from lossdsl.spec.read import read_spec
from lossdsl.spec.yaml import read_yaml

# Name of the file, its text, the key, and where the word `here` stands: line and column.
PLACES = {
    "literal": ("a.yaml", "a: 1\nloss: |\n  mse(out,\n      here)\nb: 2\n", "loss", (4, 7)),
    "literal, chomped": ("a.yaml", "loss: |-\n  # c\n  mean(here)", "loss", (3, 8)),
    "literal, indented by number": ("a.yaml", "loss: |2\n    mean(here)\n", "loss", (2, 10)),
    "literal, with a comment": ("a.yaml", "loss: | # c\n  mean(here)\n", "loss", (2, 8)),
    "folded": ("a.yaml", "loss: >\n  mse(a, b)\n\n  + mean(here)\n", "loss", (4, 10)),
    "plain": ("a.yaml", "loss: mean(here)\n", "loss", (1, 12)),
    "plain, two lines": ("a.yaml", "t:\n  loss: mean(a) +\n   mean(here)", "t.loss", (3, 9)),
    "single quotes": ("a.yaml", "loss: 'l2(p[''k'']) + here'", "loss", (1, 23)),
    "double quotes": ("a.yaml", 'loss: "l2(p[\\"k\\"]) + here"', "loss", (1, 23)),
    "escaped line break": ("a.yaml", 'loss: "a\\n + \\\n   here"', "loss", (2, 4)),
    "anchor": ("a.yaml", "x: &q |\n    mse(a, here)\nloss: *q\n", "loss", (2, 12)),
    "mapping": ("a.yml", "loss:\n  inputs: {a: f32}\n  text: a + here", "loss", (3, 13)),
    "in a list": ("a.yaml", "l:\n- x\n- loss: mean(here)\n", "l.1.loss", (3, 14)),
    "flow": ("a.yaml", "{loss: 'mean(here)'}", "loss", (1, 14)),
    "byte order mark": ("a.yaml", "\ufeffloss: mean(here)", "loss", (1, 12)),
    "Windows": ("a.yaml", "loss: |\r\n  mse(a,\r\n  here)\r\n", "loss", (3, 3)),
    "JSON": ("a.json", '{"o": {"loss": "here"},\n "loss": "p[\\"k\\"] + here"}', "loss", (2, 22)),
    "JSON, pairs": ("a.json", '{"loss": "\\ud83d\\ude00 \\u00e9 here"}', "loss", (1, 31)),
    "JSON, tabs": ("a.json", '{\n\t"loss": "mean(here)"}', "loss", (2, 16)),
    "TOML": ("a.toml", '[o]\nloss = "here"\n[t]\nloss = "mean(here)"', "t.loss", (4, 14)),
    "TOML, lines": ("a.toml", 'loss = """\nmse(a,\n  here)"""\n', "loss", (3, 3)),
    "TOML, literal": ("a.toml", "loss = '''\nmse(a,\n here)'''\n", "loss", (3, 2)),
    "TOML, dotted": ("a.toml", 'x = 1\nt.loss = "here"', "t.loss", (2, 11)),
    "JSON, a list": ("a.json", '{"l": ["x", "x", "here"]}', "l.2", (1, 19)),
    "JSON, like its key": ("a.json", '{"here": "here"}', "here", (1, 11)),
    "JSON, one of many": ("a.json", '{"l": [' + '"x", ' * 40 + '"here"]}', "l.40", (1, 209)),
    "TOML, a list": ("a.toml", 'l = [\'a\', """\nhere"""]\n', "l.1", (2, 1)),
    ".loss": ("a.loss", "mse(a,\n here)", "loss", (2, 2)),
    "tags elsewhere": ("a.yaml", "a: !x {b: !y [1]}\nloss: here\nc: !z d\n", "loss", (2, 7)),
    "a tag for a text": ("a.yaml", "loss: !!str here\n", "loss", (1, 13)),
    "merged": ("a.yaml", "x: &q {loss: here}\nt:\n  <<: *q\n", "t.loss", (1, 14)),
    "merged of several": (
        "a.yaml",
        "x: &q {loss: a}\ny: &r {loss: here}\nt: {<<: [*r, *q]}\n",
        "t.loss",
        (2, 14),
    ),
    "merged and its own": ("a.yaml", "x: &q {l: a}\nt:\n  l: here\n  <<: *q\n", "t.l", (3, 6)),
    "a second document": ("a.yaml", "a: 1\n---\nloss: here\n", "loss", (3, 7)),
    "a first document": ("a.yaml", "loss: here\n---\n...\n---\na: 1\n", "loss", (1, 7)),
    "a file that is a spec": ("a.yaml", "inputs: {here: f32}\ntext: here\n", "loss", (2, 7)),
    "JSON that is a spec": ("a.json", '{"text": "here"}', "loss", (1, 11)),
    "a file that is a spec, by a key": ("a.yaml", "loss: here", ".", (1, 7)),
    "a file that is a text": ("a.yaml", "|\n  a\n  + here", ".", (3, 5)),
    "a star": ("a.yaml", "l: {fit: here}\n", "l.*", (1, 10)),
}


def test_types_are_merged_too(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    types = "{<<: *types, b: 'f32[C]'}"
    text = f"t: &types {{a: 'f32[B]', b: 'f32[B]'}}\nloss: {{text: 'mse(a, b)', inputs: {types}}}\n"
    path.write_text(text)
    written, _ = read_spec(path)
    assert written
    assert {name: type.text for name, type in written.parts.inputs.items()} == {
        "a": "f32[B]",
        "b": "f32[C]",
    }
    assert written.parts.inputs["a"].position(0) == (1, 16)


@pytest.mark.parametrize("case", PLACES.values(), ids=PLACES)
def test_a_place_in_a_spec_is_a_place_in_the_file(
    case: tuple[str, str, str, tuple[int, int]], tmp_path: Path
) -> None:
    name, text, key, place = case
    (tmp_path / name).write_bytes(text.encode())
    written, found = read_spec(tmp_path / name, key)
    assert not found
    assert written
    start = written.source.text.index("here")
    span = Span(written.source, start, start + 4)
    assert written.source.position(start) == place
    assert span.in_file.text == "here"
    assert written.source.name == str(tmp_path / name)


def test_the_type_of_an_input_has_a_place_too(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("loss:\n  text: mean(out)\n  inputs:\n    out: f32[B, 10]\n")
    written, _ = read_spec(path)
    assert written
    assert written.parts.inputs["out"].text == "f32[B, 10]"
    assert written.parts.inputs["out"].position(0) == (4, 10)
    path.write_text("loss:\n  text: mean(out)\n  inputs:\n    out: f32[B,\n")
    with pytest.raises(lossdsl.LossError) as caught:
        lossdsl.load(path)
    (found,) = caught.value.diagnostics
    assert found.span is not None
    assert found.span.source.name == str(path)
    assert found.span.source.position(found.span.start)[0] == 4


REFUSED = {
    "a key twice": ("a.yaml", "loss: a\nloss: b\n", "LD703", (2, 1)),
    "a number as key twice": ("a.yaml", "1: a\n1: b\n", "LD703", (2, 1)),
    "a tag": ("a.yaml", "loss: !!python/object:os.system x", "LD703", (1, 7)),
    "a local tag": ("a.yaml", "loss: !env HOME", "LD703", (1, 7)),
    "a tagged mapping": ("a.yaml", "loss: !x {text: a}", "LD703", (1, 7)),
    "depth": ("a.yaml", "a: " + "[" * 5000, "LD703", (1, 35)),
    "32 levels": ("a.yaml", "[" * 31 + "[1]" + "]" * 31, "LD704", (1, 1)),
    "aliases": ("a.yaml", "a: &a x\nb: [" + "*a, " * 101 + "]", "LD703", (2, 405)),
    "a tag in a spec": ("a.yaml", "loss: {text: !x a}", "LD703", (1, 14)),
    "a tag of an input": ("a.yaml", "loss: {text: a, inputs: {a: !x f32}}", "LD703", (1, 29)),
    "a tag above": ("a.yaml", "t: !x {loss: a}\n", "LD704", (1, 1)),
    "a merge of no mapping": ("a.yaml", "a: &q [1]\nloss: {<<: *q, text: a}", "LD703", (2, 23)),
    "a tab": ("a.yaml", "loss: |\n\tmse(a, b)\n", "LD702", (2, 1)),
    "a slip of a file that is a spec": ("a.yaml", "text: a\nimputs: {}", "LD705", (2, 1)),
    "a text beside other keys": ("a.yaml", "text: a\ntitle: b", "LD704", (1, 1)),
    "an alias to nothing": ("a.yaml", "loss: *q", "LD703", (1, 7)),
    "a directive": ("a.yaml", "%YAML 1.21\n---\nloss: a", "LD703", (1, 1)),
    "two documents": ("a.yaml", "loss: a\n---\nloss: b\n", "LD704", (3, 7)),
    "a colon": ("a.yaml", "loss: out: f32[B]", "LD702", (1, 10)),
    "brackets in a flow": ("a.yaml", "loss: {text: x, inputs: {o: f32[B]}}", "LD702", (1, 32)),
    "a NUL": ("a.yaml", "loss: a\x00b", "LD702", (1, 8)),
    "nothing": ("a.yaml", "", "LD704", (1, 1)),
    "no mapping": ("a.yaml", "- a\n", "LD704", (1, 1)),
    "another key": ("a.yaml", "los: x\n", "LD704", (1, 1)),
    "a number": ("a.yaml", "loss: 1e-3", "LD705", (1, 1)),
    "a list": ("a.yaml", "loss: [a]", "LD705", (1, 1)),
    "nothing at the key": ("a.yaml", "loss:", "LD705", (1, 1)),
    "no text": ("a.yaml", "loss: {inputs: {}}", "LD705", (1, 1)),
    "two texts": ("a.yaml", "loss: {text: a, loss: b}", "LD705", (1, 17)),
    "a strange key": ("a.yaml", "loss: {text: a, input: {}}", "LD705", (1, 17)),
    "a strange type": ("a.yaml", "loss: {text: a, inputs: {a: [3]}}", "LD705", (1, 26)),
    "inputs as a list": ("a.yaml", "loss: {text: a, inputs: [a]}", "LD705", (1, 17)),
    "inputs beside the spec": (
        "a.yaml",
        "loss: mse(out, tgtt)\ninputs: {out: 'f32[B]', tgt: 'f32[B]'}\n",
        "LD705",
        (2, 16),
    ),
    "terms beside the spec": (
        "a.yaml",
        "loss: mse(out, tgt)\nterms: {decay: sum_squares(params)}\n",
        "LD705",
        (2, 9),
    ),
    "terms beside a mapping": (
        "a.yaml",
        "loss: {text: mean(out)}\nterm: {a: {text: max(out), weight: 2}}\n",
        "LD705",
        (2, 8),
    ),
    "weights beside the spec": ("a.yaml", "loss: mae(a, b)\nweights: {mae: 2}\n", "LD705", (2, 11)),
    "inputs beside a mapping": (
        "a.yaml",
        "a:\n  loss: {text: mean(out)}\n  inputs:\n    out: f32[B]\n",
        "LD704",
        (1, 1),
    ),
    "JSON, inputs beside the spec": (
        "a.json",
        '{"loss": "mean(x)", "imputs": {"x": "f32[B]"}}',
        "LD705",
        (1, 38),
    ),
    "TOML, inputs beside the spec": (
        "a.toml",
        "loss = 'mean(x)'\n[input]\nx = 'f32[B]'\n",
        "LD705",
        (3, 6),
    ),
    "a mapping in itself": ("a.yaml", "loss: &a {text: *a}", "LD705", (1, 11)),
    "a folded comment": ("a.yaml", "loss: >\n  a # b\n  + c\n", "LD706", (2, 5)),
    "JSON": ("a.json", '{"loss": }', "LD702", (1, 10)),
    "JSON, a key twice": ("a.json", '{"loss": "a",\n"loss": "b"}', "LD703", (2, 1)),
    "JSON, deep": ("a.json", "[" * 100_000, "LD703", (1, 1)),
    "JSON, 33 levels": ("a.json", "[" * 33 + "]" * 33, "LD703", (1, 1)),
    "JSON, 32 levels": ("a.json", "[" * 31 + "[1]" + "]" * 31, "LD704", (1, 1)),
    "JSON, a long number": ("a.json", "1" * 5000, "LD702", (1, 1)),
    "TOML": ("a.toml", "a = 1\nb = ", "LD702", (2, 5)),
    "TOML, a key twice": ("a.toml", "a = 1\na = 2", "LD702", (2, 6)),
    "TOML, deep": ("a.toml", "a = " + "[" * 5000, "LD703", (1, 1)),
    "TOML, a long number": ("a.toml", "a = " + "1" * 5000, "LD702", (1, 1)),
    "TOML, a date": ("a.toml", "loss = 2024-01-01", "LD705", (1, 1)),
    "another ending": ("a.txt", "x", "LD701", (1, 1)),
    "not UTF-8": ("a.yaml", "loss: \udce9", "LD701", (1, 1)),
    "too large": ("a.yaml", "#" * (FILE_SIZE + 1), "LD701", (1, 1)),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_refused(case: tuple[str, str, str, tuple[int, int] | None], tmp_path: Path) -> None:
    name, text, code, place = case
    (tmp_path / name).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(lossdsl.LossError) as caught:
        lossdsl.load(tmp_path / name)
    (found,) = caught.value.diagnostics
    assert found.code == code
    start = found.span and found.span.source.position(found.span.start)
    assert start == place
    assert str(found)


DEFAULTS = {
    "YAML": ("a.yaml", "loss: {text: w*mean(x), inputs: {x: 'f32[B]', w: 1e-3}}"),
    "YAML, a type": ("a.yaml", "loss: {text: w*mean(x), inputs: {x: 'f32[B]', w: float = 1e-3}}"),
    "JSON": ("a.json", '{"loss": {"text": "w*mean(x)", "inputs": {"x": "f32[B]", "w": 0.001}}}'),
    "TOML": ("a.toml", "[loss]\ntext = 'w*mean(x)'\ninputs = {x = 'f32[B]', w = 1e-3}"),
}


@pytest.mark.parametrize(("name", "text"), DEFAULTS.values(), ids=DEFAULTS)
def test_an_input_has_a_default(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)
    spec = lossdsl.load(path)
    assert lossdsl.check(spec).signature["x"] == "f32[B]"
    assert lossdsl.check(spec).signature["w"].startswith("float = ")
    loss = lossdsl.compile(spec)
    assert float(loss(x=np.ones(2, np.float32))) == pytest.approx(1e-3)
    assert float(loss(x=np.ones(2, np.float32), w=2)) == 2
    mapping = {"text": "w*mean(x)", "inputs": {"x": "f32[B]", "w": 0.001}}
    assert lossdsl.check(mapping).signature["w"] == "float = 0.001"
    model = lossdsl.LossSpec.model_validate(mapping)
    assert model == lossdsl.LossSpec.model_validate(model.model_dump())


# The value of an input, the code, and where it is found in the file.
WRONG_DEFAULTS = {
    "no number": ("float = a", "LD011", (2, 23)),
    "nothing": ("'float = '", "LD705", (2, 16)),
    "more": ("float = 1 b: int", "LD705", (2, 15)),
    "another class": ("int = 1.5", "LD219", (2, 21)),
    "a type that is none": ("flot = 1", "LD014", (2, 15)),
    "infinite": (".inf", "LD011", (2, 15)),
    "outside of its range": ("float = 2 in [0, 1]", "LD503", (2, 23)),
}


@pytest.mark.parametrize("case", WRONG_DEFAULTS.values(), ids=WRONG_DEFAULTS)
def test_a_default_that_is_none(case: tuple[str, str, tuple[int, int]], tmp_path: Path) -> None:
    value, code, place = case
    path = tmp_path / "a.yaml"
    path.write_text(f"loss: {{text: mean(w),\n  inputs: {{w: {value}}}}}\n")
    if "," in value or ":" in value:
        path.write_text(f"loss: {{text: mean(w),\n  inputs: {{w: '{value}'}}}}\n")
        place = (place[0], place[1] + 1)
    with pytest.raises(lossdsl.LossError) as caught:
        lossdsl.load(path)
    (found,) = caught.value.diagnostics
    assert found.span
    assert (found.code, found.span.source.position(found.span.start)) == (code, place)


def test_an_input_is_declared_once() -> None:
    (found,) = lossdsl.check("w: float = 1  loss = w", {"w": "float = 1"}).diagnostics
    assert found.code == "LD109"


MAPPINGS: dict[str, tuple[dict[Any, Any], str, str]] = {
    "a key misspelt": ({"text": "mean(a)", "imputs": {}}, "`imputs`", "did you mean `inputs`?"),
    "a text misspelt": ({"txt": "mean(a)"}, "`txt`", "did you mean `text`?"),
    "another key": ({"text": "mean(a)", "rate": 2}, "`rate`", "such as"),
    "a term beside its key": ({"text": "a", "weight": 2}, "`weight`", "did you mean `weights`?"),
    "a number as key": ({"text": "mean(a)", 3: 2}, "for a key", "such as"),
    "two texts": ({"text": "mean(a)", "loss": "mean(a)"}, "both `text` and `loss`", "keep one"),
    "no text": ({"inputs": {}}, "neither `text` nor `terms`", "such as"),
    "no string": ({"loss": ["mean(a)"]}, "a list for `loss`", "such as"),
}


@pytest.mark.parametrize(("mapping", "message", "help"), MAPPINGS.values(), ids=MAPPINGS)
def test_every_key_of_a_mapping_is_read_wherever_it_comes_from(
    mapping: dict[Any, Any], message: str, help: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"loss": mapping}))
    uses: list[Callable[[], Any]] = [
        lambda: lossdsl.compile(mapping),
        lambda: lossdsl.load(path),
    ]
    (found,) = lossdsl.check(mapping).diagnostics
    for use in uses:
        with pytest.raises(lossdsl.LossError, match="LD705") as caught:
            use()
        (other,) = caught.value.diagnostics
        assert found.code == other.code
        if 3 not in mapping:  # which JSON makes a text
            assert message in found.message
            assert message in other.message
        assert help in (found.help or "")
        assert help in (other.help or "")
    with pytest.raises(ValidationError, match="LD705"):
        lossdsl.LossSpec.model_validate(mapping)


UNTOUCHED = {
    "of another reader": "loss: mean(x)\ninputs: {age: float, income: float}\n",
    "sizes": "loss: mean(x)\ninputs: {x: 784}\n",
    "a number": "loss: mean(x)\ninputs: 784\n",
    "schedules": "loss: mean(x)\nterms: {autumn: 3, spring: 4}\nweights: {model: a.npz}\n",
    "other weights": "loss: mean(x)\nweights: {classes: 2}\n",
    "empty ones": "loss: mean(x)\nterms: {}\nweights: {}\ninputs: {}\n",
    "files": "loss: mean(x)\ninputs: {x: data/train.csv}\n",
    "read by the spec itself": "loss: {text: mean(x), inputs: {x: 'f32[B]'}}\n",
}


@pytest.mark.parametrize("text", UNTOUCHED.values(), ids=UNTOUCHED)
def test_other_keys_of_a_config_are_its_own(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    assert lossdsl.load(path).text == "mean(x)"


@pytest.mark.parametrize("text", ["", "# nothing\n", "'${a}'", "3", "[a]"])
def test_a_whole_file_that_is_no_spec(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(lossdsl.LossError, match=r"LD70[459]") as caught:
        lossdsl.load(path, ".")
    assert caught.value.diagnostics[0].span


def test_a_loss_file_has_no_keys(tmp_path: Path) -> None:
    path = tmp_path / "a.loss"
    path.write_text("mean(x)")
    assert lossdsl.load(path).text == "mean(x)"
    with pytest.raises(lossdsl.LossError, match="LD704"):
        lossdsl.load(path, "train.loss")


def test_a_name_from_outside_is_in_the_form_of_a_text() -> None:
    assert lossdsl.check("mean(\ufb01t)", {"fit": "f32[B]"}).ok
    (found,) = lossdsl.check("mean(\ufb01t)", {"\ufb01t": "f32[B]"}).diagnostics
    assert (found.code, found.help) == ("LD002", "write `fit`, its normal form")


@pytest.mark.parametrize("name", ["nowhere.yaml", ".", "a\0b.yaml", "a" * 5000 + ".yaml"])
def test_what_cannot_be_opened_is_a_diagnostic(name: str) -> None:
    with pytest.raises(lossdsl.LossError) as caught:
        lossdsl.load(name)
    assert caught.value.codes == ("LD701",)


def test_a_config_of_the_largest_size_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    text = "loss: mean(x)\n"
    path.write_text(text + "#" * (FILE_SIZE - len(text)))
    assert lossdsl.load(path).text == "mean(x)"


def test_no_file_is_opened_and_no_code_run_by_a_config(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    path = tmp_path / "a.yaml"
    path.write_text(f"loss: !!python/object/apply:os.mkdir ['{mark}']")
    with pytest.raises(lossdsl.LossError):
        lossdsl.load(path)
    assert not mark.exists()


YAML = st.text(st.sampled_from("a: -[]{}&*!|>'\"#%@`\n\t\\,?1.~<=x\r\u2028\x85é😀"), max_size=40)


@settings(max_examples=400)
@given(YAML)
def test_any_text_is_a_document_or_a_diagnostic(text: str) -> None:
    documents, found = read_yaml(Source(text))
    assert not (documents and found)


SCALARS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]) | st.just("\n"))


@given(SCALARS)
def test_every_visible_character_of_a_json_text_is_found(text: str) -> None:
    for escaped in (True, False):
        raw = json.dumps(text, ensure_ascii=escaped)
        offsets = align(text, raw, 1, len(raw) - 1, '"')
        assert offsets
        assert len(offsets) == len(text) + 1
        for character, at in zip(text, offsets[:-1], strict=True):
            assert raw[at] in ("\\", character)


def test_a_spec_is_a_model_a_field_and_its_own_dump() -> None:
    class Config(BaseModel):
        loss: lossdsl.LossSpec

    short = Config.model_validate({"loss": "mse(out, tgt)"})
    assert short.model_dump() == {"loss": "mse(out, tgt)"}
    long = {"loss": {"text": "mean(x)", "inputs": {"x": "f32[B]"}}}
    assert Config.model_validate(long).model_dump() == long
    assert Config.model_validate_json(short.model_dump_json()) == short
    kinds = [option.get("type") for option in _options(Config.model_json_schema())]
    assert kinds == ["string", "object"]


def _options(schema: dict[str, dict[str, dict[str, list[dict[str, str]]]]]) -> list[dict[str, str]]:
    return schema["$defs"]["LossSpec"]["anyOf"]


@pytest.mark.parametrize(
    "value", ["mse(out", {"text": 3}, 3, {"text": "mean(x)", "inputs": {"x": "f99"}}]
)
def test_a_bad_spec_fails_in_the_model(value: object) -> None:
    with pytest.raises(ValidationError):
        lossdsl.LossSpec.model_validate(value)


def test_the_diagnostics_of_a_bad_spec_are_in_the_message_of_the_model() -> None:
    with pytest.raises(ValidationError, match=r"LD101.*l2sqrt"):
        lossdsl.LossSpec(text="l2sqrt(params)")


def test_a_finding_in_a_config_points_into_the_config(tmp_path: Path) -> None:
    path = tmp_path / "train.yaml"
    path.write_text("a: 1\nloss: |\n  mse(out, tgt)\n  + 1e-3 * l2sqrt(params)\n")
    with pytest.raises(lossdsl.LossError) as caught:
        lossdsl.load(path)
    assert f"{path}:4:12" in str(caught.value)
    assert " 4 |   + 1e-3 * l2sqrt(params)\n   |            ^^^^^^" in str(caught.value)
