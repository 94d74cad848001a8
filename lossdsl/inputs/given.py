"""What a caller gives: specs in their forms, and the types of inputs in theirs."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import Any

from lossdsl.diagnostics.diagnostic import Diagnostic, LossError, at
from lossdsl.frozen import dataclass
from lossdsl.inputs.composed import parse_composed
from lossdsl.inputs.mapping_form import (
    Parts,
    Problem,
    as_mapping,
    in_python,
    kind_of,
    number_text,
    shape_problem,
)
from lossdsl.limits import Limits
from lossdsl.selectors import flatten
from lossdsl.source import Origin, Source, Span
from lossdsl.syntax import ast
from lossdsl.syntax.names import name_problems
from lossdsl.syntax.parse import parse_program, parse_type
from lossdsl.types.dtypes import KNOWN_DTYPES, dtype_name, has, is_shaped
from lossdsl.types.types import ArrayType, TreeType, array, literal_dim


@dataclass(frozen=True, slots=True)
class Given:
    """A spec as given: its parts, the types of inputs, and those inputs that are real trees."""

    parts: Parts
    types: Mapping[str, str | Source]
    trees: Mapping[str, TreeType]

    @property
    def key(self) -> Hashable:
        """What tells this spec from another one."""
        types, trees = sorted(self.types.items()), sorted(self.trees.items())
        source = self.parts.source
        more = self.parts.terms, self.parts.weights
        return source.text, source.name, more, tuple(types), tuple(trees)


def spec_parts(spec: Any, inputs: Any = None) -> Given:
    """Return the text of a spec and what is known of its inputs; raise `LossError`."""
    parts = _parts(spec)
    own = {name: default_text(value) for name, value in _by_name(parts.inputs).items()}
    values = {**own, **_by_name(inputs)}
    types = {name: type_text(name, value) for name, value in values.items()}
    trees = {
        name: known
        for name, value in values.items()
        if types[name] == "tree" and (known := tree_type(name, value)) is not None
    }
    return Given(parts, types, trees)


def with_trees(given: Given, trees: Any) -> Given:
    """Return a spec of which more trees are known, whose inputs need not be declared."""
    known: dict[str, TreeType] = {}
    for name, value in _by_name(trees).items():
        type = value if isinstance(value, TreeType) else tree_type(name, value)
        if type is None:
            message = f"`{name}` among `trees` is {kind_of(value)}, no pytree of arrays"
            raise LossError([at("LD705", message, None, help="such as `{'kernel': …}`")])
        known[name] = type
    return replace(given, trees={**given.trees, **known}) if known else given


def _parts(spec: Any) -> Parts:
    """Return the parts of a spec in any of its forms."""
    match spec:
        case str():
            return Parts(Source(spec))
        case Source():
            return Parts(spec)
        case _ if (mapping := as_mapping(spec)) is not None:
            problem = shape_problem(mapping)
            if problem is not None:
                raise LossError([misshapen("a spec in mapping form", problem)])
            return in_python(mapping, _by_name(mapping.get("inputs")))
        case _:
            parts = spec.parts if has(spec, "parts") else None
            if isinstance(parts, Parts):
                return parts
    raise LossError([_no_spec(spec)])


def misshapen(subject: str, problem: Problem) -> Diagnostic:
    """Return the diagnostic of a mapping that is no spec, which has no place."""
    subject = f"`{'.'.join(problem.path)}`" if problem.path else subject
    return at("LD705", f"{subject} {problem.predicate}", None, help=problem.help)


def text_of(spec: Any) -> str:
    """Return a text as it is; raise `LossError` for anything else."""
    if isinstance(spec, str):
        return spec
    raise LossError([at("LD705", f"expected a text, not {kind_of(spec)}", None)])


def _no_spec(spec: Any) -> Diagnostic:
    message = f"a spec is a text, a mapping or a `LossSpec`, not {kind_of(spec)}"
    return at("LD705", message, None, help='such as `"mse(out, tgt)"`')


def _by_name(inputs: Any) -> dict[str, Any]:
    if inputs is None:
        return {}
    mapping = as_mapping(inputs)
    if mapping is None:
        raise LossError(
            [
                at(
                    "LD705",
                    f"`inputs` maps names to types; this is {kind_of(inputs)}",
                    None,
                    help='such as `inputs={"out": "f32[B, 10]"}`',
                )
            ]
        )
    for name in mapping:
        if not isinstance(name, str):
            message = f"the name of an input is a text, not {kind_of(name)}"
            raise LossError([at("LD705", message, None)])
    return dict(mapping)


def type_text(name: str, value: Any) -> str | Source:
    """Return the type of an input as text: of a string, an array, a shape, an annotation, a tree.

    >>> import numpy as np
    >>> type_text("out", np.zeros((2, 3), np.float32))
    'f32[2, 3]'
    """
    if isinstance(value, (str, Source)):
        return value
    if has(value, "dim_str") and has(value, "dtypes"):
        return _annotation(value)
    if is_shaped(value):
        dtype = dtype_name(value.dtype)
        if dtype is None:
            message = f"`{name}` is {value.dtype}, no dtype of the language"
            raise LossError([at("LD219", message, None, help=KNOWN_DTYPES)])
        return f"{dtype}[{', '.join(str(size) for size in value.shape)}]"
    if value is None or isinstance(value, (bool, int, float, complex, bytes)):
        raise LossError(
            [
                at(
                    "LD705",
                    f"the type of `{name}` is given by {kind_of(value)}",
                    None,
                    help='a type is a text, `"f32[B, 10]"`, an array, or a tree of arrays',
                )
            ]
        )
    return "tree"


def tree_type(name: str, value: Any) -> TreeType | None:
    """Return what is known of a real tree; None for what is no tree."""
    if isinstance(value, (str, Source)):
        return None
    try:
        flat = flatten(value)
    except Exception:  # JAX cannot flatten it, as a call will say
        return None
    if flat.paths == [()]:
        return None
    leaves = tuple((flat.paths[at], _leaf_type(flat.leaves[at])) for at in flat.read)
    return TreeType(None, leaves, unread=flat.unread_of(name))


def _leaf_type(leaf: Any) -> ArrayType:
    if isinstance(leaf, (bool, int, float)):
        return array(type(leaf).__name__, ())
    if not is_shaped(leaf):
        return array("any", None)
    return array(dtype_name(leaf.dtype) or "any", tuple(map(literal_dim, leaf.shape)))


def _annotation(value: Any) -> str:
    """Return the type of a jaxtyping annotation such as `Float[Array, "b t c"]`."""
    known = sorted({word for word in map(dtype_name, value.dtypes) if word})
    if len(known) == 1:
        dtype = known[0]
    elif all(word.startswith(("f", "b")) for word in known):
        dtype = "float"
    else:
        dtype = "any" if any(word.startswith("f") for word in known) else "int"
    return f"{dtype}[{', '.join(value.dim_str.split())}]"


def default_text(value: object) -> object:
    """Return the type of an input that a spec gives by the number it is worth when left out.

    >>> default_text(1e-3), default_text(True), default_text("f32[B]")
    ('float = 0.001', 'bool = true', 'f32[B]')
    """
    if isinstance(value, bool):
        return f"bool = {str(value).lower()}"
    return f"float = {number_text(value)}" if isinstance(value, int | float) else value


def parse_given(
    given: Given, limits: Limits
) -> tuple[ast.Program | None, dict[str, ast.TypeExpr], tuple[Diagnostic, ...]]:
    """Return a parsed spec and the types of its inputs; those with a default are declared in it."""
    program, diagnostics = parse_composed(given.parts.source, given.parts.terms, limits)
    written = {name: text for name, text in given.types.items() if "=" in _text(text)}
    types, wrong = parse_inputs({name: given.types[name] for name in given.types.keys() - written})
    declarations: list[ast.Statement] = []
    problems = [*diagnostics, *wrong]
    for name, text in written.items():
        found = _name_problems(name)
        declaration, more = (None, ()) if found else _declaration(name, text)
        problems += (*found, *more)
        declarations += [] if declaration is None else [declaration]
    if program is None or (problems and len(problems) > len(diagnostics)):
        return None, {}, tuple(problems)
    types = {name: types[name] for name in given.types if name in types}
    return replace(program, statements=(*declarations, *program.statements)), types, diagnostics


def _text(text: str | Source) -> str:
    return text.text if isinstance(text, Source) else text


def _declaration(
    name: str, text: str | Source
) -> tuple[ast.Declaration | None, tuple[Diagnostic, ...]]:
    """Parse a type with a default, such as `float = 1e-3`, as the declaration it stands for."""
    head, tail = f"{name}: ", "\nloss = 0.0"
    whole = Source(f"{head}{_text(text)}{tail}", f"<type of {name}>")
    if isinstance(text, Source) and text.origin is not None:
        offsets = text.origin.offsets
        offsets = (*offsets[:1] * len(head), *offsets, *offsets[-1:] * len(tail))
        whole = Source(whole.text, text.name, Origin(text.origin.file, offsets))
    if not _text(text).rstrip().endswith("="):
        program, diagnostics = parse_program(whole)
        if program is None:
            return None, diagnostics
        match program.statements:
            case (ast.Declaration(names=(_,)) as declaration, _):
                return declaration, ()
            case _:
                pass
    place = Span(whole, len(head), len(head) + len(_text(text)))
    message = f"`{name}` is given by what is not one type, `=` and one default"
    return None, (at("LD705", message, place, help="such as `float = 1e-3`"),)


def parse_inputs(
    inputs: Mapping[str, str | Source],
) -> tuple[dict[str, ast.TypeExpr], tuple[Diagnostic, ...]]:
    """Return the types that a caller gives for inputs, parsed; a `Source` keeps its place."""
    types: dict[str, ast.TypeExpr] = {}
    problems: list[Diagnostic] = []
    for name, text in inputs.items():
        source = text if isinstance(text, Source) else Source(text, f"<type of {name}>")
        parsed, type_problems = parse_type(source)
        problems += (*_name_problems(name), *type_problems)
        if parsed is not None:
            types[name] = parsed
    return types, tuple(problems)


def _name_problems(name: str) -> list[Diagnostic]:
    return name_problems(Span(Source(name, "<name of an input>"), 0, len(name)))
