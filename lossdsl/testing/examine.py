"""`conformance(function)`: whether a function keeps what it declares, for pytest and for people.

It is what lossdsl asks of its own functions: a signature and a doc, an example that runs, one
value with and without `jit`, under `vmap` and in half precision, finite gradients, masks that
keep garbage out, and laws that random inputs do not refute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossdsl.diagnostics.diagnostic import LossError
from lossdsl.library.declare import Builtin, Library, with_builtins
from lossdsl.testing.checks import CHECKS, FIRST, Broken
from lossdsl.testing.trial import Subject

_LONG = 12


@dataclass(frozen=True)
class Failure:
    """A promise that a function breaks: which, how, and at which inputs where that matters."""

    function: str
    check: str
    message: str
    inputs: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        lines = [f"{self.function}: {self.check}: {self.message}"]
        lines += [f"  {name} = {_shown(value)}" for name, value in (self.inputs or {}).items()]
        return "\n".join(lines)


@dataclass(frozen=True)
class Report:
    """What was asked of which functions, and what they broke."""

    functions: tuple[str, ...]
    checks: tuple[str, ...]
    failures: tuple[Failure, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is broken."""
        return not self.failures

    def __str__(self) -> str:
        if self.ok:
            return f"{', '.join(self.functions)}: {', '.join(self.checks)}"
        return "\n".join(map(str, self.failures))


class ConformanceError(AssertionError):
    """Raised for a function that breaks a promise; `.report` has every failure."""

    def __init__(self, report: Report):
        self.report = report
        super().__init__(f"\n{report}")


def conformance(
    function: Builtin | Library | Callable[..., Any],
    library: Library | None = None,
    inputs: Mapping[str, str] | None = None,
) -> Report:
    """Hold a function, or every function of a library, against what it declares.

    Raises `ConformanceError`, an `AssertionError`, with all that is broken and the inputs at
    which it is. `library` has what the function calls beside lossdsl's own functions. Random
    inputs follow the signature; `inputs` gives the types of those that have none there, as all
    inputs of a plain Python function.

    >>> mine = Library.loads('''
    ...     ## Half the squared error.
    ...     ## example: half(out, tgt)
    ...     ## laws: nonneg, symmetric
    ...     loss half(out: float[*S], tgt: float[*S]) -> float[*S] = 0.5*square(out - tgt)
    ... ''')
    >>> conformance(mine).ok
    True
    """
    report = examine(function, library, inputs)
    if not report.ok:
        raise ConformanceError(report)
    return report


def examine(
    function: Builtin | Library | Callable[..., Any],
    library: Library | None = None,
    inputs: Mapping[str, str] | None = None,
) -> Report:
    """Return what `conformance` raises or returns."""
    own = function if isinstance(function, Library) else Library.of(function)
    others = with_builtins(library)
    known = others if all(others.get(name) is own[name] for name in own) else others | own
    failures = [
        failure
        for name in own
        for failure in _failures(Subject(own[name], known, dict(inputs or {})))
    ]
    return Report(tuple(own), tuple(CHECKS), tuple(failures))


def _failures(subject: Subject) -> Iterator[Failure]:
    for name, check in CHECKS.items():
        try:
            check(subject)
        except Broken as broken:
            yield Failure(subject.name, name, str(broken), broken.inputs)
        except LossError as problem:
            yield Failure(subject.name, name, str(problem))
        except Exception as problem:  # a function may raise anything, also when differentiated
            yield Failure(subject.name, name, f"raises {type(problem).__name__}: {problem}")
        else:
            continue
        if name in FIRST:
            return


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_shown(inner)}" for key, inner in value.items()) + "}"
    return np.array2string(np.asarray(value), threshold=_LONG, precision=4, separator=", ")
