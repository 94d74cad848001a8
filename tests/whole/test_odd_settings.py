"""Settings of the public functions and files of any kind: each is right, or a `LossError`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from odd_values import RECORDS, Moody
from pydantic import ValidationError

import lossdsl
from lossdsl import BUILTINS, Library, Limits, LossError, LossSpec, primitive
from lossdsl.source import Source

MEAN = lossdsl.compile("mean(a)")
ONES = jnp.ones(2)


class Evasive:
    """An object that answers no question."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("no attribute")

    def __bool__(self) -> bool:
        raise RuntimeError("no truth")

    __hash__ = None  # type: ignore[assignment]


SETTINGS: tuple[Any, ...] = (
    None, 3, -1, 2.5, float("nan"), True, "", "x", "a\0b", "\ud800", "a" * 5000, b"x", [], ["x"],
    ("x",), ("a", 3), {}, {1: 2}, {"a": "f32"}, {"a": 3}, {"x"}, np.ones(2), jnp.ones(2), RECORDS,
    object(), Moody(), Evasive(), abs, int, lambda x: x, BUILTINS, Limits(), Limits(nesting=-1),
    Limits(terms=None), Path("/no/such/file"), "/", 1j, 10**30, ..., np, ValueError("x"),
    LossSpec.model_validate("mean(a)"), Source("mean(a)"),
)  # fmt: skip
TEXT, DEFINITION = "mean(a)", "def f(x) = x"


def declared(**facts: Any) -> Library:
    return Library.of(primitive("f(x: float) -> float", **facts)(lambda: lambda x: x))


# Public functions, and what each is given; of a mapping protocol what Python says of one is right.
FUNCTIONS: Mapping[str, Callable[[Any], Any]] = {
    "parse": lossdsl.parse,
    "format": lossdsl.format,
    "check spec": lossdsl.check,
    "check inputs": lambda odd: lossdsl.check(TEXT, odd),
    "check an input": lambda odd: lossdsl.check(TEXT, {"a": odd}),
    "check library": lambda odd: lossdsl.check(TEXT, library=odd),
    "check limits": lambda odd: lossdsl.check(TEXT, limits=odd),
    "compile spec": lossdsl.compile,
    "compile inputs": lambda odd: lossdsl.compile(TEXT, odd),
    "compile an input": lambda odd: lossdsl.compile(TEXT, {"a": odd}),
    "compile library": lambda odd: lossdsl.compile(TEXT, library=odd),
    "compile limits": lambda odd: lossdsl.compile(TEXT, limits=odd),
    "compile batch": lambda odd: lossdsl.compile(TEXT, batch=odd),
    "compile debug": lambda odd: lossdsl.compile(TEXT, debug=odd),
    "load path": lossdsl.load,
    "load key": lambda odd: lossdsl.load(SPEC_FILE, key=odd),
    "load library": lambda odd: lossdsl.load(SPEC_FILE, library=odd),
    "LossSpec": LossSpec.model_validate,
    "LossSpec text": lambda odd: LossSpec(text=odd),
    "LossSpec inputs": lambda odd: LossSpec(text=TEXT, inputs=odd),
    "LossSpec context": lambda odd: LossSpec.model_validate(TEXT, context=odd),
    "LossSpec library": lambda odd: LossSpec.model_validate(TEXT, context={"library": odd}),
    "a result": lambda odd: MEAN[odd],
    "objective": lambda odd: MEAN.objective(odd),
    "readers of": lambda odd: MEAN.readers(odd, {"a": ONES}),
    "readers in": lambda odd: MEAN.readers("a", odd),
    "Library": Library,
    "Library in use": lambda odd: lossdsl.check(TEXT, library=Library(odd)),
    "Library private": lambda odd: Library({}, odd),
    "Library.of": Library.of,
    "Library.of by name": lambda odd: Library.of(f=odd),
    "Library.loads": Library.loads,
    "Library.loads name": lambda odd: Library.loads(DEFINITION, odd),
    "Library.loads family": lambda odd: Library.loads(DEFINITION, family=odd),
    "Library.loads limits": lambda odd: Library.loads(DEFINITION, limits=odd),
    "Library.load": Library.load,
    "Library.extended": BUILTINS.extended,
    "a union": lambda odd: BUILTINS | odd,
    "primitive": primitive,
    "a kernel": primitive("f(x: float) -> float"),
    "across": lambda odd: declared(across=odd),
    "combine": lambda odd: declared(combine=odd),
    "sink": lambda odd: declared(sink=odd),
}
SPEC_FILE = Path(__file__).with_name("spec.yaml")
# A model of pydantic's refuses as pydantic does.
REFUSED = {name: (ValidationError,) for name in FUNCTIONS if name.startswith("LossSpec")}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_odd_setting_is_refused(name: str) -> None:
    for odd in SETTINGS:
        if isinstance(odd, Moody) and name in ("across", "combine", "sink"):
            continue
        try:
            found = FUNCTIONS[name](odd)
        except (LossError, *REFUSED.get(name, ())) as problem:
            assert "LD999" not in str(problem), f"{type(odd)}: {problem}"  # noqa: PT017
        else:
            diagnostics = getattr(found, "diagnostics", ())
            assert "LD999" not in [one.code for one in diagnostics], type(odd)


