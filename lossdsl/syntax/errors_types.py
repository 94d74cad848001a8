"""Named errors of declarations: types that do not exist, and what only signatures may say."""

from __future__ import annotations

from difflib import get_close_matches

from lossdsl.diagnostics.diagnostic import Diagnostic, Fix, at
from lossdsl.syntax.names import RESERVED
from lossdsl.syntax.situation import Situation, expectation

# fmt: off
_DTYPES = (
    "f16", "bf16", "f32", "f64", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64",
    "bool", "float", "int", "num", "any",
)
_ROLES = (
    "logits", "probs", "log_probs", "labels", "one_hot", "signs", "spikes", "mask",
    "target", "frozen", "var", "logvar", "std",
)
# fmt: on
_TYPES = (*_DTYPES, *_ROLES, "tree")
_SIGNATURE_WORDS = frozenset({"static", "text", "shape", "axes", "axis", "constraint", "function"})
_ALIASES = {
    **{f"float{bits}": f"f{bits}" for bits in (16, 32, 64)},
    **{f"int{bits}": f"i{bits}" for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": f"u{bits}" for bits in (8, 16, 32, 64)},
    **dict.fromkeys(("bfloat16", "b16"), "bf16"),
    **dict.fromkeys(("double", "Float64"), "f64"),
    **dict.fromkeys(("half",), "f16"),
    **dict.fromkeys(("Float", "scalar", "real", "number"), "float"),
    **dict.fromkeys(("integer", "Int", "long"), "int"),
    **dict.fromkeys(("boolean", "Bool"), "bool"),
    **dict.fromkeys(("pytree", "PyTree", "params", "dict", "list", "tuple"), "tree"),
    **dict.fromkeys(("array", "tensor", "Array", "ndarray"), "f32"),
}


def _signature_only(s: Situation) -> Diagnostic | None:
    """`?`, `|`, choices and static kinds, in a declaration."""
    lexeme = s.lexeme
    kind = s.wants_type and (lexeme.text in _SIGNATURE_WORDS or lexeme.kind == "text")
    mark = lexeme.text in ("?", "|") and "EQUAL" in s.accepts and not s.wants_operator
    ends = lexeme.text in ("?", "|") and s.accepts == {"$END"}
    if not (kind or mark or ends):
        return None
    return at(
        "LD028",
        f"{lexeme} in the type of an input; only signatures of functions have it",
        lexeme.span,
        help="an input is an array such as `f32[B, C]`, a `tree` or a record",
    )


def _unknown_type(s: Situation) -> Diagnostic | None:
    lexeme = s.lexeme
    if not s.wants_type or lexeme.kind not in ("word", "number"):
        return None
    near = _ALIASES.get(lexeme.text)
    if near is None:
        near = next(iter(get_close_matches(lexeme.text, _TYPES, n=1, cutoff=0.6)), None)
    expected = "a dtype or `tree`" if s.before.text in _ROLES else "a dtype, a role or `tree`"
    return at(
        "LD014",
        f"unknown type `{lexeme.text}`; expected {expected}",
        lexeme.span,
        help=f"did you mean `{near}`?" if near else f"dtypes: {', '.join(_DTYPES)}",
        fix=Fix(lexeme.span, near) if near else None,
    )


def _default(s: Situation) -> Diagnostic | None:
    """More than one number as the default of an input."""
    lexeme = s.lexeme
    begins = "TRUE" in s.accepts and not s.wants_operand
    follows = _after_default(s) and lexeme.text not in RESERVED
    if not (begins or follows):
        return None
    return at(
        "LD011",
        f"unexpected {lexeme} in the default of an input; expected one number, `true` or `false`",
        lexeme.span,
        help="a default is a plain value; bind an expression to a name of its own",
    )


def _after_default(s: Situation) -> bool:
    declared = s.pending[-5:]
    if "COLON" not in declared or "EQUAL" not in declared:
        return False
    return s.pending[-1] in ("INT", "FLOAT", "INF", "TRUE", "FALSE")


def _range(s: Situation) -> Diagnostic | None:
    """What is no range behind `in`, or a default behind one."""
    if "IN" not in s.pending:
        return None
    behind = s.pending[len(s.pending) - s.pending[::-1].index("IN") :]
    if any(kind.startswith("RIGHT_") for kind in behind):
        if s.lexeme.text != "=":
            return None
        message = "a default behind the range; expected it before"
        return at("LD001", message, s.lexeme.span, help="such as `a: float = 0.5 in [0, 1]`")
    place = "the text ends" if s.lexeme.kind == "end" else f"unexpected {s.lexeme} in a range"
    return at(
        "LD001",
        f"{place}; expected {expectation(s)}",
        s.lexeme.span,
        help="a range has two numbers, such as `in [0, 1]` or `in (0, inf)`",
    )


def _dim(s: Situation) -> Diagnostic | None:
    """A size that is no sum of products of symbols and whole numbers."""
    if not {"UNDERSCORE", "DOTS"} <= s.accepts and not _in_dims(s):
        return None
    if s.lexeme.kind == "end":
        return None
    help = "sizes are numbers, symbols, `_`, `...` and runs `*S`"
    if s.lexeme.text == "**":
        help = "only a bare symbol has a power, such as `H**2`; multiply out: `(H+1)*(H+1)`"
    elif s.before.text == "**":
        help = "an exponent is a whole number, such as `H**2`"
    return at(
        "LD034",
        f"unexpected {s.lexeme} in a size; expected arithmetic such as `T-1`, `2*C` or `H*W`",
        s.lexeme.span,
        help=help,
    )


def _in_dims(s: Situation) -> bool:
    pending = s.pending
    opened = max((i for i, kind in enumerate(pending) if kind == "LEFT_BRACKET"), default=0)
    return opened > 0 and pending[opened - 1] == "DTYPE" and "RIGHT_BRACKET" not in pending[opened:]


type_rules = (_signature_only, _range, _unknown_type, _default, _dim)
