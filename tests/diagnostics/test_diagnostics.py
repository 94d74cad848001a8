"""The table of codes against what is found, and the renderings of diagnostics."""

from __future__ import annotations

import ast
import contextlib
import json
import re
import shlex
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import lossdsl
from lossdsl.cli.app import app
from lossdsl.cli.project import read_project
from lossdsl.diagnostics.code import Code
from lossdsl.diagnostics.codes import CODES
from lossdsl.diagnostics.diagnostic import Diagnostic, Label, LossError, LossWarning, at
from lossdsl.diagnostics.render import FORMATS, layout, render, render_all, summary
from lossdsl.source import Source, Span

EXAMPLES = [row for row in CODES.values() if row.bad]
RENDERED = Path(__file__).with_name("rendered.txt")


def _loss(text: str, row: Code, folder: Path) -> tuple[Diagnostic, ...]:
    return lossdsl.check(text, dict(row.inputs)).diagnostics


def _library(text: str, row: Code, folder: Path) -> tuple[Diagnostic, ...]:
    lossdsl.BUILTINS | lossdsl.Library.loads(text)
    return ()


def _yaml(text: str, row: Code, folder: Path) -> tuple[Diagnostic, ...]:
    path = folder / "config.yaml"
    path.write_text(text)
    lossdsl.load(path)
    return ()


def _python(text: str, row: Code, folder: Path) -> tuple[Diagnostic, ...]:
    import jax.numpy as jnp

    from lossdsl.training import balance

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", LossWarning)
        exec(text, {"lossdsl": lossdsl, "jnp": jnp, "balance": balance})
    warned = [one.message for one in caught if isinstance(one.message, LossWarning)]
    return tuple(found for one in warned for found in one.diagnostics)


def _pyproject(text: str, row: Code, folder: Path) -> tuple[Diagnostic, ...]:
    project = read_project(text.encode(), "pyproject.toml")
    return project.diagnostics if project else ()


def _command(text: str, row: Code, folder: Path) -> tuple[Diagnostic, ...]:
    _, *words = shlex.split(text)
    with contextlib.chdir(folder):
        printed = CliRunner().invoke(app, [*words, "--output-format", "json"]).stdout
    return tuple(Diagnostic(found["code"], found["message"]) for found in json.loads(printed))


FORMS: dict[str, Callable[[str, Code, Path], tuple[Diagnostic, ...]]] = {
    "loss": _loss,
    "library": _library,
    "yaml": _yaml,
    "python": _python,
    "pyproject": _pyproject,
    "command": _command,
}


def found_in(text: str, row: Code, folder: Path) -> set[str]:
    try:
        diagnostics = FORMS[row.form](text, row, folder)
    except LossError as error:
        diagnostics = error.diagnostics
    return {found.code for found in diagnostics}


@pytest.mark.parametrize("row", EXAMPLES, ids=lambda row: row.code)
def test_bad_example_yields_exactly_its_code(row: Code, tmp_path: Path) -> None:
    assert found_in(row.bad, row, tmp_path) == {row.code}


@pytest.mark.parametrize("row", EXAMPLES, ids=lambda row: row.code)
def test_good_example_yields_nothing(row: Code, tmp_path: Path) -> None:
    assert not row.good or not found_in(row.good, row, tmp_path)


def test_every_code_in_the_source_has_a_row_and_every_row_is_used(root: Path) -> None:
    used: set[str] = set()
    for path in (root / "lossdsl").rglob("*.py"):
        if not path.name.startswith("code"):
            used |= set(re.findall(r"\"(LD\d{3})\"", path.read_text()))
    assert used == set(CODES)


@pytest.mark.parametrize("row", CODES.values(), ids=lambda row: row.code)
def test_rows_are_complete(row: Code) -> None:
    assert re.fullmatch(r"LD\d{3}", row.code)
    assert row.title[0] == row.title[0].lower() or row.title.split()[0].isupper()
    assert not row.title.endswith(".")
    assert row.why.endswith(".")
    assert row.bad or row.code in ("LD808", "LD999")


def test_severity_follows_the_code() -> None:
    warnings = {row.code for row in CODES.values() if row.severity == "warning"}
    assert {code for code in CODES if code.startswith("LD4")} <= warnings
    assert all(CODES[code].warning for code in warnings if not code.startswith("LD4"))


# Each case of rendered.txt: a text in which «primary» and ⟨secondary⟩ places are marked, and what
# is printed for it.

_MARK = re.compile(r"«([^»]*)»(?:\{([^}]*)\})?|⟨([^⟩]*)⟩(?:\{([^}]*)\})?")


def marked(text: str) -> tuple[Source, tuple[Label, ...]]:
    plain, labels, last = "", [], 0
    for match in _MARK.finditer(text):
        plain += text[last : match.start()]
        primary = match[1] is not None
        covered, words = (match[1], match[2]) if primary else (match[3], match[4])
        labels.append((len(plain), len(plain) + len(covered), words or "", primary))
        plain += covered
        last = match.end()
    source = Source(plain + text[last:], "x.loss")
    return source, tuple(Label(Span(source, a, b), words, first) for a, b, words, first in labels)


def unescaped(text: str) -> str:
    return re.sub(r"\\(x..|u....|.)", lambda match: ast.literal_eval(f'"{match[0]}"'), text)


