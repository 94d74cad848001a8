"""The inputs of a program under construction: their declared types and random values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import ml_dtypes
import numpy as np

from lossdsl.library.domains import Interval
from lossdsl.source import Source, Span
from lossdsl.syntax import ast
from lossdsl.testing.random_values import Drawn, Sizes
from soak.expr import Axis, Dims, Expr

HERE = Span(Source(""), 0, 0)
NUMPY = {
    "f16": np.float16, "bf16": ml_dtypes.bfloat16, "f32": np.float32, "f64": np.float64,
    "bool": np.bool_,
    **{f"{kind}{bits}": np.dtype(f"{kind}{bits // 8}") for kind in "iu" for bits in (8, 16, 32)},
}  # fmt: skip
MIXED = ("f32", "f32", "f32", "f32", "bf16", "f16")
WHOLE = ("i32", "i32", "i32", "i8", "i16", "u8", "u16", "u32")


@dataclass
class World:
    """What a program may read. `lead` is the dim of its examples, if each is to stay alone.

    `floats` are the dtypes of real inputs. Sizes are 1 to 4, in one world of eight also 0.
    """

    random: Random
    floats: tuple[str, ...] = MIXED
    lead: str | None = None
    sizes: dict[str, int] = field(default_factory=dict[str, int])
    types: dict[str, str] = field(default_factory=dict[str, str])
    values: dict[str, Any] = field(default_factory=dict[str, Any])
    reusable: dict[object, list[Expr]] = field(default_factory=dict[object, "list[Expr]"])
    least: int = 1

    def __post_init__(self) -> None:
        if self.lead is not None:
            self.sizes[self.lead] = self.random.randint(2, 5)
        self.least = 0 if self.lead is None and self.random.random() < 0.125 else 1

    def axis(self, least: int | None = None) -> str:
        """Return a dim that is new."""
        symbol = f"{'CDHWTKLM'[len(self.sizes) % 8]}{len(self.sizes) // 8 or ''}"
        self.sizes[symbol] = self.random.randint(self.least if least is None else least, 4)
        return symbol

    def size(self, axis: Axis) -> int:
        """Return the size of a dim."""
        return axis if isinstance(axis, int) else self.sizes[axis]

    def names(self, axis: Axis) -> bool:
        """Say whether an input declares a dim, so that the text may name it."""
        return isinstance(axis, int) or any(
            re.search(rf"\b{axis}\b", type) for type in self.types.values()
        )

    def shape(self, dims: Dims) -> tuple[int, ...]:
        """Return the sizes of dims."""
        return tuple(map(self.size, dims))

    def bare(self, dims: Dims) -> bool:
        """Whether values of these dims are the same for every example."""
        return self.lead is None or self.lead not in dims

    def array(
        self,
        dims: Dims,
        kind: str = "float",
        parameter: ast.Parameter | None = None,
        pattern: ast.ArrayTypeExpr | None = None,
        domains: Mapping[str, Interval] | None = None,
        classes: int = 3,
    ) -> Expr:
        """Return an input of a kind: for a parameter, within its role and domain."""
        plain = parameter is None
        key = (dims, kind)
        if plain and key in self.reusable and self.random.random() < 0.4:
            return self.random.choice(self.reusable[key])
        pattern = pattern or ast.ArrayTypeExpr(kind, (), None, HERE)
        seed = np.random.default_rng(self.random.getrandbits(32))
        drawn = Drawn(seed, Sizes(run=(), dims={"K": classes}), domains)
        value = drawn.array("" if parameter is None else parameter.name, pattern, self.shape(dims))
        whole = value.dtype.kind in "iu"
        dtype = "bool" if value.dtype == bool else None
        dtype = dtype or self.random.choice(WHOLE if whole else self.floats)
        role = "" if pattern.role is None else f"{pattern.role} "
        made = self.add(f"{role}{dtype}[{', '.join(map(str, dims))}]", value.astype(NUMPY[dtype]))
        if plain:
            self.reusable.setdefault(key, []).append(made)
        return made

    def add(self, type: str, value: Any) -> Expr:
        """Return a new input of a declared type."""
        name = f"x{len(self.types)}"
        self.types[name], self.values[name] = type, value
        return Expr(name)

    def tree(self) -> Expr:
        """Return an input that is a tree of parameters, of which a few names are known."""
        if "tree" in self.reusable and self.random.random() < 0.7:
            return self.random.choice(self.reusable["tree"])
        random = np.random.default_rng(self.random.getrandbits(32))

        def leaf(*shape: int) -> Any:
            return random.normal(size=shape).astype(NUMPY[self.random.choice(self.floats)])

        value = {
            "encoder": {"kernel": leaf(2, 3), "bias": leaf(3)},
            "layers": [{"tau": abs(leaf(2)) + 1}, {"tau": abs(leaf()) + 1, "kernel": leaf(1, 2)}],
            "steps": np.int32(7),
        }
        made = self.add("tree", value)
        self.reusable.setdefault("tree", []).append(made)
        return made

    def step(self) -> None:
        """Declare the number of the training step."""
        self.types.setdefault("step", "i32")
        self.values.setdefault("step", np.int32(self.random.randint(0, 30)))

    def record(self, dims: Dims) -> Expr:
        """Return an input that is a record of two arrays."""
        shape, random = self.shape(dims), np.random.default_rng(self.random.getrandbits(32))
        dtypes = {name: self.random.choice(self.floats) for name in ("mu", "scale")}
        written = f"[{', '.join(map(str, dims))}]"
        fields = ", ".join(f"{name}: {dtype}{written}" for name, dtype in dtypes.items())
        values = {n: random.normal(size=shape).astype(NUMPY[d]) for n, d in dtypes.items()}
        return self.add(f"{{{fields}}}", values)

    @property
    def header(self) -> str:
        """The declarations of all inputs."""
        return "".join(f"{name}: {type}\n" for name, type in self.types.items())
