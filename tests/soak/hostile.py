"""Texts, files and arguments that are wrong: each ends in a value or in a `LossError`."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from random import Random
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import lossdsl
from soak.expr import inline
from soak.properties import Fault, scalar
from soak.world import World

TOKEN = re.compile(r'"[^"\n]*"|[A-Za-z_]\w*|\d[\w.]*|\*\*|[<>=!]=|->|\s+|[^\w\s]')
MARKS = [*"()[]{},:=+-*/<>!&|^.?\"'#\n\0\\ @%~`$;", "**", "==", "->", "...", "\t", "\u202e", "é"]
WORDS = [
    *sorted(lossdsl.BUILTINS), "loss", "def", "metric", "as", "if", "else", "and", "not", "tree",
    "none", "true", "inf", "nan", "f32", "int", "B", "x0", "-1", "0", "1e999", "9" * 30, "017",
    "reduce", "where", "weight", "axis", "__debug__", "lambda", "step", "params",
]  # fmt: skip


def mutated(text: str, random: Random) -> str:
    """Return a text after a few edits of its tokens."""
    tokens = TOKEN.findall(text)
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(tokens))
        edit = random.choice(["drop", "double", "swap", "word", "mark", "end"])
        other = random.randrange(len(tokens))
        match edit:
            case "drop":
                tokens[at] = ""
            case "double":
                tokens.insert(at, tokens[at])
            case "swap":
                tokens[at], tokens[other] = tokens[other], tokens[at]
            case "word":
                tokens[at] = random.choice(WORDS)
            case "mark":
                tokens.insert(at, random.choice(MARKS))
            case _:
                del tokens[at + 1 :]
    return "".join(tokens)


def texts(random: Random) -> None:
    """A text with careless edits is checked and called, or refused with a reason."""
    world = World(random)
    text = mutated(f"{world.header}loss = {inline(scalar(world))}", random)
    text = mutated(f"{world.header}{text}", random)
    checked = _held(text, lambda: lossdsl.check(text))
    if checked is None:
        return
    _hold_codes(text, checked.diagnostics)
    if checked.ok:
        loss = _held(text, lambda: lossdsl.compile(text))
        if loss is not None:
            given = {name: world.values.get(name, np.float32(1)) for name in loss.signature}
            _held(text, lambda: jax.eval_shape(lambda given: loss(**given), given))


def _held(what: str, run: Any) -> Any:
    """Return what a function gives, None for a `LossError`; anything else is a fault."""
    try:
        return run()
    except lossdsl.LossError as error:
        _hold_codes(what, error.diagnostics)
        return None
    except Exception as error:
        raise Fault(f"{what!r}\nleaks {type(error).__name__}: {str(error)[:300]}") from error


def _hold_codes(what: str, diagnostics: Any) -> None:
    for one in diagnostics:
        str(one)
        if one.code == "LD999":
            raise Fault(f"{what!r}\n{one}")


def files(random: Random) -> None:
    """A file with careless edits is read, or refused with a reason."""
    world = World(random)
    body = inline(scalar(world))
    types = {**world.types}
    ending = random.choice(["yaml", "json", "toml", "loss"])
    match ending:
        case "json":
            text = json.dumps({"loss": {"inputs": types, "text": body}}, indent=1)
        case "yaml":
            lines = "".join(f"    {name}: {json.dumps(type)}\n" for name, type in types.items())
            text = f"rate: 1e-3\nloss:\n  inputs:\n{lines}  text: |\n    {body}\n"
            text = text if types else f"loss: {json.dumps(body)}\n"
        case "toml":
            lines = "".join(f"{name} = {json.dumps(type)}\n" for name, type in types.items())
            text = f"[loss]\ntext = {json.dumps(body)}\n[loss.inputs]\n{lines}"
        case _:
            text = f"{world.header}loss = {body}"
    data = bytearray(mutated(text, random).encode("utf-8", "surrogatepass"))
    for _ in range(random.randint(0, 2) if data else 0):
        data[random.randrange(len(data))] = random.randrange(256)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"spec.{ending}"
        path.write_bytes(data)

        def read() -> Any:
            return lossdsl.check(lossdsl.load(path))

        checked = _held(f"{ending}: {bytes(data)!r}", read)
    if checked is not None:
        _hold_codes(f"{ending}: {bytes(data)!r}", checked.diagnostics)


class Odd:
    """An object that no array can be made of."""


def odd(random: Random, value: Any) -> Any:
    """Return something else in place of an input."""
    array = np.asarray(value) if not isinstance(value, dict) else np.ones(2, np.float32)
    return random.choice([
        None, "1e-3", Odd(), 2**40, 1j, [1.0, 2.0], (), {}, {"a": array}, object, len, b"\0",
        array.astype(object), array.astype(">f4"), array.astype("c8"), array.astype(np.longdouble),
        np.ma.masked_array(array), array[None], array.ravel()[:0], array.astype(bool),
        array.astype("i8"), array.astype("u8"), np.array("x"), np.datetime64("2020-01-01"),
        jax.random.key(0), float("nan"), True, -0.0, {"b": None}, [array, "x"], iter([1]),
        memoryview(b"abc"), np.float16(1), jax.ShapeDtypeStruct(array.shape, jnp.float32), [[]],
    ])  # fmt: skip


def arguments(random: Random) -> None:
    """A call with something odd in place of one input gives a value, or a reason."""
    world = World(random)
    text = f"loss = {inline(scalar(world))}"
    if random.random() < 0.7:
        text = f"{world.header}{text}"
    checked = lossdsl.check(text)
    if not checked.ok or not checked.signature or set(checked.signature) - set(world.values):
        return  # without declarations the name of a dim is that of an input
    loss = lossdsl.compile(text)
    given = {name: world.values[name] for name in loss.signature}
    name = random.choice(sorted(given))
    given[name] = odd(random, given[name])
    what = f"{text}\n{name} = {given[name]!r}"
    use = random.choice([loss, loss.with_terms])
    _held(what, lambda: use(**given))
