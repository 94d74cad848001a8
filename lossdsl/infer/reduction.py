"""Reductions with their options, and the types that they have."""

from __future__ import annotations

from lossdsl.frozen import dataclass
from lossdsl.infer.arguments import Value
from lossdsl.infer.axis_positions import AxisArgument
from lossdsl.infer.elementwise_types import result_dtype
from lossdsl.library.declare import Builtin
from lossdsl.source import Span
from lossdsl.types.types import ArrayType, Dim, arithmetic_dtype, array, kind


@dataclass(frozen=True, slots=True)
class Reduction:
    """A reduction and its evaluated options; `divisor` is a scalar given as `normalize=`."""

    function: Builtin
    axis: AxisArgument | None = None
    keepdims: bool = False
    mask: Value | None = None
    weight: Value | None = None
    normalize: str = "weight"
    divisor: tuple[Value, Span] | None = None

    @property
    def weighted(self) -> bool:
        """Whether elements have weights."""
        return self.weight is not None


def reduced_dims(
    dims: tuple[Dim, ...], axes: tuple[int, ...] | None, keep: bool
) -> tuple[Dim, ...]:
    """Return the dims that a reduction leaves; kept axes have size 1 and are growable."""
    gone = set(range(len(dims)) if axes is None else axes)
    kept = Dim(1, growable=True)
    return tuple(
        kept if at in gone else dim for at, dim in enumerate(dims) if keep or at not in gone
    )


def infer_reduction(
    reduction: Reduction,
    type: ArrayType,
    axes: tuple[int, ...] | None,
    default_float: str = "float",
) -> ArrayType:
    """Return the type of a reduction over axes: at least 32 bits; a weighted one is of floats."""
    function, keep = reduction.function, reduction.keepdims
    result = "float" if reduction.weighted else result_dtype(function.signatures[0])
    dtype = arithmetic_dtype(type.dtype, default_float, function.grows is not None)
    if result in ("bool", "int"):
        dtype = "bool" if result == "bool" else "i32"
    elif kind(type.dtype) == "float":
        dtype = "f32" if type.dtype in ("f16", "bf16") else type.dtype
    elif result == "float":
        dtype = default_float
    elif kind(type.dtype) == "bool":
        dtype = "i32"
    if type.dims is None:
        return array(dtype, () if axes is None and not keep else None)
    return array(dtype, reduced_dims(type.dims, axes, keep))
