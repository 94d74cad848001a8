"""The corpus in `conformance/*.md`: what each line of a block of the language means.

A spec ends with the line that says what is expected of it: `# type:`, `# error:`, `# warning:`,
`# terms:`, `# combine:` or `# signature:`. A block of TOML gives the inputs of the blocks after it,
until the next heading: their types, and in `trees` the leaves that a call would pass.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lossdsl.check.check import parse_inputs
from lossdsl.check.core import Core
from lossdsl.check.program import Elaborated, elaborate
from lossdsl.library.declare import builtins
from lossdsl.source import Source
from lossdsl.syntax import ast
from lossdsl.syntax.parse import parse_program
from lossdsl.types.declared import declared_array
from lossdsl.types.types import TreeType

FOLDER = Path(__file__).parent / "conformance"
FENCE = re.compile(r"^# ([^\n]+)$|^```(toml|loss)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXPECTED = re.compile(r"# (type|error|warning|terms|combine|signature): (.*)$")
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
    for heading, language, block in FENCE.findall(path.read_text(encoding="utf-8")):
        if heading:
            title, given = heading, {}
        elif language == "toml":
            given = tomllib.loads(block)
        for line in block.splitlines() if language == "loss" else ():
            spec += f"{line}\n"
            match = EXPECTED.search(line)
            if match:
                name = f"{path.stem}: {title}: {line.partition('#')[0].strip()}"
                yield Case(name, spec, match[1], match[2].strip(), given)
                spec = ""
    assert not spec.strip(), f"{path.name}: nothing is expected of {spec!r}"


def checked(case: Case, text: str) -> Elaborated:
    program, found = parse_program(Source(text))
    if program is None:
        return Elaborated(None, found, {}, {})
    types, wrong = parse_inputs(case.given.get("inputs", {}))
    assert not wrong
    trees = {name: _tree(leaves) for name, leaves in case.given.get("trees", {}).items()}
    if not trees:
        return elaborate(program, builtins(), types)
    return elaborate(program, builtins(), types, trees, "f32", partial=True)


def _tree(leaves: dict[str, str]) -> TreeType:
    patterns = parse_inputs(leaves)[0] if all("/" not in path for path in leaves) else {
        path: parse_inputs({"leaf": type})[0]["leaf"] for path, type in leaves.items()
    }
    kept = [(tuple(path.split("/")), pattern) for path, pattern in patterns.items()]
    return TreeType(None, tuple((p, declared_array(t)) for p, t in kept if isinstance(t, ast.ArrayTypeExpr)))


def type_of(case: Case) -> str:
    """Return the type of a bare expression, which may have any, or of a result."""
    bare = not re.search(r"^\s*(loss|metric)\b", case.text, re.MULTILINE)
    text = f"loss = 0.0\nmetric it = ({case.text})" if bare else case.text
    core = checked(case, text).core
    assert core is not None, checked(case, text).diagnostics
    node = core.metrics["it"] if bare else core.results[0].value
    return str(core.graph.types[node])


def _core(case: Case) -> Core:
    done = checked(case, case.text)
    assert done.core is not None, done.diagnostics
    return done.core


@pytest.mark.parametrize(
    "case",
    [case for path in sorted(FOLDER.glob("*.md")) for case in cases(path)],
    ids=lambda case: case.name,
)
def test_corpus(case: Case) -> None:
    match case.kind:
        case "type":
            assert type_of(case) == case.expected
        case "terms":
            names = [term.name for result in _core(case).results for term in result.terms]
            assert ", ".join(names) == case.expected
        case "combine":
            kinds = [term.combine.kind for result in _core(case).results for term in result.terms]
            assert ", ".join(kinds) == case.expected
        case "signature":
            signature = checked(case, case.text).signature
            assert "; ".join(f"{name}: {type}" for name, type in signature.items()) == case.expected
        case _:
            found = checked(case, case.text).diagnostics
            match = FINDING.fullmatch(case.expected)
            assert match is not None, case.expected
            assert [one.code for one in found] == [match[1]]
            assert (match[2] or "") in found[0].message
            assert found[0].severity == case.kind
