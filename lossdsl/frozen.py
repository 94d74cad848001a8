"""Frozen dataclasses that are made at once: those of the standard library with less compiled.

`dataclasses.dataclass` compiles up to six methods a class, which is most of the time that a check
of one spec takes to import. Here one is compiled, `__init__`, and that for the first instance; the
others are the same for all.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, fields
from operator import attrgetter
from reprlib import recursive_repr
from typing import Any, Literal, NoReturn, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field, dataclasses.Field))
def dataclass(
    *, frozen: Literal[True], slots: bool = False, eq: bool = True
) -> Callable[[type[T]], type[T]]:
    """Return what makes a frozen dataclass of a class, as the standard library's does.

    >>> from dataclasses import replace
    >>> @dataclass(frozen=True, slots=True)
    ... class Point:
    ...     x: int
    ...     y: int = 0
    >>> replace(Point(1), y=2), Point(1) == Point(1, 0), {Point(1): 3}[Point(1)]
    (Point(x=1, y=2), True, 3)
    >>> Point(1).x = 2
    Traceback (most recent call last):
    ...
    dataclasses.FrozenInstanceError: cannot assign to field 'x'
    """

    def made(written: type[T]) -> type[T]:
        cls: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots)(written)
        methods = {"__init__": _first(cls, slots), "__repr__": _repr}
        if eq:
            methods |= _comparison(cls)
        if slots:  # which pickle would set one by one
            methods |= {"__getstate__": _getstate, "__setstate__": _setstate}
        for name, method in methods.items():
            if name not in vars(written):
                setattr(cls, name, method)
        cls.__setattr__, cls.__delattr__ = _assigned, _deleted
        return cls

    return made


def _first(cls: Any, slots: bool) -> Callable[..., None]:
    """Return an `__init__` that puts the compiled one in its place; many classes need none."""

    def __init__(self: Any, *values: Any, **named: Any) -> None:  # noqa: N807
        cls.__init__ = compiled = _init(cls, slots)
        compiled(self, *values, **named)

    return __init__


def _init(cls: Any, slots: bool) -> Callable[..., None]:
    """Return `__init__`, which is the one method that differs from class to class."""
    known: dict[str, Any] = {"MISSING": MISSING}
    parameters: list[str] = []
    keywords: list[str] = []
    lines: list[str] = [] if slots else ["values = self.__dict__"]
    for each in fields(cls):
        name, default = each.name, ""
        value = name
        if each.default is not MISSING:
            known[f"default_{name}"], default = each.default, f"=default_{name}"
        elif each.default_factory is not MISSING:
            known[f"make_{name}"], default = each.default_factory, "=MISSING"
            value = f"make_{name}() if {name} is MISSING else {name}"
        (keywords if each.kw_only else parameters).append(f"{name}{default}")
        if slots:
            known[f"set_{name}"] = getattr(cls, name).__set__
            lines.append(f"set_{name}(self, {value})")
        else:
            lines.append(f"values[{name!r}] = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    given = ", ".join(("self", *parameters, *(("*", *keywords) if keywords else ())))
    exec(f"def __init__({given}):\n " + "\n ".join(lines or ["pass"]), known)
    return known["__init__"]


def _comparison(cls: Any) -> dict[str, Callable[..., Any]]:
    key = _key([each for each in fields(cls) if each.compare])

    def equal(self: Any, other: Any) -> Any:
        if self is other:
            return True
        return key(self) == key(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: Any) -> int:
        return hash(key(self))

    return {"__eq__": equal, "__hash__": hashed}


def _key(parts: list[Field[Any]]) -> Callable[[Any], tuple[Any, ...]]:
    names = [part.name for part in parts]
    match names:
        case []:
            return lambda self: ()
        case [name]:
            return lambda self: (getattr(self, name),)
        case _:
            return attrgetter(*names)


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (f"{part.name}={getattr(self, part.name)!r}" for part in fields(self) if part.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _getstate(self: Any) -> list[Any]:
    return [getattr(self, part.name) for part in fields(self)]


def _setstate(self: Any, state: list[Any]) -> None:
    for part, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, part.name, value)


def _assigned(self: Any, name: str, value: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _deleted(self: Any, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")
