"""What a call may be given by mistake: each kind of value, with what is said of it.

`None` for a code says that the value works. A value that a call uses up is made anew.
"""

from __future__ import annotations

import array
import collections
import datetime
import decimal
import enum
import fractions
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
from jax.experimental import sparse


class Converts:
    """An object that JAX converts when it is asked to."""

    def __jax_array__(self) -> Any:
        return jnp.ones(2)


class Tensor:
    """An array of another library, with dtypes of its own."""

    shape, dtype = (2,), "torch.float32"

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.ones(2, np.float32)


class Frame:
    """A table."""

    shape = (2, 1)

    def to_numpy(self) -> Any:
        return np.ones((2, 1), np.float32)


class Moody:
    """An object whose every question raises."""

    @property
    def shape(self) -> Any:
        raise RuntimeError("no shape")

    @property
    def dtype(self) -> Any:
        raise RuntimeError("no dtype")

    def __repr__(self) -> str:
        raise RuntimeError("no text")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("not comparable")

    __hash__ = object.__hash__


class Color(enum.IntEnum):
    RED = 1


@jax.tree_util.register_pytree_with_keys_class
class Torn:
    """A node that cannot be taken apart."""

    def tree_flatten_with_keys(self) -> Any:
        raise KeyError("torn")

    @classmethod
    def tree_unflatten(cls, aux: Any, children: Any) -> Any:
        return cls()


def deleted() -> Any:
    gone = jnp.ones(2) + 0
    gone.delete()
    return gone


class Rude(dict[str, Any]):
    """A mapping with keys for attributes, of which those that are not there are a `KeyError`."""

    def __getattr__(self, name: str) -> Any:
        return self[name]


@dataclass(frozen=True)
class Odd:
    """A value, the code with which a call refuses it, and parts of the message and help."""

    make: Callable[[], Any]
    code: str | None = None
    message: str = ""
    help: str = ""


def odd(value: Any, code: str | None = None, message: str = "", help: str = "") -> Odd:
    """Return what is said of one value."""
    return Odd(lambda: value, code, message, help)


BIG = 2**40
SPARSE = sparse.BCOO((np.ones(2, "f4"), np.array([[0], [1]])), shape=(2,))
RECORDS = np.zeros(2, [("x", "f4")])
DAYS = np.array(["2020-01-01"], "M8[D]")