WRONG_SETTINGS: tuple[tuple[Callable[[], Any], str, str, str], ...] = (
    (lambda: lossdsl.compile(TEXT, batch=3), "LD121", "a tuple of names, not an int", "("),
    (lambda: lossdsl.compile(TEXT, batch="a"), "LD121", "not a str", "a name alone has a comma"),
    (lambda: lossdsl.compile(TEXT, batch=["x"]), "LD103", "`batch` names `x`, no input", "`a`"),
    (lambda: lossdsl.compile(TEXT, limits=None), "LD121", "a `Limits`, not `None`", "Limits("),
    (lambda: lossdsl.compile(TEXT, limits=Limits(terms=-1)), "LD121", "is -1, no whole", "256"),
    (lambda: lossdsl.compile(TEXT, debug="yes"), "LD121", "or `False`, not a str", "debug=True"),
    (lambda: MEAN.objective(None), "LD121", "computes the inputs, not `None`", "lambda"),
    (lambda: MEAN.objective(lambda p: {1: p})(ONES), "LD111", "the inputs are a dict", "return `{"),
    (lambda: lossdsl.load(None), "LD701", "a path is a text or a `Path`, not a NoneType", "load("),
    (lambda: lossdsl.load(SPEC_FILE, key=None), "LD704", "a key is a text, not a NoneType", "key="),
    (lambda: MEAN[3], "LD121", "`result` is a text, not an int", "'loss'"),
)  # fmt: skip


@pytest.mark.parametrize(("call", "code", "message", "help"), WRONG_SETTINGS)
def test_a_wrong_setting(call: Callable[[], Any], code: str, message: str, help: str) -> None:
    with pytest.raises(LossError) as caught:
        call()
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert message in found.message
    assert help in (found.help or "")


def test_a_batch_may_be_named_by_a_list() -> None:
    assert lossdsl.compile(TEXT, batch=["a"]) is lossdsl.compile(TEXT, batch=("a",))


# Files

FILES: dict[str, tuple[bytes, str]] = {
    "escape.yaml": (b'loss: "\\U00110000"', "LD702"),
    "escape_of_a_key.yaml": (b'"\\UFFFFFFFF": 1', "LD702"),
    "escape.toml": (b'loss = "\\UFFFFFFFF"', "LD702"),
    "surrogate.yaml": (b'loss: "\\ud800"', "LD003"),
    "surrogate.json": (b'{"loss": "\\ud800"}', "LD003"),
    "surrogate_key.json": (b'{"\\ud800": 1}', "LD704"),
    "empty.yaml": (b"", "LD704"),
    "empty.json": (b"", "LD702"),
    "empty.toml": (b"", "LD704"),
    "empty.loss": (b"", "LD017"),
    "mark.yaml": (b"\xef\xbb\xbfloss: mean(x)", ""),
    "mark.json": (b'\xef\xbb\xbf{"loss": "mean(x)"}', ""),
    "mark.toml": (b"\xef\xbb\xbfloss = 'mean(x)'", ""),
    "mark.loss": (b"\xef\xbb\xbfmean(x)", ""),
    "wide.yaml": ("loss: mean(x)".encode("utf-16"), "LD701"),
    "latin.loss": (b"mean(\xe9)", "LD701"),
    "nul.json": (b'{"loss": "a\\u0000"}', "LD003"),
    "nul.loss": (b"mean(a\0)", "LD003"),
    "deep.json": (b'{"loss": ' + b"[" * 40 + b"]" * 40 + b"}", "LD703"),
    "deep.yaml": (b"loss: " + b"[" * 40 + b"]" * 40, "LD703"),
    "digits.json": (b'{"loss": ' + b"9" * 5000 + b"}", "LD702"),
    "digits.yaml": (b"loss: " + b"9" * 5000, "LD705"),
    "number.json": (b'{"loss": NaN}', "LD705"),
    "date.toml": (b"loss = 2020-01-01", "LD705"),
    "parts.toml": (b".".join([b"a"] * 40) + b" = 1", "LD616"),
    "quoted_parts.toml": (b" . ".join([b'"a"'] * 40) + b" = 1", "LD616"),
    "few_parts.toml": (b"a.b.c = 1\nurl = 'w.w.w'\nloss = 'mean(x)'", ""),
    "long.toml": (b"#" * (2**16 + 1), "LD616"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_read_or_refused(name: str, tmp_path: Path) -> None:
    content, code = FILES[name]
    path = tmp_path / name
    path.write_bytes(content)
    if not code:
        assert lossdsl.load(path).text == "mean(x)"
        return
    with pytest.raises(LossError) as caught:
        lossdsl.load(path)
    assert caught.value.codes == (code,)
    assert str(caught.value).encode("utf-8")


def test_a_library_is_held_to_the_size_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "large.loss"
    path.write_bytes(b"#" * (2**20 + 1))
    with pytest.raises(LossError, match=r"LD701.*larger than 1,048,576 bytes"):
        Library.load(path)
    with pytest.raises(LossError, match="LD701"):
        Library.load(tmp_path)
