"""What there is to say of a function, derived from its one declaration: the keys of the JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lossdsl.formula.formulas import Formula, formulas
from lossdsl.formula.reading import leading_constants, reductions
from lossdsl.library.declare import Builtin, Library
from lossdsl.library.laws import meaning
from lossdsl.syntax import ast
from lossdsl.syntax.format_nodes import format_expr, format_signature, format_type
from lossdsl.syntax.options import LOSS_OPTIONS


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FormulaFacts(_Facts):
    """An equation and those of the names that it uses."""

    latex: tuple[str, ...] = Field(description="One equation each, without dollars.")
    unicode: str = Field(description="All equations as text of at most 100 columns where it can.")


class OptionFacts(_Facts):
    """A parameter that may be left out."""

    name: str
    type: str | None = Field(description="In the type language; None where any value will do.")
    default: str = Field(description="As text of the language.")
    domain: str | None = Field(description="Where numbers may lie, such as `(0, inf)`.")


class LawFacts(_Facts):
    """A law that holds for all inputs, and is tested on random ones."""

    name: str
    meaning: str


class ExampleFacts(_Facts):
    """A call, with the inputs that it was made with and its value where that was asked for."""

    text: str
    inputs: dict[str, object] | None = None
    value: object = None


class FunctionFacts(_Facts):
    """A function of the language."""

    name: str
    family: str
    kind: Literal["loss", "function", "primitive"] = Field(
        description="Written in the language with the options of a loss or without, or in Python."
    )
    summary: str
    signatures: tuple[str, ...]
    formulas: tuple[FormulaFacts, ...]
    factors: tuple[str, ...] = Field(description="Constants, divisors, and what is summed.")
    options: tuple[OptionFacts, ...]
    reduction: tuple[str, ...] = Field(description="Keywords that say what is reduced and how.")
    laws: tuple[LawFacts, ...]
    domain: dict[str, str] = Field(description="Where the numbers of a parameter may lie.")
    notes: tuple[str, ...]
    sources: tuple[str, ...] = Field(description="Author, year, and doi or arXiv.")
    aliases: tuple[str, ...] = Field(description="Names in optax, torch and Keras.")
    examples: tuple[ExampleFacts, ...]
    definition: str | None = Field(description="The source, of what is written in the language.")


def facts(
    function: Builtin, library: Library, equations: tuple[Formula, ...] | None = None
) -> FunctionFacts:
    """Return what a function declares and what follows from it, such as its equations."""
    about = function.about
    equations = formulas(function, library) if equations is None else equations
    return FunctionFacts(
        name=function.name,
        family=function.family,
        kind="loss" if function.is_loss else "function" if function.definitions else "primitive",
        summary=about.get("summary", ""),
        signatures=tuple(map(format_signature, function.signatures)),
        formulas=tuple(
            FormulaFacts(latex=equation.latex, unicode=equation.unicode()) for equation in equations
        ),
        factors=tuple(_factors(function, equations)),
        options=tuple(_options(function)),
        reduction=function.options,
        laws=tuple(LawFacts(name=law, meaning=meaning(law)) for law in function.laws),
        domain={name: str(interval) for name, interval in function.domains.items()},
        notes=tuple(about.get("note", "").splitlines()) + _nan_note(about),
        sources=tuple(
            part.strip() for line in about.get("cite", "").splitlines() for part in line.split(";")
        ),
        aliases=function.aliases,
        examples=tuple(
            ExampleFacts(text=example) for example in about.get("example", "").splitlines()
        ),
        definition="\n\n".join(definition.span.text for definition in function.definitions) or None,
    )


def _nan_note(about: Mapping[str, str]) -> tuple[str, ...]:
    """Return why a NaN of an argument does not show, where it does not."""
    return (f"a NaN does not show: {about['nan']}",) if "nan" in about else ()


def _options(function: Builtin) -> Iterator[OptionFacts]:
    defaults: dict[str, dict[str, None]] = {}
    types: dict[str, str | None] = {}
    for signature in function.signatures:
        for parameter in signature.parameters:
            if parameter.default is None or (parameter.type is None and _is_option(parameter)):
                continue
            # One name may have another default in another signature.
            defaults.setdefault(parameter.name, {})[format_expr(parameter.default)] = None
            types.setdefault(
                parameter.name, None if parameter.type is None else format_type(parameter.type)
            )
    for name, values in defaults.items():
        domain = function.domains.get(name)
        yield OptionFacts(
            name=name,
            type=types[name],
            default=" or ".join(values),
            domain=None if domain is None else str(domain),
        )


def _is_option(parameter: ast.Parameter) -> bool:
    return parameter.name in LOSS_OPTIONS


def _factors(function: Builtin, equations: tuple[Formula, ...]) -> Iterator[str]:
    """Yield what a reader could mistake: constants, what is summed, and what a mean divides by."""
    if function.is_loss:
        yield _unreduced(function.signatures[0].result)
        yield from _divisor(function)
    if not function.definitions:
        equations = ()
    constants = list(
        dict.fromkeys(c for equation in equations for c in leading_constants(equation))
    )
    if constants:
        yield f"constant factors in the formula: {', '.join(constants)}"
    within = list(dict.fromkeys(c for equation in equations for c in reductions(equation)))
    if within:
        yield f"within one value: {', '.join(within)}"
    yield from function.about.get("factors", "").splitlines()


def _unreduced(result: ast.TypeExpr | None) -> str:
    match result:
        case ast.ArrayTypeExpr(dims=()):
            return "one value in all"
        case ast.ArrayTypeExpr(dims=(ast.Run(),)):
            return "unreduced, one value for each element of `*S`"
        case ast.ArrayTypeExpr() as array:
            dims = format_type(array).partition("[")[2].rstrip("]")
            return f"unreduced, one value for each place in [{dims}]"
        case ast.TreeTypeExpr():
            return "unreduced, a tree: one value for each element, or for each leaf"
        case _:
            return "unreduced, one value for each element"


def _divisor(function: Builtin) -> Iterator[str]:
    """Yield how the unreduced value is reduced where the call does not say."""
    defaults = {
        parameter.name: parameter.default for parameter in function.signatures[0].parameters
    }
    chosen = defaults.get("reduce")
    match chosen.value if isinstance(chosen, ast.Text) else "mean":
        case "mean":
            over = defaults.get("normalize")
            match over.value if isinstance(over, ast.Text) else "weight":
                case "weight":
                    divisor = "the sum of the weights, without weights the number of what is kept"
                case "count":
                    divisor = "the number of what is kept, whatever the weights"
                case _:
                    divisor = "the number of all, kept or not"
            yield f"by default their mean: the sum divided by {divisor}"
        case "sum":
            yield "by default their sum, divided by nothing"
        case _:
            yield "by default not reduced"
    for parameter in function.signatures[0].parameters:
        if (
            parameter.name in ("where", "weight")
            and parameter.type is None
            and parameter.default is not None
        ):
            yield (
                f"`{parameter.name}` is {format_expr(parameter.default)}, "
                "and what a call gives beside it"
            )