# Given where an array is read.
VALUES: dict[str, Odd] = {
    "a large int": odd(2**31, "LD219", "`{}` is 2147483648, which no int32 holds", "float({})"),
    "a small int": odd(-(2**31) - 1, "LD219", "no int32", "float({})"),
    "a huge int": odd(10**400, "LD219", "a number of 401 digits"),
    "a large NumPy int": odd(np.int64(BIG), "LD219", "`{}` holds 1099511627776", "np.float32"),
    "large NumPy ints": odd(np.array([1, BIG]), "LD219", "`{}` holds 1099511627776", "np.float32"),
    "large unsigned": odd(np.array([2**63, 1], "u8"), "LD219", "no uint32", "np.float32"),
    "other bytes f4": odd(np.ones(2, ">f4"), "LD213", "array of >f4", "{}.astype(np.float32)"),
    "other bytes f8": odd(np.ones(2, ">f8"), "LD213", "array of >f8", "{}.astype(np.float64)"),
    "other bytes i4": odd(np.ones(2, ">i4"), "LD213", "NumPy array of >i4", "{}.astype(np.int32)"),
    "records": odd(RECORDS, "LD213", "NumPy array of records", "{}['x']"),
    "a recarray": odd(RECORDS.view(np.recarray), "LD213", "of records", "{}['x']"),
    "masked": odd(np.ma.array([1.0, 2.0], mask=[0, 1]), "LD213", "with a mask", "{}.filled(0)"),
    "masked ints": odd(np.ma.array([1, 2]), "LD213", "with a mask", "getmaskarray({})"),
    "masked nothing": odd(np.ma.masked, "LD213", "with a mask", "{}.filled(0)"),
    "long doubles": odd(np.ones(2, np.longdouble), "LD213", "does not have", "np.float64"),
    "wide complex": odd(np.ones(2, np.clongdouble), "LD213", "", "np.complex128"),
    "complex": odd(1j, "LD219", "complex64, which is no dtype"),
    "converts": odd(Converts(), "LD213", "is a Converts, not an array", "jnp.asarray({})"),
    "a tensor": odd(Tensor(), "LD213", "is a Tensor of torch.float32", "np.asarray({})"),
    "a frame": odd(Frame(), "LD213", "is a Frame", "{}.to_numpy()"),
    "moody": odd(Moody(), "LD213", "is a Moody", "eqx.filter"),
    "torn": odd(Torn(), "LD213", "cannot be taken apart"),
    "deleted": Odd(deleted, "LD213", "was deleted", "jnp.copy({})"),
    "a reference": Odd(lambda: jax.new_ref(jnp.ones(2)), "LD213", "mutable reference", "{}[...]"),
    "sparse": odd(SPARSE, "LD213", "is a BCOO", "{}.todense()"),
    "text": odd("relu", "LD213", "is a str, not an array", "leave texts out"),
    "a number as text": odd("1e-3", "LD213", "is a str", "write `0.001`, or pass `float({})`"),
    "bytes": odd(b"1", "LD213", "is a bytes", "np.frombuffer"),
    "NumPy text": odd(np.str_("3"), "LD213", "NumPy scalar of text", "write `3.0`"),
    "texts": odd(np.array(["a"]), "LD213", "NumPy array of text", "leave texts out"),
    "objects": odd(np.array([1.0, None], object), "LD213", "of objects", "{}.astype(np.float32)"),
    "no object": odd(np.array(None, object), "LD213", "of objects"),
    "a date": odd(datetime.date(2020, 1, 1), "LD213", "is a date"),
    "days": odd(DAYS, "LD213", "of times", "timedelta64"),
    "spans": odd(DAYS - DAYS, "LD213", "of times", "timedelta64"),
    "a decimal": odd(decimal.Decimal(1), "LD213", "is a Decimal", "float({})"),
    "a fraction": odd(fractions.Fraction(1, 2), "LD213", "is a Fraction", "float({})"),
    "a shape": odd(jax.ShapeDtypeStruct((2,), "f4"), "LD213", "ShapeDtypeStruct", "compile"),
    "a generator": Odd(lambda: (one for one in [1.0]), "LD213", "a generator", "list({})"),
    "a range": odd(range(2), "LD213", "is a range", "list({})"),
    "a memoryview": odd(memoryview(b"ab"), "LD213", "is a memoryview", "list({})"),
    "a set": odd({1.0, 2.0}, "LD213", "is a set", "list({})"),
    "array.array": odd(array.array("f", [1, 2]), "LD213", "is an array", "list({})"),
    "a function": odd(jnp.tanh, "LD213", "", "eqx.filter"),
    "a module": odd(np, "LD213", "is a module", "eqx.filter"),
    "a type": odd(int, "LD213", "is a type", "eqx.filter"),
    "a dtype": odd(np.dtype("f4"), "LD213", "DType", "eqx.filter"),
    "mixed keys": odd({1: 1.0, "a": 2.0}, "LD213", "cannot be sorted", "keys of one type"),
    "a key": Odd(lambda: jax.random.key(0), "LD219", "a key of random numbers"),
    "int4": odd(np.ones(2, ml_dtypes.int4), "LD219", "int4"),
    "fp8": odd(np.ones(2, ml_dtypes.float8_e4m3fn), "LD219", "float8_e4m3fn"),
    "attributes that raise": odd(Rude(a=1.0), "LD213", "is a Rude"),
    "a float": odd(1.0),
    "a bool": odd(True),
    "not a number": odd(float("nan")),
    "an enum": odd(Color.RED),
    "NumPy ints": odd(np.array([1, 2])),
    "doubles": odd(np.ones(2)),
    "bf16": odd(np.ones(2, ml_dtypes.bfloat16)),
    "a matrix": odd(np.asmatrix([[1.0, 2.0]])),
    "read-only": odd(np.broadcast_to(np.float32(1), (2,))),
    "backwards": odd(np.arange(4, dtype=np.float32)[::-2]),
    "a list": odd([1.0, 2.0]),
    "an ordered dict": odd(collections.OrderedDict(a=1.0)),
}  # fmt: skip
