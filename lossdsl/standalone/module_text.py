"""A whole file of Python for a loss at the types of one call."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp

from lossdsl.core.graph import Core, Node
from lossdsl.core.same import fingerprints
from lossdsl.specialization import Call
from lossdsl.standalone.body import Body
from lossdsl.standalone.carried_source import carry_all
from lossdsl.standalone.emitted_file import Block, File
from lossdsl.standalone.layout import lines
from lossdsl.standalone.read_calls import KernelReader
from lossdsl.standalone.read_functions import ARRAY
from lossdsl.standalone.values import Code, codes, dotted, expression, name
from lossdsl.syntax import ast as syntax
from lossdsl.terms import named_terms

_TERMS = '''class Terms(NamedTuple):
    """What a loss is made of, by name: terms without their weights, weights, products; metrics."""

    raw: dict[str, jax.Array | float]
    weight: dict[str, jax.Array | float]
    weighted: dict[str, jax.Array | float]
    metrics: dict[str, Any]'''
_VALUE_DOC = "Return the value of the loss."
_TERMS_DOC = "Return the value of the loss, and what it is made of."


@dataclass(frozen=True, slots=True)
class Parameter:
    """An input of a file.

    `leaves` is how each array in it is written, and `shown` how its type is told; a lone one is
    the input itself. One that may be passed as a number becomes an array of `dtype`. `sizes` has
    the symbols of its declaration as they are read off it.
    """

    name: str
    leaves: Sequence[ast.expr]
    shown: Sequence[str]
    is_array: bool
    dtype: Any = None
    default: int | float | bool | None = None
    sizes: Mapping[str, ast.expr] = field(default_factory=dict[str, "ast.expr"])

    @property
    def annotation(self) -> str:
        """The type of what is passed."""
        if self.dtype is not None:
            return f"{ARRAY} | {'bool' if self.dtype == bool else 'float'}"
        return ARRAY if self.is_array else "Any"


@dataclass(eq=False)
class Loss:
    """A loss to be written: its spec, inputs, results, and what is computed of them."""

    spec: str
    program: syntax.Program
    parameters: Sequence[Parameter]
    results: Sequence[str]
    value: Call
    terms: Call
    inputs: Mapping[str, Any]


def module_text(loss: Loss) -> str:
    """Return a file with `loss` and `loss_with_terms`; arrays of inputs are traced by JAX."""
    file = File()
    file.names |= {"Any", "NamedTuple", "Terms", "loss_with_terms", "value", "terms"}
    file.names |= {parameter.name for parameter in loss.parameters}
    for call in (loss.value, loss.terms):
        carry_all(call.flat.graph, call.flat.roots, file)
    reader = KernelReader(file)
    functions = [_with_terms(loss, reader)]
    if _is_part(loss.value, loss.terms):
        functions.insert(0, _first(loss))
    else:
        functions.insert(0, _of_value(loss, reader))
    definitions = [line for each in file.functions.values() for line in _apart(each)]
    # `loss` is what a reader looks for: helpers stand before it, in the order of their use.
    body = [line for function in functions for line in _apart([function])]
    carried = [line for each in file.texts.values() for line in ("", "", each)]
    whole = [*definitions, *carried, *body]
    head = [f'"""{_escaped(_doc(loss))}"""', "", *_imports(file, whole)]
    return "\n".join([*head, "", "", *_TERMS.splitlines(), *whole, ""])


def _apart(statements: Sequence[ast.stmt]) -> list[str]:
    """Return definitions of a module, each after two empty lines."""
    shown: list[str] = []
    for statement in statements:
        shown += ["", "", *lines([statement])]
    return shown


def _imports(file: File, shown: Iterable[str]) -> list[str]:
    modules = {"jax", *(module for module in file.modules if not _comes_with_jax(module))}
    lines = {f"import {module}" for module in modules} | file.lines
    if any("jnp." in line for line in shown):
        lines.add("import jax.numpy as jnp")
    ordered = ["from typing import Any, NamedTuple", "", *sorted(lines)]
    # What users annotate is not carried.
    return ["from __future__ import annotations", "", *ordered] if file.texts else ordered


def _comes_with_jax(module: str) -> bool:
    """Say whether a module of JAX is there where `jax` and `jax.numpy` are imported."""
    return module in ("numpy", "jax.lax", "jax.nn", "jax.custom_derivatives") or module.startswith(
        "jax.numpy"
    )


def _doc(loss: Loss) -> str:
    spec = [f"    {line}".rstrip() for line in loss.spec.strip().splitlines()]
    types = [f"    {shown}" for parameter in loss.parameters for shown in parameter.shown]
    head = ["A loss, as lossdsl computes it.", "", *spec, ""]
    inputs = ["Its inputs had these types when it was written:", "", *types]
    return "\n".join([*head, *(inputs if types else ["It has no inputs."]), ""])


def _escaped(doc: str) -> str:
    return doc.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')


def _is_part(value: Call, terms: Call) -> bool:
    """Say whether the value is computed alike with the terms and without them."""
    alone = fingerprints(value.flat.roots)
    whole = fingerprints(terms.flat.roots)
    pairs = zip(value.flat.roots, terms.flat.roots, strict=False)
    return all(alone[one] == whole[other] for one, other in pairs)


# Functions


def _head(loss: Loss) -> tuple[ast.arguments, list[ast.stmt]]:
    """Return the parameters of a function, and the statements that make arrays of numbers."""
    parameters = [
        ast.arg(parameter.name, ast.Name(parameter.annotation)) for parameter in loss.parameters
    ]
    defaults: list[ast.expr | None] = [
        None if parameter.default is None else expression(parameter.default)
        for parameter in loss.parameters
    ]
    made: list[ast.stmt] = [
        ast.Assign(
            [name(parameter.name)],
            ast.Call(
                dotted("jnp.asarray"), [name(parameter.name), expression(parameter.dtype)], []
            ),
        )
        for parameter in loss.parameters
        if parameter.dtype is not None
    ]
    return ast.arguments([], [], None, parameters, defaults, None, []), made


def _function(
    word: str, loss: Loss, doc: str, body: list[ast.stmt], returns: str, arrays: bool
) -> ast.FunctionDef:
    arguments, made = _head(loss)
    told: list[ast.stmt] = [ast.Expr(ast.Constant(doc))]
    return ast.FunctionDef(
        word,
        arguments,
        [*told, *(made if arrays else []), *body],
        [dotted("jax.jit")],
        ast.Name(returns),
    )


def _returned(loss: Loss) -> str:
    return ARRAY if len(loss.results) == 1 else f"dict[str, {ARRAY}]"


def _first(loss: Loss) -> ast.FunctionDef:
    """Return the function of the value, which is the first of two."""
    passed = [ast.keyword(parameter.name, name(parameter.name)) for parameter in loss.parameters]
    called = ast.Call(name("loss_with_terms"), [], passed)
    value = ast.Tuple([name("value"), name("_")])
    body: list[ast.stmt] = [ast.Assign([value], called), ast.Return(name("value"))]
    return _function("loss", loss, _VALUE_DOC, body, _returned(loss), arrays=False)


def _of_value(loss: Loss, reader: KernelReader) -> ast.FunctionDef:
    call = loss.value
    block = _block(reader.file)
    body = _body(loss, call, reader, block, {})
    values = body.write(call.flat.roots)
    block.statements.append(ast.Return(expression(_whole(loss, call.core, values))))
    return _function("loss", loss, _VALUE_DOC, block.statements, _returned(loss), arrays=True)


def _with_terms(loss: Loss, reader: KernelReader) -> ast.FunctionDef:
    core, roots = loss.terms.core, loss.terms.flat.roots
    block = _block(reader.file)
    terms, metrics = named_terms(core.results), list(core.metrics)
    results = len(core.results)
    parts = [roots[results + 3 * at : results + 3 * at + 3] for at in range(len(terms))]
    after = results + 3 * len(terms)
    measured = roots[after : after + len(metrics)]
    names: dict[Node, str] = {}
    for word, (raw, _, weighted) in zip(terms, parts, strict=True):
        names.setdefault(raw, _identifier(word))
        names.setdefault(weighted, f"weighted_{_identifier(word)}")
    names |= dict(zip(measured, map(_identifier, metrics), strict=True))
    body = _body(loss, loss.terms, reader, block, names)
    values = body.write(roots[: after + len(metrics)])
    value = _whole(loss, core, values[:results])
    flat = iter(values[results:])
    by_part: list[dict[str, Any]] = [{}, {}, {}]
    for word in terms:
        for part in by_part:
            part[word] = next(flat)
    shown = {word: _metric(next(flat), core, node) for word, node in core.metrics.items()}
    held = dict(zip(("raw", "weight", "weighted"), by_part, strict=True)) | {"metrics": shown}
    made = ast.Call(
        name("Terms"), [], [ast.keyword(word, expression(part)) for word, part in held.items()]
    )
    if isinstance(value, dict) or isinstance(value.expr, ast.Call):
        value = block.assign("value", Code(value, expression(value)))
    block.statements.append(ast.Assign([name("terms")], made))
    block.statements.append(ast.Return(ast.Tuple([expression(value), name("terms")])))
    returns = f"tuple[{_returned(loss)}, Terms]"
    return _function("loss_with_terms", loss, _TERMS_DOC, block.statements, returns, arrays=True)


def _metric(value: Any, core: Core, node: Node) -> Any:
    """Return a metric; a tree by the paths of its leaves."""
    if not isinstance(value, list):
        return value
    from lossdsl.core.leaves import tree_leaves

    paths = ["/".join(path) for path, _ in tree_leaves(core.graph.types[node])]
    return dict(zip(paths, value, strict=True))


def _block(file: File) -> Block:
    return Block(set(file.names))


def _body(
    loss: Loss, call: Call, reader: KernelReader, block: Block, names: Mapping[Node, str]
) -> Body:
    inputs: dict[str, Any] = {}
    sizes: dict[str, ast.expr] = {}
    by_size = {number: symbol for symbol, number in call.sizes.items()}
    for parameter in loss.parameters:
        value = loss.inputs[parameter.name]
        arrays = value if isinstance(value, list) else [value]
        written = [
            Code(array, expr, is_leaf=True)
            for array, expr in zip(arrays, parameter.leaves, strict=True)
        ]
        inputs[parameter.name] = written if isinstance(value, list) else written[0]
        for code in written:
            for at, size in enumerate(code.value.shape):
                shape = ast.Attribute(code.expr, "shape")
                if size in by_size:
                    sizes.setdefault(by_size[size], ast.Subscript(shape, ast.Constant(at)))
    for parameter in loss.parameters:
        for symbol, expr in parameter.sizes.items():
            sizes.setdefault(symbol, expr)
    named = _bindings(loss, call, names)
    return Body(call.core.graph, call.flat.graph, inputs, reader, block, named, sizes)


def _bindings(loss: Loss, call: Call, names: Mapping[Node, str]) -> dict[Node, str]:
    """Return the names of values: those of the terms, and what the text binds."""
    bound = {
        statement.value.span: statement.name
        for statement in loss.program.statements
        if isinstance(statement, syntax.Binding)
    }
    known = dict(names)
    for node, places in call.flat.graph.places.items():
        for place in places:
            if not place.calls and place.span in bound:
                known.setdefault(node, bound[place.span])
    return known


def _whole(loss: Loss, core: Core, values: Sequence[Any]) -> Any:
    """Return the value, or the values by name; a number is an array from here on."""
    arrays = [
        value
        if any(codes(value))
        else Code(jnp.asarray(value), ast.Call(dotted("jnp.asarray"), [expression(value)], []))
        for value in values
    ]
    return arrays[0] if len(arrays) == 1 else dict(zip(loss.results, arrays, strict=True))


def _identifier(word: str) -> str:
    """Return the name of a variable for a term."""
    made = "".join(letter if letter.isidentifier() or letter.isdigit() else "_" for letter in word)
    return made if made.isidentifier() else f"term_{made}"
