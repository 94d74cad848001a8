"""`compile`: a spec becomes a loss, the same spec once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax

from lossdsl.build_options import Options
from lossdsl.checking import check_program, read_program
from lossdsl.diagnostics import settings
from lossdsl.diagnostics.defect import defects_reported
from lossdsl.diagnostics.diagnostic import LossError, at
from lossdsl.inputs.composed import stands_for
from lossdsl.inputs.given import Given, spec_parts
from lossdsl.library.declare import Library, with_builtins
from lossdsl.limits import DEFAULT_LIMITS, Limits
from lossdsl.loss import CompiledLoss
from lossdsl.optimize.chunk_size import CHUNK_BYTES

# A loss that was called holds about 2 MB.
CACHE_SIZE = 32
_CACHE: OrderedDict[object, CompiledLoss] = OrderedDict()
_LOCK = threading.Lock()


def compile(
    spec: Any,
    inputs: Mapping[str, Any] | None = None,
    library: Library | None = None,
    limits: Limits = DEFAULT_LIMITS,
    batch: Sequence[str] | None = None,
    debug: bool = False,
    strict: bool = False,
    stabilize: bool = True,
    chunk_bytes: int | None = CHUNK_BYTES,
) -> CompiledLoss:
    """Check a spec and compile it into a loss; raises `LossError` with all that is wrong.

    `spec` is text, a `Source` or a `LossSpec`. `inputs` gives the type of inputs by name: a type
    string such as `"f32[B, 10]"`, an array, a `jax.ShapeDtypeStruct`, or a pytree of arrays. The
    same spec with the same inputs and library is compiled once: the last 32 losses are kept, until
    `clear_cache()`. `library` has functions of your own, beside those of the language. `batch`
    names the inputs that hold a batch, by which `Terms.combine` says how a term combines; without
    it their types say so. With `debug` a call raises for arguments that are not what they must be,
    such as labels out of range, and for a term that is not finite; inside the caller's own `jit`
    it warns. With `strict` warnings are errors too, inputs are declared and axes named. What is
    written so that it is lost at extremes, as `log(softmax(z))` is, is computed otherwise, unless
    `stabilize` is false: then the text is computed as it is written.

    >>> import jax.numpy as jnp
    >>> loss = compile("mse(out, tgt) + 0.1*mean(abs(out)) as shrink")
    >>> out, tgt = jnp.array([1.0, 3.0]), jnp.zeros(2)
    >>> value, terms = loss.with_terms(out=out, tgt=tgt)
    >>> float(value), float(terms.raw["shrink"])
    (5.199999809265137, 2.0)
    """
    with defects_reported():
        given = spec_parts(spec, inputs)
    limits = settings.hold_limits(limits)
    options = Options(
        settings.hold_names("batch", batch),
        settings.hold_flag("debug", debug),
        settings.hold_flag("strict", strict),
        settings.hold_flag("stabilize", stabilize),
        settings.hold_bytes("chunk_bytes", chunk_bytes),
    )
    return _once(given, library, limits, options)


def emit(
    spec: Any,
    inputs: Mapping[str, Any] | None = None,
    library: Library | None = None,
    stabilize: bool = True,
) -> str:
    """Return a spec as a file of Python that runs without lossdsl, with JAX alone.

    The file has `loss`, which takes the inputs by name and returns the value, and
    `loss_with_terms`, which returns `(value, terms)`. Value, gradient and terms are those of the
    loss that is compiled with `chunk_bytes=None`, bit for bit. `inputs` is that of `compile`; an
    input of arrays, such as the parameters, is given as arrays or as `jax.ShapeDtypeStruct`s, for
    each leaf is written out.
    Raises `LossError` where `compile` does, for an input of which nothing says what it is (LD710)
    and for a function of one's own that cannot be carried along (LD810).

    >>> text = emit("mse(out, tgt)", {"out": "f32[B, 3]", "tgt": "f32[B, 3]"})
    >>> print(text[text.index("    mse =") :])
        mse = jnp.mean(jnp.square(out - tgt))
        terms = Terms(raw={"mse": mse}, weight={"mse": 1.0}, weighted={"mse": mse}, metrics={})
        return mse, terms
    <BLANKLINE>
    """
    given = spec_parts(spec, inputs)
    loss = compile(spec, inputs, library, stabilize=stabilize, chunk_bytes=None)
    return loss.emit(**{name: tree for name, tree in (inputs or {}).items() if name in given.trees})


def clear_cache() -> None:
    """Let go of the losses that `compile` keeps, with the programs that JAX compiled of them.

    >>> loss = compile("mse(out, tgt)")
    >>> clear_cache()
    >>> compile("mse(out, tgt)") is loss
    False
    """
    with _LOCK:
        _CACHE.clear()


def _once(given: Given, library: Library | None, limits: Limits, options: Options) -> CompiledLoss:
    """Return the loss that was compiled for the same before, or compile it."""
    functions = with_builtins(library)
    double = bool(jax.config.read("jax_enable_x64"))
    key = (given.key, functions, limits, options, double)
    with _LOCK:
        cached = _CACHE.get(key)
        if cached is not None:
            _CACHE.move_to_end(key)
            return cached
    with defects_reported():
        again = (_once, (given, library, limits, options))
        made = _compile(given, functions, limits, options, again)
    with _LOCK:
        made = _CACHE.setdefault(key, made)  # another thread may have been faster
        if len(_CACHE) > CACHE_SIZE:
            _CACHE.popitem(last=False)
    return made


def _compile(
    given: Given,
    library: Library,
    limits: Limits,
    options: Options,
    again: tuple[Callable[..., Any], tuple[Any, ...]],
) -> CompiledLoss:
    program, types, diagnostics = read_program(given, library, limits)
    if program is None:
        raise LossError(diagnostics)
    checked = check_program(program, library, types, given.trees, limits, options.strict)
    if checked.core is None:
        raise LossError(checked.diagnostics)
    unknown = [name for name in options.batch or () if name not in checked.signature]
    if unknown:
        names = ", ".join(f"`{name}`" for name in checked.signature)
        raise LossError(
            [at("LD103", f"`batch` names `{unknown[0]}`, no input", None, help=f"inputs: {names}")]
        )
    return CompiledLoss(
        program,
        types,
        library,
        limits,
        checked,
        stands_for(given.parts, program),
        options,
        again,
    )
