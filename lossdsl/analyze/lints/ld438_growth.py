"""LD438: term grows with the batch, beside one that does not.

A sum over the examples grows with them and a mean does not, so that another batch size is another
weight. What is a mean and divided by the batch size shrinks with it.

Inputs
  out: f32[B]
  tgt: f32[B]
  mu: f32[B, D]

Wrong
  mean(square(out - tgt)) + 1e-3*sum(square(mu))

Right
  mean(square(out - tgt)) + 1e-3*mean(sum(square(mu), axis=-1))
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lossdsl.analyze.dataflow import forward
from lossdsl.analyze.degrees import Degrees
from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.subject import Subject
from lossdsl.core.graph import Apply, Const, Graph, Input, Term, tape
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.declare import Builtin
from lossdsl.types.types import ArrayType, Dim, Type


@lint(within=("LD425",))
def grows_alone(subject: Subject) -> Iterator[Diagnostic]:
    """Yield terms that are of another degree in the batch than others of their result.

    The batch is a size that leads several inputs; a term that reads none of it is no part of this,
    and no more is a power of a total, such as of a count.
    """
    sizes = _leading(subject)
    if not sizes:
        return
    roots = [term.weighted for outcome in subject.core.results for term in outcome.terms]
    degrees = forward(roots, Degrees(subject.core.graph))
    for outcome in subject.core.results:
        for size in sizes:
            known: dict[Term, float] = {}
            for term in outcome.terms:
                degree = degrees[term.weighted]
                if degree is not None:
                    known[term] = degree.get(size, 0)
            if any(known.values()):
                reading = {t: degree for t, degree in known.items() if _reads(subject, t, size)}
                yield from _differing(subject.core.graph, size, reading)


def _differing(graph: Graph, size: str, known: Mapping[Term, float]) -> Iterator[Diagnostic]:
    steady = next((term for term, degree in known.items() if degree == 0), None)
    for term, degree in known.items():
        if degree < 0 and _divides(graph, term, size):
            message = f"this is divided by `{size}`, over which it is no sum"
            yield at("LD438", message, term.span, help=f"leave `/{size}` out after a mean")
        elif degree == 1 and steady is not None:
            message = f"this term grows with `{size}`, and `{steady.name}` does not"
            help = f"a mean over `{size}` in both, or a sum in both, keeps their weights"
            yield at("LD438", message, term.span, help=help)


def _divides(graph: Graph, term: Term, size: str) -> bool:
    """Say whether a term is divided by a size as such, and not by a sum of weights."""
    for node in tape([term.weighted]):
        match node:
            case Apply(Builtin(operator="/"), (_, divisor)) if divisor is not None:
                for part in tape([divisor]):
                    match part:
                        case Const(Dim() as dim) if size in graph.outward(dim).symbols:
                            return True
                        case _:
                            pass
            case _:
                pass
    return False


def _leading(subject: Subject) -> list[str]:
    """Return the sizes that lead several inputs."""
    types = subject.core.inputs.values()
    dims = [type.dims[0] for type in types if isinstance(type, ArrayType) and type.dims]
    names = [dim.name for dim in dims if dim.name is not None]
    return [name for name in dict.fromkeys(names) if names.count(name) > 1]


def _reads(subject: Subject, term: Term, size: str) -> bool:
    return any(
        isinstance(node, Input) and _leads(subject.core.graph.types[node], size)
        for node in tape([term.weighted])
    )


def _leads(type: Type, size: str) -> bool:
    return isinstance(type, ArrayType) and bool(type.dims) and type.dims[0].name == size
