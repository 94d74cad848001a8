"""How a function of the language is declared: one record, read by every stage.

`@primitive` declares a JAX kernel with its signature as text; a `.loss` file declares functions
written in the language. A `Library` is a value: `BUILTINS | mine`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

from lossdsl.diagnostics.diagnostic import Diagnostic, LossError, at
from lossdsl.library.domains import Interval, read_domains
from lossdsl.source import Source
from lossdsl.syntax import ast
from lossdsl.syntax.parse import parse_program, parse_signature

Kernel = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class Builtin:
    """Everything that is known about one function.

    A primitive has `texts` (one signature or several, the first that fits is taken) and a
    `factory` of its kernel; a function written in the language has `definitions`. Facts:

    - `elementwise`: the signature is lifted over broadcasting and trees.
    - `reduction`: the function also takes `axis`, `keepdims` and `where`; `weighted` adds
      `weight` and `normalize`. `across` names how partial results over the leaves of a tree
      combine: `add`, `maximum`, `minimum`, `multiply`, `and`, `or`, `mean`; None concatenates.
    - `combine` says how a reduction over a batch combines over micro-batches: `mean` or `sum`.
    - `partial` gives, by parameter, a value at which the function and its derivative are finite:
      its value or derivative can be infinite or NaN elsewhere.
    - `domain` says where literals given for parameters may lie: `temperature in (0, inf)`.
    - `rule` computes the type of the result where the signature cannot say it.
    - `axes` says which axis of the result each axis of an operand becomes (see `follow.py`); it is
      implied by `elementwise` and `reduction`. Masks follow it backwards, batches forwards.
    - `sink` says more about elements, for masks: `"pick"`, each of the result is one of the first
      operand, picked alike along the axes that it keeps, or a constant; `"reshape"`, they keep
      their order; a callable returns the part of the result that an operand is.
    - `operator` is the symbol that means this function, such as `+`.
    - `limit` marks the law of a constraint; `form` names the syntax that a call stands for.
    """

    name: str
    family: str
    texts: tuple[str, ...] = ()
    factory: Callable[[], Kernel] | None = None
    definitions: tuple[ast.Definition, ...] = ()
    elementwise: bool = False
    reduction: bool = False
    weighted: bool = False
    across: str | None = None
    combine: str | None = None
    partial: Mapping[str, float] = field(default_factory=dict[str, float])
    rule: Callable[..., Any] | None = None
    axes: Callable[..., Any] | None = None
    sink: str | Callable[..., Any] | None = None
    laws: tuple[str, ...] = ()
    domain: str = ""
    operator: str | None = None
    limit: bool = False
    form: str | None = None
    internal: bool = False
    doc: str = ""

    def __repr__(self) -> str:
        return self.name

    @cached_property
    def signatures(self) -> tuple[ast.Signature, ...]:
        """The parsed signatures; a primitive's text is part of lossdsl, so it must parse."""
        if self.definitions:
            return tuple(definition.signature for definition in self.definitions)
        return tuple(_signature(text, self.name) for text in self.texts)

    @cached_property
    def kernel(self) -> Kernel:
        """The JAX kernel: array operands by position, then static options by name."""
        if self.factory is None:
            raise TypeError(f"{self.name} is written in the language and has no kernel")
        return self.factory()

    @property
    def is_loss(self) -> bool:
        """Whether the function is declared by its unreduced value."""
        return bool(self.definitions) and self.definitions[0].kind == "loss"

    @property
    def is_schedule(self) -> bool:
        """Whether the function is a schedule: what it takes first is the `step`."""
        heads = (signature.parameters[:1] for signature in self.signatures)
        return any(head[0].name == "step" for head in heads if head)

    @cached_property
    def domains(self) -> Mapping[str, Interval]:
        """The range of each parameter that `domain` restricts."""
        return read_domains(self.domain)

    @cached_property
    def about(self) -> Mapping[str, str]:
        """The doc's fields: `summary`, and `cite`, `example`, `note`, `laws` where given."""
        return _fields(self.doc)


def _signature(text: str, name: str) -> ast.Signature:
    parsed, diagnostics = parse_signature(Source(text, f"<signature of {name}>"))
    if parsed is None:
        raise LossError(diagnostics)
    return parsed