def rendered_cases() -> list[tuple[str, str, str]]:
    cases = RENDERED.read_text(encoding="utf-8").split("\n=== ")[1:]
    pattern = re.compile(r"(.*?)\n(.*?)\n--->\n(.*)", re.DOTALL)
    return [match.groups() for case in cases if (match := pattern.match(case))]  # type: ignore[misc]


def _title(text: str) -> str:
    return text.splitlines()[0][:40]


@pytest.mark.parametrize(("title", "text", "expected"), rendered_cases(), ids=_title)
def test_rendering(title: str, text: str, expected: str) -> None:
    _, labels = marked(unescaped(text))
    assert render(Diagnostic("LD201", title, labels)) == expected.rstrip("\n")


def test_notes_and_help_follow_the_excerpt() -> None:
    found = Diagnostic("LD201", "message", help="one\ntwo", notes=("a", "b"))
    assert render(found).splitlines() == [
        "error[LD201]: message",
        "   = note: a",
        "   = note: b",
        "   = help: one",
        "           two",
    ]


def test_two_files_are_two_excerpts() -> None:
    call = Span(Source("mse(a, b)", "a.loss"), 0, 3)
    body = Span(Source("\nsquare(x)", "lib.loss"), 1, 7)
    found = Diagnostic("LD201", "m", (Label(body, "in `mse`"), Label(call, "here", primary=True)))
    assert render(found).splitlines() == [
        "error[LD201]: m",
        "  --> a.loss:1:1",
        "   |",
        " 1 | mse(a, b)",
        "   | ^^^ here",
        "  ::: lib.loss:2:1",
        "   |",
        " 2 | square(x)",
        "   | ------ in `mse`",
    ]


def test_a_place_within_another() -> None:
    source = Source("mse(out, tgt)", "x.loss")
    outer, inner = Span(source, 0, 13), Span(source, 9, 12)
    found = Diagnostic("LD201", "m", (Label(inner, "inner", primary=True), Label(outer, "outer")))
    assert render(found).splitlines()[3:] == [
        " 1 | mse(out, tgt)",
        "   | ---------^^^-",
        "   | |        |",
        "   | |        inner",
        "   | outer",
    ]


def test_nothing_that_is_printed_can_steer_a_terminal() -> None:
    source = Source("a\x1b[31m\u202eb\x00", "n\x1b.loss")
    text = render(at("LD201", "m\x07", Span(source, 0, 9), "t\x1b"))
    assert text.isascii()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text)


def test_a_long_line_is_cut_around_the_place() -> None:
    source = Source("x + " * 4000 + "foo" + " - y" * 4000)
    lines = render(at("LD201", "m", Span(source, 16000, 16003), "here")).splitlines()
    under = lines[-1].index("^^^")
    assert lines[-2][under : under + 3] == "foo"
    assert max(map(len, lines)) < 150


@given(st.text(max_size=60), st.integers(0, 60), st.integers(0, 60), st.text(max_size=5))
def test_any_span_of_any_text_renders_in_every_format(
    text: str, start: int, end: int, words: str
) -> None:
    source = Source(text)
    start, end = sorted((min(start, len(text)), min(end, len(text))))
    span = Span(source, start, end)
    found = Diagnostic("LD201", words, (Label(span, words, primary=True), Label(span, "also")))
    for format in FORMATS:
        render_all([found], format)
    plain = "\n".join("".join(text for text, _ in line).rstrip() for line in layout(found))
    assert plain == render(found)


def test_json_holds_everything() -> None:
    source = Source("mse(out,\n  tgt)", "a.loss")
    found = at("LD201", "m", Span(source, 11, 14), "t", help="h", notes=("n",))
    place = {"file": "a.loss", "line": 2, "column": 3, "end_line": 2, "end_column": 6}
    assert json.loads(render_all([found], "json")) == [
        {
            "code": "LD201",
            "severity": "error",
            "message": "m",
            **place,
            "help": "h",
            "fix": None,
            "notes": ["n"],
            "labels": [{**place, "text": "t", "primary": True}],
        }
    ]


def test_github_escapes_what_its_commands_are_made_of() -> None:
    found = at("LD201", "a\nb%", Span(Source("x", "a,b:c.loss"), 0, 1))
    assert render_all([found], "github") == (
        "::error file=a%2Cb%3Ac.loss,line=1,endLine=1,col=1,endColumn=2,title=LD201::a%0Ab%25"
    )


def test_sarif_names_rule_level_and_region() -> None:
    found = at("LD201", "m", Span(Source("x y", "a.loss"), 2, 3))
    run = json.loads(render_all([found], "sarif"))["runs"][0]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["LD201"]
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("LD201", "error")
    location = result["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "a.loss"
    assert location["region"]["startColumn"] == 3


def test_concise_is_one_line_each() -> None:
    found = at("LD201", "m", Span(Source("x", "a.loss"), 0, 1))
    assert render_all([found, at("LD701", "n", None)], "concise").splitlines() == [
        "a.loss:1:1: error[LD201]: m",
        "error[LD701]: n",
    ]


def test_summary_counts() -> None:
    error, warning = at("LD201", "m", None), at("LD431", "m", None)
    assert summary([error, error, warning]) == "2 errors, 1 warning"
