"""What is said of an axis that an array does not have."""

from __future__ import annotations

from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.infer.axes import AxisMismatch, NamedDim, NoAxis, is_dim
from lossdsl.library.suggest import did_you_mean


def explain_axes(mismatch: AxisMismatch, option: str) -> Diagnostic:
    """Return what is said of axes that are given for an option."""
    span, dims = mismatch.span, mismatch.dims or ()
    shape = f"[{', '.join(map(str, dims))}]"
    match mismatch.reason, mismatch.part:
        case "none", NoAxis(str() as name, known):
            listed = (
                f"declared: {', '.join(f'`{axis}`' for axis in known)}"
                if known
                else "declare the inputs, such as `out: f32[B, C]`, or give a number"
            )
            help = did_you_mean(name, known) or listed
            return at("LD108", f"unknown dim `{name}`", span, "no input declares it", help=help)
        case "none", _:
            help = "such as `axis=-1`, `axis=C`, `axis=(0, 1)` or `axis=all`"
            return at("LD207", f"`{option}` is a dim or a number", span, help=help)
        case "range", position:
            if not dims:
                return at("LD207", f"a scalar has no axis {position}", span, shape)
            plural = "" if len(dims) == 1 else "s"
            message = f"axis {position} is out of range for {len(dims)} dim{plural}"
            return at("LD207", message, span, shape)
        case "ambiguous", NamedDim(name, named):
            count = sum(is_dim(dim, named) for dim in dims)
            message = f"`{name}` occurs {count} times, so it names no axis"
            return at("LD207", message, span, shape, help="give the number of the axis")
        case "absent", NamedDim(name):
            help = "the value has the dims in brackets; give one of them, or a number"
            return at("LD207", f"no axis is `{name}`", span, shape, help=help)
        case "repeated", _:
            return at("LD207", "an axis is named twice", span)
        case _:
            return at("LD207", f"`{option}` is one axis", span)
