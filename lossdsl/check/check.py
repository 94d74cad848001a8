"""`check`: everything that can be said about a spec without JAX."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lossdsl.check.core import Core
from lossdsl.check.program import elaborate
from lossdsl.diagnostics.diagnostic import Diagnostic, has_errors
from lossdsl.library.declare import Library, builtins
from lossdsl.limits import DEFAULT_LIMITS, Limits
from lossdsl.source import Source
from lossdsl.syntax import ast
from lossdsl.syntax.parse import parse_program, parse_type


@dataclass(frozen=True)
class CheckResult:
    """What `check` found: `.ok`, `.diagnostics`, the inferred `.signature` and core `.program`."""

    diagnostics: tuple[Diagnostic, ...]
    signature: Mapping[str, str]
    program: Core | None

    @property
    def ok(self) -> bool:
        """Whether nothing found is an error."""
        return not has_errors(self.diagnostics)


def check(
    spec: str | Source,
    inputs: Mapping[str, str] | None = None,
    library: Library | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> CheckResult:
    """Check a spec without running it; never raises for a bad one.

    `inputs` gives types by name, such as `{"out": "f32[B, 10]"}`. JAX stays unimported.

    >>> check("mse(out, tgt)").signature
    {'out': 'float[*S]', 'tgt': 'float[*S]'}
    >>> check("l2sqrt(params)").diagnostics[0].help
    'did you mean `l2sqr`?'
    """
    source = spec if isinstance(spec, Source) else Source(spec)
    program, found = parse_program(source, limits)
    given, wrong = parse_inputs(inputs or {})
    if program is None or wrong:
        return CheckResult((*found, *wrong), {}, None)
    done = elaborate(program, library or builtins(), given, limits=limits)
    return CheckResult((*found, *done.diagnostics), done.signature, done.core)


def parse_inputs(
    inputs: Mapping[str, str],
) -> tuple[dict[str, ast.TypeExpr], tuple[Diagnostic, ...]]:
    """Return the types that a caller gives for inputs, parsed."""
    types: dict[str, ast.TypeExpr] = {}
    problems: list[Diagnostic] = []
    for name, text in inputs.items():
        parsed, found = parse_type(Source(text, f"<type of {name}>"))
        problems += found
        if parsed is not None:
            types[name] = parsed
    return types, tuple(problems)
