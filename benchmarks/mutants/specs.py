"""The right specs that mistakes are made in, each a text of its own."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import lossdsl
from lossdsl.checking import CheckResult
from lossdsl.diagnostics.codes import CODES
from lossdsl.library import BUILTINS
from lossdsl.library.syntax_forms import Form
from lossdsl.syntax import ast
from lossdsl.syntax.format_nodes import format_type
from lossdsl.testing.draw import inputs_of

ROOT = Path(__file__).resolve().parents[2]
CONFORMANCE = ROOT / "tests/conformance"
_PARTS = re.compile(r"^# ([^\n]+)$|^```(toml|loss)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EXPECTED = re.compile(r"# (type|error|warning|terms|combine|signature|core|right): (.*)$")


@dataclass(frozen=True)
class Right:
    """A spec that is right, of which kind it is, and the types that its caller gives."""

    kind: str
    name: str
    text: str
    inputs: tuple[tuple[str, str], ...] = ()

    def check(self, text: str | None = None) -> CheckResult:
        """Check the text, or another one, as a caller of it would."""
        return lossdsl.check(self.text if text is None else text, dict(self.inputs))

    def declared(self, text: str) -> str:
        """Return a text with every input declared in it."""
        return "".join(f"{name}: {type}\n" for name, type in self.inputs) + text


def published() -> Iterator[Right]:
    """Yield the losses of papers."""
    for path in sorted(CONFORMANCE.glob("published/*/*.loss")):
        name = f"{path.parent.name}/{path.stem}"
        yield Right("published", name, path.read_text(encoding="utf-8"))


def _read(inputs: Mapping[str, str], text: str) -> tuple[tuple[str, str], ...]:
    """Return those of the inputs that a text reads, each alone."""
    alone = [(name, type) for names, type in inputs.items() for name in re.split(r",\s*", names)]
    return tuple((name, type) for name, type in alone if re.search(rf"\b{name}\b", text))


def corpus() -> Iterator[Right]:
    """Yield the right specs of the conformance corpus, and the right side of every code.

    Those that stand beside a mistake are a kind of their own.
    """
    for path in sorted(CONFORMANCE.glob("*.md")):
        given: dict[str, str] = {}
        spec = ""
        for heading, language, block in _PARTS.findall(path.read_text(encoding="utf-8")):
            given = {} if heading else given
            if language == "toml":
                table = tomllib.loads(block)
                given = {} if "trees" in table else table.get("inputs", {})
            for line in block.splitlines() if language == "loss" else ():
                spec += f"{line}\n"
                if match := _EXPECTED.search(line):
                    if match[1] not in ("error", "warning"):
                        beside = match[1] == "right"
                        name = f"{path.stem}: {line.partition('#')[0].strip()}"
                        kind = "beside a mistake" if beside else "corpus"
                        yield Right(kind, name, spec, _read(given, spec))
                    spec = ""
    for code in CODES.values():
        if code.good and code.form == "loss":
            yield Right("beside a mistake", code.code, code.good, _read(code.inputs, code.good))


def pages() -> Iterator[Right]:
    """Yield the specs of the README, of the guide and of the examples."""
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        text = path.read_text(encoding="utf-8")
        for at, block in enumerate(re.findall(r"^```loss\n(.*?)^```$", text, re.M | re.S)):
            yield Right("pages", f"{path.name} {at}", block)


def functions() -> Iterator[Right]:
    """Yield the example of every function with its inputs as the function declares them."""
    for name in sorted(BUILTINS):
        function = BUILTINS[name]
        for text in function.about.get("example", "").splitlines():
            given = inputs_of(function, text).items()
            lines = "".join(f"{one}: {format_type(type)}\n" for one, type in given)
            yield Right("functions", text, f"{lines}loss = {text}")


def signatures() -> Iterator[Right]:
    """Yield a call of every signature of every function: each number, array and tree is given.

    What is no loss is squared, as a log likelihood alone has the wrong sign, and what stops a
    gradient is none.
    """
    for name in sorted(BUILTINS):
        if BUILTINS[name].form is Form.STOP_GRADIENT:
            continue
        forms = ("{}",) if BUILTINS[name].is_loss else ("sum(square({}))", "sum({})", "{}")
        for signature in BUILTINS[name].signatures:
            lines, arguments = "", ""
            for parameter in signature.parameters:
                type = parameter.plain_type
                if not isinstance(type, ast.ArrayTypeExpr | ast.TreeTypeExpr | ast.RecordTypeExpr):
                    continue
                lines += f"{parameter.name}: {format_type(type).replace('num', 'float')}\n"
                arguments += f"{', ' if arguments else ''}{parameter.name}"
                if not parameter.required and not parameter.variadic:
                    arguments += f"={parameter.name}"
            for form in forms:
                text = f"{lines}loss = {form.format(f'{name}({arguments})')}"
                if lossdsl.check(text).ok:
                    yield Right("signatures", f"{name}({arguments})", text)
                    break


def printed(right: Right) -> Right | None:
    """Return a spec in its canonical form, without comments; None if it has an error."""
    if not right.check().ok:
        return None
    return replace(right, text=lossdsl.format(re.sub(r"#.*", "", right.text)))


@cache
def rights() -> tuple[Right, ...]:
    """Return every right spec that is a loss and has no error, as it is printed, each once."""
    every = map(printed, (*functions(), *pages(), *corpus(), *published()))
    once = {right.text: right for right in every if right is not None}
    return tuple(once.values())
