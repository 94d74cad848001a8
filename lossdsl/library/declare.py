"""How functions of the language are declared, and the libraries that they make.

`@primitive` declares a JAX kernel with its signature as text; a `.loss` file declares functions
written in the language; a plain Python function is one as it is. A `Library` is a value:
`BUILTINS | mine`.
"""

from __future__ import annotations

import inspect
import re
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace
from functools import cached_property, lru_cache
from importlib import import_module
from os import PathLike, fspath, listdir, path
from threading import RLock
from typing import Any, cast

from lossdsl.diagnostics.diagnostic import Diagnostic, LossError, at
from lossdsl.diagnostics.settings import hold_limits, hold_mapping, hold_text, refuse
from lossdsl.frozen import dataclass
from lossdsl.library.admit import (
    admitted,
    clash,
    clashes,
    gathered,
    guarded,
    hold_declaration,
    hold_doc,
    hold_library,
)
from lossdsl.library.aliases import alias_table, folded
from lossdsl.library.function import Builtin as Builtin
from lossdsl.library.function import Kernel as Kernel
from lossdsl.library.function import is_own_module, written
from lossdsl.library.lazy import Lazy
from lossdsl.library.own_files import own_files
from lossdsl.library.recursion import recursion
from lossdsl.library.syntax_forms import Form
from lossdsl.limits import DEFAULT_LIMITS, FILE_SIZE, Limits
from lossdsl.source import Source, Span
from lossdsl.syntax import ast
from lossdsl.syntax.parse import parse_program

_HERE = path.dirname(__file__)


@dataclass(frozen=True, eq=False)
class Library:
    """The functions that a spec may call: an immutable mapping from name to declaration.

    `private` has the definitions whose names begin with `_`, by text and name: only what is
    written in the same text can call them.
    """

    functions: Mapping[str, Builtin] = field(default_factory=dict[str, Builtin])
    private: Mapping[tuple[Source, str], Builtin] = field(
        default_factory=dict["tuple[Source, str]", Builtin]
    )

    def __post_init__(self) -> None:
        for own in (self.functions, self.private):
            hold_mapping("functions", own, "`Library.of` takes functions, `Library.loads` a text")
            # Those of lossdsl itself are read when they are first needed.
            for function in own.values() if isinstance(own, dict) else ():
                hold_library(function, Builtin)

    def __copy__(self) -> Library:
        return self

    def __deepcopy__(self, memo: object) -> Library:
        return self

    def __getitem__(self, name: str) -> Builtin:
        return self.functions[name]

    def __contains__(self, name: object) -> bool:
        return name in self.functions

    def __iter__(self) -> Iterator[str]:
        return iter(self.functions)

    def __len__(self) -> int:
        return len(self.functions)

    def get(self, name: str) -> Builtin | None:
        """Return the function of a name, or None."""
        return self.functions.get(name)

    def visible(self, name: str, file: Source) -> Builtin | None:
        """Return the function that a name means where a file says it, or None."""
        own = self.private.get((file, name)) if name.startswith("_") else None
        return own or self.functions.get(name)

    @cached_property
    def aliases(self) -> Mapping[str, str]:
        """The function that each name of other libraries means, as the declarations say."""
        return alias_table({name: function.aliases for name, function in self.functions.items()})

    @cached_property
    def unlike(self) -> Mapping[str, tuple[str, str]]:
        """The function that is near to what other libraries have by a folded name, and how not."""
        return {
            folded(name): (near, text)
            for near, function in self.functions.items()
            for name, text in function.unlike.items()
        }

    def __or__(self, other: Library) -> Library:
        hold_library(other, Library)
        diagnostics = list(clashes(self.functions, other.functions))
        if diagnostics:
            raise LossError(diagnostics)
        private = ChainMap(dict(other.private), cast("Any", self.private))
        return replace(self.extended(other.functions), private=private)

    def extended(self, functions: Mapping[str, Builtin]) -> Library:
        """Return the library with more functions; one of the same name takes the other's place."""
        hold_mapping("functions", functions, "from names to functions")
        return replace(self, functions=ChainMap(dict(functions), cast("Any", self.functions)))

    @classmethod
    def of(
        cls, *functions: Builtin | Callable[..., Any], **named: Builtin | Callable[..., Any]
    ) -> Library:
        """Return a library of functions: primitives, and plain Python functions as they are.

        A Python function has its own name, or the one under which it is passed.

        >>> sorted(Library.of(abs, twice=lambda x: 2*x))
        ['abs', 'twice']
        """
        own = [admitted(function) for function in functions]
        return cls(gathered([*own, *(admitted(f, name) for name, f in named.items())]))

    @classmethod
    def loads(
        cls,
        text: str,
        name: str = "<library>",
        family: str = "user",
        limits: Limits = DEFAULT_LIMITS,
    ) -> Library:
        """Read a library from the text of a `.loss` file; raises `LossError`.

        >>> sorted(Library.loads("def twice(x) = 2*x"))
        ['twice']
        """
        hold_library(text, str)
        hold_text("name", name, "'mine.loss'")
        hold_text("family", family, "'user'")
        hold_limits(limits)
        source = Source(text, name)
        program, diagnostics = parse_program(source, limits, library=True)
        if program is None:
            raise LossError(diagnostics)
        grouped: dict[str, list[ast.Definition]] = {}
        for statement in program.statements:
            assert isinstance(statement, ast.Definition)
            grouped.setdefault(statement.signature.name, []).append(statement)
        circular = recursion(grouped)
        if circular is not None:
            raise LossError([circular])
        own = {key: _written(group, family) for key, group in grouped.items()}
        for function in own.values():
            hold_doc(function)
        return cls(
            {key: function for key, function in own.items() if not key.startswith("_")},
            private={(source, key): f for key, f in own.items() if key.startswith("_")},
        )

    @classmethod
    def load(cls, path: str | PathLike[str], limits: Limits = DEFAULT_LIMITS) -> Library:
        """Read a library from a `.loss` file; raises `LossError`."""
        try:
            name = fspath(path)
            with open(name, "rb") as file:
                data = file.read(FILE_SIZE + 1)
            text = data.decode("utf-8-sig")
        except (OSError, TypeError, ValueError) as problem:
            reason = (getattr(problem, "strerror", None) or str(problem)).lower()
            shown = type(path).__name__ if isinstance(problem, TypeError) else path
            raise LossError([_unread(shown, f"`{shown}` cannot be read: {reason}")]) from None
        if len(data) > FILE_SIZE:
            raise LossError([_unread(path, f"`{path}` is larger than {FILE_SIZE:,} bytes")])
        return cls.loads(text, str(name), limits=limits)


