"""`${…}` in configs: named as what it is, and resolved as OmegaConf does where it is installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import lossdsl
from lossdsl.source import Span
from lossdsl.spec.edit import Held, replaced
from lossdsl.spec.read import read_spec, read_specs

CONFIG = """\
wd: 1e-3
deep: {rate: "${wd}", 3: x}
kind: mse
t: true
list: [1, "${wd}"]
empty: ""
type: f32[B]
spec: {text: "mean(a)", inputs: {a: "${type}"}}
many: ["mean(a)", "${wd}*mean(a)"]
group: {w: 0.5, loss: "${.w}*mean(a)"}
"""
# The text of a spec, what it stands for, and the text of the file at the end of it.
RESOLVED = {
    "a number": ("${wd}*mean(a)", "1e-3*mean(a)"),
    "of a number": ("mean(a) + ${deep.rate}*mean(b)", "mean(a) + 1e-3*mean(b)"),
    "a function": ("${kind}(a, b)", "mse(a, b)"),
    "a boolean": ("where(${t}, mean(a), mean(b))", "where(true, mean(a), mean(b))"),
    "of a list": ("${list.1}*mean(a)", "1e-3*mean(a)"),
    "nothing": ("mean(a)${empty}", "mean(a)"),
    "in each other": ("${${k}}*mean(a)", "1e-3*mean(a)"),
    "of the environment": ("${oc.env:LOSSDSL_NO_SUCH,3}*mean(a)", "3*mean(a)"),
}
# What no reading of this file alone can resolve.
UNRESOLVED = {
    "no key": ("${nowhere}*mean(a)", "leads to no key of this file"),
    "a resolver": ("${mine:1}*mean(a)", "asks for a resolver"),
    "a list": ("${list}*mean(a)", "leads to a mapping or a list"),
    "a mapping": ("${deep}*mean(a)", "leads to a mapping or a list"),
    "no end": ("mean(${wd)", "OmegaConf cannot read this config"),
}


def config(folder: Path, text: str) -> Path:
    path = folder / "a.yaml"
    path.write_text(f"{CONFIG}k: wd\nloss: {text}\n")
    return path


@pytest.mark.parametrize(("text", "expected"), RESOLVED.values(), ids=RESOLVED)
def test_what_an_interpolation_stands_for(text: str, expected: str, tmp_path: Path) -> None:
    pytest.importorskip("omegaconf")
    written, found = read_spec(config(tmp_path, text))
    assert not found
    assert written
    assert written.source.text == expected
    assert lossdsl.load(config(tmp_path, text)).text == expected
    for word in ("mean", "mse", "${"):
        if word in text and word in expected:
            start = expected.index(word)
            assert written.source.position(start) == (12, 7 + text.index(word))


@pytest.mark.parametrize(("text", "said"), UNRESOLVED.values(), ids=UNRESOLVED)
def test_what_is_not_in_the_file(text: str, said: str, tmp_path: Path) -> None:
    pytest.importorskip("omegaconf")
    with pytest.raises(lossdsl.LossError, match="LD709") as caught:
        lossdsl.load(config(tmp_path, text))
    (found,) = caught.value.diagnostics
    assert said in found.message
    assert "--resolve" in (found.help or "")
    assert found.span
    assert found.span.source.position(found.span.start) == (12, 7 + text.index("${"))


@pytest.mark.parametrize("text", [text for text, _ in RESOLVED.values()], ids=RESOLVED)
def test_without_omegaconf_it_is_named(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "omegaconf", None)
    with pytest.raises(lossdsl.LossError, match="LD709") as caught:
        lossdsl.load(config(tmp_path, text))
    (found,) = caught.value.diagnostics
    assert "is an interpolation, which OmegaConf resolves" in found.message
    assert "install `omegaconf`" in (found.help or "")


# A key that leads on, and the text that it leads to.
REFERENCES = {
    "a mapping": ("${spec}", "mean(a)"),
    "a text": ("${many.0}", "mean(a)"),
    "a chain": ("'${two}'", "mean(a)"),
}


@pytest.mark.parametrize(("text", "expected"), REFERENCES.values(), ids=REFERENCES)
def test_a_reference_of_a_whole_value_needs_no_omegaconf(
    text: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "omegaconf", None)
    path = config(tmp_path, text + "\ntwo: ${three}\nthree: ${many.0}")
    written, found = read_spec(path)
    assert not found
    assert written
    at = (8, 15) if text == "${spec}" else (9, 9)
    assert (written.source.text, written.source.position(0)) == (expected, at)


PARTS = """\
wd: 1e-3
types: {x: "f32[B]", p: tree, rate: "${wd}"}
decay: {text: sum_squares(p) + nn(x), weight: "${wd}"}
all: {decay: "${decay}", fit: mean(x)}
weights: {fit: "${wd}"}
loss: {terms: "${all}", weights: "${weights}", inputs: "${types}"}
wrong: {terms: {decay: "${nowhere}"}}
slip: {terms: "${slips}"}
slips: {decay: {text: x, wieght: 2}}
"""


def test_parts_of_a_spec_are_references(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "omegaconf", None)
    path = tmp_path / "a.yaml"
    path.write_text(PARTS)
    (found,) = lossdsl.check(read_spec(path)[0]).diagnostics
    assert (found.code, found.span and found.span.source.position(found.span.start)) == (
        "LD101",
        (3, 32),
    )
    path.write_text(PARTS.replace(" + nn(x)", ""))
    loss = lossdsl.compile(lossdsl.load(path))
    assert "0.001 * sum_squares(p) as decay + 0.001 * mean(x) as fit" in loss.text
    assert loss.signature["rate"].startswith("float = ")
    for key, code, place in (("wrong", "LD709", (7, 25)), ("slip", "LD705", (9, 26))):
        (found,) = read_spec(path, key)[1]
        assert (found.code, found.span and found.span.source.position(found.span.start)) == (
            code,
            place,
        )


def test_types_and_relative_keys(tmp_path: Path) -> None:
    pytest.importorskip("omegaconf")
    path = config(tmp_path, "${spec}")
    assert lossdsl.load(path).inputs == {"a": "f32[B]"}
    assert lossdsl.load(path, "group.loss").text == "0.5*mean(a)"
    assert lossdsl.load(path, "many.1").text == "1e-3*mean(a)"


def test_references_in_a_circle_end(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("loss: ${a}\na: ${b}\nb: ${a}\n")
    with pytest.raises(lossdsl.LossError, match="LD709"):
        lossdsl.load(path)


def test_aliases_in_aliases_are_no_reason_to_wait(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x]"] + [f"a{k}: &a{k} [*a{k - 1}, *a{k - 1}]" for k in range(1, 50)]
    path = tmp_path / "a.yaml"
    path.write_text("\n".join([*lines, "loss: mean(${a49})"]))
    with pytest.raises(lossdsl.LossError, match="LD709"):
        lossdsl.load(path)


def test_a_spec_that_leads_back_into_itself_ends(tmp_path: Path) -> None:
    terms = ", ".join(f"a{k}: '${{loss.terms}}'" for k in range(300))
    path = tmp_path / "a.yaml"
    path.write_text(f"loss: {{terms: {{{terms}}}}}\n")
    with pytest.raises(lossdsl.LossError, match="LD705"):
        lossdsl.load(path)


def test_no_edit_takes_the_place_of_an_interpolation() -> None:
    pytest.importorskip("omegaconf")
    file = Held("w: 1\nloss: ${w}*mean( a )\n", "a.yaml", ("loss",))
    (written,) = read_specs(file.text.encode(), file.name, file.keys).written
    text = written.source.text
    assert text == "1*mean( a )"
    assert replaced(file, Span(written.source, 0, len(text)), "1 * mean(a)") is None
    assert replaced(file, Span(written.source, 0, 1), "2") is None
    changed = replaced(file, Span(written.source, 2, len(text)), "mean(a)")
    assert changed
    assert changed.text == "w: 1\nloss: ${w}*mean(a)\n"