def _fields(doc: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    last = "summary"
    for line in doc.strip().splitlines():
        key, colon, rest = line.strip().partition(":")
        if colon and key in ("cite", "example", "laws", "note", "formula", "primitive", "domain"):
            last = key
            found[key] = f"{found[key]}\n{rest.strip()}" if key in found else rest.strip()
        elif line.strip():
            found[last] = f"{found[last]} {line.strip()}" if last in found else line.strip()
    return found


@dataclass(frozen=True)
class Library:
    """The functions that a spec may call: an immutable mapping from name to declaration.

    `forms` is what syntax stands for, such as indexing; no spec can call it, and a spec may use
    its names for functions of its own.
    """

    functions: Mapping[str, Builtin] = field(default_factory=dict[str, Builtin])
    forms: Mapping[str, Builtin] = field(default_factory=dict[str, Builtin])

    def __getitem__(self, name: str) -> Builtin:
        return self.forms[name] if name in self.forms else self.functions[name]

    def __contains__(self, name: object) -> bool:
        return name in self.functions

    def __iter__(self) -> Iterator[str]:
        return iter(self.functions)

    def __len__(self) -> int:
        return len(self.functions)

    def get(self, name: str) -> Builtin | None:
        """Return the function of a name, or None."""
        return self.functions.get(name)

    @cached_property
    def operators(self) -> Mapping[str, Builtin]:
        """The function behind each operator symbol."""
        known = (*self.functions.values(), *self.forms.values())
        return {f.operator: f for f in known if f.operator is not None}

    def __or__(self, other: Library) -> Library:
        clashes = sorted(set(self.functions) & set(other.functions))
        if clashes:
            raise LossError([_clash(other.functions[name]) for name in clashes])
        return self.extended(other.functions, other.forms)

    def extended(
        self, functions: Mapping[str, Builtin], forms: Mapping[str, Builtin] | None = None
    ) -> Library:
        """Return the library with more functions; one of the same name takes the other's place."""
        return Library({**self.functions, **functions}, {**self.forms, **(forms or {})})

    @classmethod
    def of(cls, *functions: Builtin) -> Library:
        """Return a library of the given functions."""
        return cls({function.name: function for function in functions})

    @classmethod
    def loads(cls, text: str, name: str = "<library>", family: str = "user") -> Library:
        """Read a library from the text of a `.loss` file; raises `LossError`.

        >>> sorted(Library.loads("def twice(x) = 2*x"))
        ['twice']
        """
        program, diagnostics = parse_program(Source(text, name), library=True)
        if program is None:
            raise LossError(diagnostics)
        grouped: dict[str, list[ast.Definition]] = {}
        for statement in program.statements:
            assert isinstance(statement, ast.Definition)
            grouped.setdefault(statement.signature.name, []).append(statement)
        return cls.of(*(_written(found, family) for found in grouped.values()))

    @classmethod
    def load(cls, path: str) -> Library:
        """Read a library from a `.loss` file; raises `LossError`."""
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except (OSError, UnicodeDecodeError) as problem:
            raise LossError([at("LD701", f"cannot read `{path}`: {problem}", None)]) from None
        return cls.loads(text, path)


def _written(definitions: list[ast.Definition], family: str) -> Builtin:
    doc = next((d.doc for d in definitions if d.doc), "")
    about = _fields(doc)
    laws = tuple(law.strip() for law in about.get("laws", "").split(",") if law.strip())
    return Builtin(
        definitions[0].signature.name,
        family,
        definitions=tuple(definitions),
        laws=laws,
        doc=doc,
        domain=about.get("domain", ""),
    )


def _clash(function: Builtin) -> Diagnostic:
    span = function.definitions[0].span if function.definitions else None
    return at(
        "LD801",
        f"`{function.name}` is already a function of the library",
        span,
        help="choose another name; a library never replaces a function silently",
    )


def primitive(*texts: str, **facts: Any) -> Callable[[Callable[[], Kernel]], Builtin]:
    """Declare a function by its signature and the factory of its JAX kernel.

    The decorated function takes nothing, carries the documentation (a summary, then lines
    `cite:` and `example:`), and returns the kernel. It is called at the first lowering, so that
    the module that declares it imports no JAX. The facts are the fields of `Builtin`.
    """

    def declare(factory: Callable[[], Kernel]) -> Builtin:
        name = texts[0].partition("(")[0].strip()
        values: dict[str, Any] = {"family": factory.__module__.rpartition(".")[2], **facts}
        return Builtin(
            name, texts=texts, factory=factory, doc=inspect.getdoc(factory) or "", **values
        )

    return declare


def renamed(function: Builtin, name: str) -> Builtin:
    """Return the same function under another name."""
    texts = tuple(f"{name}({text.partition('(')[2]}" for text in function.texts)
    return replace(function, name=name, texts=texts, operator=None)


@lru_cache(maxsize=1)
def builtins() -> Library:
    """Return the functions that come with lossdsl, read once."""
    from importlib import import_module, resources

    found: dict[str, Builtin] = {}

    def add(function: Builtin) -> None:
        if function.name in found:
            raise LossError([_clash(function)])
        found[function.name] = function

    package = resources.files("lossdsl.library")
    for entry in sorted((package / "primitives").iterdir(), key=lambda entry: entry.name):
        module, dot, suffix = entry.name.partition(".")
        if suffix == "py" and dot and module != "__init__":
            for value in vars(import_module(f"lossdsl.library.primitives.{module}")).values():
                if isinstance(value, Builtin):
                    add(value)
    for entry in sorted((package / "losses").iterdir(), key=lambda entry: entry.name):
        family, _, suffix = entry.name.partition(".")
        if suffix == "loss":
            text = entry.read_text(encoding="utf-8")
            for function in Library.loads(
                text, f"<lossdsl>/{entry.name}", family
            ).functions.values():
                add(function)
    functions = {name: one for name, one in found.items() if not one.internal}
    return Library(functions, {name: one for name, one in found.items() if one.internal})


@lru_cache(maxsize=1)
def syntax() -> Mapping[str, Builtin]:
    """Return what syntax and the options of losses stand for, whatever a spec may call."""
    library = builtins()
    named = {
        name: function
        for name, function in library.functions.items()
        if function.operator or function.limit or name in ("mean", "sum", "stop_gradient")
    }
    return {**library.forms, **named}