def _unread(path: object, message: str) -> Diagnostic:
    return at("LD701", message, Span(Source("", str(path)), 0, 0))


def _written(definitions: list[ast.Definition], family: str) -> Builtin:
    doc = next((d.doc for d in definitions if d.doc), "")
    return written(definitions[0].signature.name, family, tuple(definitions), doc)


def primitive(*texts: str, **facts: Any) -> Callable[[Callable[[], Kernel]], Builtin]:
    """Declare a function by its signature and the factory of its JAX kernel.

    The decorated function takes nothing, carries the documentation (a summary, then lines
    `cite:` and `example:`), and returns the kernel. It is called at the first lowering, so that
    the module that declares it imports no JAX. The facts are the fields of `Builtin`. Raises
    `LossError` for what is no signature and no fact.
    """

    hold_declaration(texts, facts)

    def declare(factory: Callable[[], Kernel]) -> Builtin:
        if not callable(factory):
            refuse(
                "primitive",
                factory,
                "above a function",
                "which takes nothing, and returns the kernel",
            )
        name = texts[0].partition("(")[0].strip()
        values: dict[str, Any] = {"family": (factory.__module__ or "").rpartition(".")[2], **facts}
        if not is_own_module(factory):
            values |= guarded(name, facts)
        return Builtin(
            name, texts=texts, factory=factory, doc=inspect.getdoc(factory) or "", **values
        )

    return declare


def renamed(function: Builtin, name: str) -> Builtin:
    """Return the same function under another name."""
    texts = tuple(f"{name}({text.partition('(')[2]}" for text in function.texts)
    doc = re.sub(rf"\b{function.name}\b", name, re.sub(r"(?m)^aka:.*\n", "", function.doc))
    return replace(function, name=name, texts=texts, doc=doc, operator=None)


@lru_cache(maxsize=1)
def primitives() -> Mapping[str, Builtin]:
    """Return the primitives that come with lossdsl, by name."""
    functions: dict[str, Builtin] = {}
    for name in sorted(listdir(path.join(_HERE, "primitives"))):
        module, ending = path.splitext(name)
        if ending != ".py" or module.startswith("_"):
            continue
        values = vars(import_module(f"lossdsl.library.primitives.{module}")).values()
        own = {value.name: value for value in values if isinstance(value, Builtin)}
        _hold_apart(functions, own)
        functions |= own
    return functions


@lru_cache(maxsize=1)
def _by_form() -> Mapping[Form, Builtin]:
    """Return what forms stand for: of a function with two names, the first."""
    table: dict[Form, Builtin] = {}
    for function in primitives().values():
        if function.form is not None:
            table.setdefault(function.form, function)
    return table


@lru_cache(maxsize=1)
def _by_operator() -> Mapping[str, Builtin]:
    return {
        function.operator: function
        for function in primitives().values()
        if function.operator is not None
    }


def of_form(form: Form) -> Builtin:
    """Return what syntax or an option stands for, whatever functions a spec may call."""
    return _by_form()[form]


def of_operator(symbol: str) -> Builtin:
    """Return the function behind the symbol of an operator."""
    return _by_operator()[symbol]


@lru_cache(maxsize=1)
def builtins() -> Library:
    """Return the functions that come with lossdsl; a definition is read when it is needed."""
    ready = {name: function for name, function in primitives().items() if not function.internal}
    public: dict[str, Callable[[], Builtin]] = {}
    private: dict[tuple[Source, str], Callable[[], Builtin]] = {}
    for source, makers in own_files(path.join(_HERE, "losses")):
        own = {name: maker for name, maker in makers.items() if not name.startswith("_")}
        _hold_apart({**ready, **public}, own)
        public |= own
        private |= {(source, name): makers[name] for name in makers.keys() - own.keys()}
    return Library(Lazy(ready, public, _public), Lazy({}, private, _hidden))


def _public() -> Mapping[str, Builtin]:
    return builtins().functions


def _hidden() -> Mapping[tuple[Source, str], Builtin]:
    return builtins().private


def _hold_apart(known: Mapping[str, object], more: Mapping[str, object]) -> None:
    """Raise `LossError` for a name that is declared twice."""
    twice = [clash(name, None) for name in more if name in known]
    if twice:
        raise LossError(twice)


def with_builtins(library: object = None) -> Library:
    """Return what a spec may call that is given a library: its functions beside lossdsl's own."""
    mine = None if library is None else hold_library(library, Library)
    # Two threads that ask at once get one library, so that a spec is compiled once for both.
    with _ONE_AT_A_TIME:
        own = builtins()
        return own if mine is None or mine is own else _beside_builtins(mine)


_ONE_AT_A_TIME = RLock()


@lru_cache(maxsize=64)
def _beside_builtins(library: Library) -> Library:
    return builtins() | library
