"""The corpus in `conformance/*.md`: what each line of a block of the language means.

A spec ends with the line that says what is expected of it: `# type:`, `# error:`, `# warning:`,
`# terms:`, `# combine:`, `# signature:`, `# core:` or `# right:`, of which nothing is said. A block
of TOML gives the inputs of the blocks after it, until the next heading: their types, and in `trees`
the leaves that a call would pass.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lossdsl.core.show import show_core
from lossdsl.elaborate.passed_inputs import Passed
from lossdsl.elaborate.program import Elaborated, elaborate
from lossdsl.inputs.given import parse_inputs
from lossdsl.library.declare import builtins
from lossdsl.source import Source
from lossdsl.syntax.parse import parse_program
from lossdsl.types.declared import declared_array
from lossdsl.types.types import TreeType

FOLDER = Path(__file__).parents[1] / "conformance"
PARTS = re.compile(r"^# ([^\n]+)$|^```(toml|loss)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXPECTED = re.compile(r"# (type|error|warning|terms|combine|signature|core|right): (.*)$")
FINDING = re.compile(r"\[(LD\d{3})\](?: \"(.*)\")?")


@dataclass(frozen=True)
class Case:
    """One spec of the corpus and what is expected of it."""

    name: str
    text: str
    kind: str
    expected: str
    given: dict[str, Any] = field(default_factory=dict)


def cases(path: Path) -> Iterator[Case]:
    title, given, spec = "", {}, ""
    for heading, language, block in PARTS.findall(path.read_text(encoding="utf-8")):
        title, given = (heading, {}) if heading else (title, given)
        if language == "toml":
            given = tomllib.loads(block)
        for line in block.splitlines() if language == "loss" else ():
            spec += f"{line}\n"
            if match := EXPECTED.search(line):
                name = f"{path.stem}: {title}: {line.partition('#')[0].strip()}"
                yield Case(name, spec, match[1], match[2].strip(), given)
                spec = ""
    assert not spec.strip(), f"{path.name}: nothing is expected of {spec!r}"


def checked(case: Case, text: str) -> Elaborated:
    program, found = parse_program(Source(text))
    if program is None:
        return Elaborated(None, found, {}, {})
    types, _ = parse_inputs(case.given.get("inputs", {}))
    trees = {name: tree(leaves) for name, leaves in case.given.get("trees", {}).items()}
    known = Passed(trees, "f32", partial=True) if trees else None
    return elaborate(program, builtins(), types, known)


def tree(leaves: dict[str, str]) -> TreeType:
    types = {path: parse_inputs({"leaf": type})[0]["leaf"] for path, type in leaves.items()}
    return TreeType(None, tuple((tuple(p.split("/")), declared_array(t)) for p, t in types.items()))


def found_in(case: Case) -> str:
    """Return what the checker says, in the words of the corpus."""
    bare = case.kind == "type" and not re.search(r"^\s*loss\b", case.text, re.MULTILINE)
    done = checked(case, f"loss = 0.0\nmetric it = ({case.text})" if bare else case.text)
    assert done.core is not None, done.diagnostics
    terms = [term for result in done.core.results for term in result.terms]
    match case.kind:
        case "type":
            node = done.core.metrics["it"] if bare else done.core.results[0].value
            return str(done.core.graph.types[node])
        case "terms":
            return ", ".join(term.name for term in terms)
        case "core":
            return "; ".join(show_core(done.core).splitlines())
        case "combine":
            return ", ".join(term.combine.kind for term in terms)
        case _:
            return "; ".join(f"{name}: {type}" for name, type in done.signature.items())


@pytest.mark.parametrize(
    "case", [case for path in sorted(FOLDER.glob("*.md")) for case in cases(path)],
    ids=lambda case: case.name,
)  # fmt: skip
def test_corpus(case: Case) -> None:
    if case.kind == "right":
        assert checked(case, case.text).diagnostics == ()
        return
    if case.kind not in ("error", "warning"):
        assert found_in(case) == case.expected
        return
    (found,) = checked(case, case.text).diagnostics
    match = FINDING.fullmatch(case.expected)
    assert match is not None, case.expected
    assert (found.code, found.severity) == (match[1], case.kind)
    assert (match[2] or "") in found.message
