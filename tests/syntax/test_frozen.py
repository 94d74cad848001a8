"""Frozen dataclasses do what the standard library's do."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import FrozenInstanceError, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

import lossdsl
from lossdsl.frozen import dataclass

Make = Callable[..., Callable[[type], type]]


def plain(make: Make) -> type:
    @make(frozen=True)
    class Plain:
        a: int
        b: list[int] = field(default_factory=list, compare=False)
        c: str = field(default="c", repr=False)
        d: int = field(default=4, kw_only=True)

        @cached_property
        def twice(self) -> int:
            return 2 * self.a

    return Plain


def slotted(make: Make) -> type:
    @make(frozen=True, slots=True)
    class Slotted:
        a: int
        b: list[int] = field(default_factory=list, compare=False)
        c: str = field(default="c", repr=False)
        d: int = field(default=4, kw_only=True)

        def __post_init__(self) -> None:
            assert self.d

    return Slotted


def single(make: Make) -> type:
    @make(frozen=True, slots=True)
    class Single:
        a: float

    return Single


def empty(make: Make) -> type:
    @make(frozen=True, slots=True)
    class Empty:
        pass

    return Empty


def spoken(make: Make) -> type:
    @make(frozen=True)
    class Spoken:
        a: int

        def __repr__(self) -> str:
            return "spoken"

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Spoken)

        def __hash__(self) -> int:
            return 1

    return Spoken


def apart(make: Make) -> type:
    @make(frozen=True, eq=False)
    class Apart:
        a: int

    return Apart


VALUES: tuple[tuple[tuple[Any, ...], dict[str, Any]], ...] = (
    ((1,), {}),
    ((1, [2]), {"d": 5}),
    ((1, [3], "x"), {"d": 5}),
    ((float("nan"),), {}),
    ((), {"a": 1}),
    ((), {}),
    ((1, 2, 3, 4), {}),
    ((1,), {"e": 3}),
)


def facts(kind: type) -> list[object]:
    """Return what can be seen of a class and its instances."""
    made: list[Any] = []
    with suppress(TypeError):
        kind(1)  # whose `__init__` the first instance makes
    seen: list[object] = [
        [(each.name, each.kind) for each in inspect.signature(kind).parameters.values()],
        getattr(kind, "__match_args__", None),
        kind.__doc__ and kind.__name__,
        getattr(kind, "__slots__", None),
    ]
    for values, named in VALUES:
        try:
            made.append(kind(*values, **named))
        except TypeError:
            seen.append("refused")
    for instance in made:
        seen += [repr(instance) if "Apart" not in str(kind) else "", dataclasses.astuple(instance)]
        seen.append([instance == other for other in made])
        seen.append([hash(instance) == hash(other) for other in made])
        seen.append(instance == 1)
        for change in (setattr, lambda on, name, _: delattr(on, name)):
            if not dataclasses.fields(instance):
                break  # the standard library's fails on what is no field, where there are slots
            with pytest.raises(FrozenInstanceError) as refused:
                change(instance, "a", 1)
            seen.append(str(refused.value))
        for same in (copy.copy(instance), copy.deepcopy(instance), dataclasses.replace(instance)):
            seen.append([same == instance, repr(dataclasses.asdict(same))])
        assert not hasattr(instance, "b") or kind(1).b is not kind(1).b
    if hasattr(kind, "twice"):
        seen.append(made[0].twice)
    return seen


@pytest.mark.parametrize("written", [plain, slotted, single, empty, spoken, apart])
def test_they_are_as_the_standard_library_makes_them(written: Callable[[Make], type]) -> None:
    ours, theirs = facts(written(dataclass)), facts(written(dataclasses.dataclass))
    assert repr(ours) == repr(theirs)


@dataclass(frozen=True, slots=True)
class Crossing:
    a: int
    b: tuple[int, ...] = ()


def test_they_cross_to_other_processes() -> None:
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(Crossing(1, (2,)), protocol)) == Crossing(1, (2,))


def test_a_pattern_takes_them_apart() -> None:
    match Crossing(1, (2, 3)):
        case Crossing(a, (_, b)):
            assert (a, b) == (1, 3)
        case _:
            raise AssertionError


# What a check imports; the rest is free to wait for the standard library.
CHECKED = (
    "analyze", "cli", "core", "diagnostics", "elaborate", "infer", "inputs", "library", "selectors",
    "spec", "syntax", "types",
)  # fmt: skip


def test_what_a_check_imports_is_made_by_them() -> None:
    package = Path(lossdsl.__file__).parent
    paths = [path for room in CHECKED for path in sorted((package / room).rglob("*.py"))]
    frozen = [path for path in (*paths, *package.glob("*.py")) if path.name != "frozen.py"]
    frozen = [path for path in frozen if "@dataclass(frozen=True" in path.read_text()]
    assert len(frozen) > 40
    for path in frozen:
        assert re.search(r"^from lossdsl\.frozen import dataclass$", path.read_text(), re.M), path
        assert "@dataclasses.dataclass(frozen=True" not in path.read_text(), path
