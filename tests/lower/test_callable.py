"""A compiled loss as a function: one trace, every transformation of JAX, and errors of its own."""

from __future__ import annotations

import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lossdsl

OUT = jnp.arange(6.0).reshape(2, 3)
TGT = jnp.ones((2, 3))
FIT = "mse(out, tgt)"


class Traces:
    """A library with a function `seen(x)`, the identity, that counts how often it is traced."""

    def __init__(self) -> None:
        self.count = 0

        @lossdsl.primitive("seen(x: float) -> float", elementwise=True)
        def seen() -> Callable[..., Any]:
            """x itself.

            example: mean(seen(out))
            """

            def kernel(x: Any) -> Any:
                self.count += 1
                return x

            return kernel

        self.library = lossdsl.BUILTINS | lossdsl.Library.of(seen)

    def compile(self, text: str) -> lossdsl.CompiledLoss:
        """Compile with the library."""
        return lossdsl.compile(text, library=self.library)


@pytest.fixture
def traces() -> Traces:
    return Traces()


SCALARS = [3, 2.5, np.float64(2), np.float32(2), np.int64(2), np.array(2.0), jnp.asarray(1.0),
           jnp.int32(4), jnp.float32(2), jnp.bfloat16(2)]  # fmt: skip
WHOLE = [3, np.int64(2), np.int32(2), np.array(2), jnp.asarray(1), jnp.int32(4)]
OMITTED = object()
DECLARED = "out: float[B, C]\nw: {} = 1\nw*mean(seen(out))"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("w*mean(seen(out))", SCALARS),
        (DECLARED.format("float"), [OMITTED, *SCALARS]),
        (DECLARED.format("f32"), [OMITTED, *SCALARS]),
        (DECLARED.format("bf16"), [OMITTED, *SCALARS]),
        (DECLARED.format("float[]"), [OMITTED, *SCALARS]),
        (DECLARED.format("int"), [OMITTED, *WHOLE]),
        (DECLARED.format("i8"), [OMITTED, *WHOLE]),
    ],
)
def test_one_trace_whatever_a_scalar_is_written_as(
    text: str, values: list[Any], traces: Traces
) -> None:
    loss = traces.compile(text)
    for value in values:
        weight = 1 if value is OMITTED else value
        given = {} if value is OMITTED else {"w": value}
        assert loss(out=OUT, **given) == pytest.approx(2.5 * float(weight))
    assert traces.count == 1


def test_a_sweep_of_weights_is_one_trace(traces: Traces) -> None:
    loss = traces.compile("out: float[B, C]\nw: float = 1\nw*mean(seen(out))")
    for weight in np.logspace(-3, 3, 20):
        assert loss(out=OUT, w=weight) == pytest.approx(2.5 * weight)
    assert traces.count == 1


def test_a_shape_a_dtype_or_a_structure_is_a_trace_each_and_right(traces: Traces) -> None:
    loss = traces.compile("mean(seen(out)) + sum_squares(params)")
    a, b = jnp.ones(2), jnp.full((1, 3), 2.0)
    for params, size in [({"a": a}, 2), ({"a": a, "b": b}, 14), ([a, a], 4), ({"b": b}, 12)]:
        assert loss(out=OUT, params=params) == 2.5 + size
        assert loss(out=OUT, params=params) == 2.5 + size
    assert traces.count == 4
    assert loss(out=OUT[:1], params={"a": a}) == 3.0
    assert loss(out=OUT.astype(jnp.float16), params={"a": a}) == 4.5
    assert traces.count == 6


def test_compiling_again_gives_the_same_loss() -> None:
    once = lossdsl.compile(FIT, {"out": "f32[B, 3]", "tgt": "f32[B, 3]"})
    assert lossdsl.compile(FIT, {"out": "f32[B, 3]", "tgt": "f32[B, 3]"}) is once
    assert lossdsl.compile(FIT, {"out": "f32[B, 4]", "tgt": "f32[B, 4]"}) is not once
    assert lossdsl.compile(FIT) is not once
    plain = lossdsl.compile(FIT)
    with jax.enable_x64(True):
        assert lossdsl.compile(FIT) is not plain
    more = lossdsl.Library.loads("def twice(x) = 2*x")
    assert lossdsl.compile(FIT, library=more) is not once
    assert lossdsl.compile(FIT, library=more) is lossdsl.compile(FIT, library=more)


def fit(out: Any, tgt: Any) -> Any:
    return lossdsl.compile(FIT)(out=out, tgt=tgt)


def by_hand(out: Any, tgt: Any) -> Any:
    return jnp.mean(jnp.square(out - tgt))


def in_scan(fn: Callable[..., Any]) -> Callable[..., Any]:
    def scanned(out: Any, tgt: Any) -> Any:
        return jax.lax.scan(lambda total, row: (total + fn(row, tgt[0]), fn(row, row)), 0.0, out)

    return scanned


TRANSFORMED: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    "as it is": lambda fn: fn,
    "jit": jax.jit,
    "grad": lambda fn: jax.grad(fn, argnums=(0, 1)),
    "value_and_grad": jax.value_and_grad,
    "grad in jit": lambda fn: jax.jit(jax.grad(fn)),
    "hessian": jax.hessian,
    "jvp": lambda fn: lambda out, tgt: jax.jvp(fn, (out, tgt), (tgt, out)),
    "vmap": jax.vmap,
    "vmap over one": lambda fn: lambda out, tgt: jax.vmap(fn, (0, None))(out, tgt[0]),
    "vmap of grad": lambda fn: jax.vmap(jax.grad(fn)),
    "scan": in_scan,
    "jit of scan": lambda fn: jax.jit(in_scan(fn)),
    "checkpoint": lambda fn: jax.grad(jax.checkpoint(fn)),
    "without jit": lambda fn: lambda out, tgt: without_jit(fn, out, tgt),
}


def without_jit(fn: Callable[..., Any], out: Any, tgt: Any) -> Any:
    with jax.disable_jit():
        return fn(out, tgt)


@pytest.mark.parametrize("transform", TRANSFORMED.values(), ids=TRANSFORMED)
def test_it_composes_as_a_function_written_by_hand(transform: Callable[..., Any]) -> None:
    found, wanted = transform(fit)(OUT, TGT), transform(by_hand)(OUT, TGT)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), found, wanted)


def test_the_compiled_loss_is_itself_a_function_for_jax() -> None:
    loss = lossdsl.compile(FIT)
    assert jax.jit(loss)(out=OUT, tgt=TGT) == by_hand(OUT, TGT)
    donated = jax.jit(loss.fn, donate_argnames=("out",), keep_unused=True)
    with pytest.warns(UserWarning, match="donated"):  # a scalar has no use for the buffer
        assert donated(out=OUT + 0, tgt=TGT) == by_hand(OUT, TGT)
    shape = jax.eval_shape(loss, out=OUT, tgt=TGT)
    assert (shape.shape, shape.dtype) == ((), jnp.float32)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "float64"])
def test_a_scalar_raises_no_dtype_and_a_reduction_is_wide(dtype: str) -> None:
    with jax.enable_x64(dtype == "float64"):
        loss = lossdsl.compile("out: float[B, C]\nw: float = 0.5\n0.1*w + mean(w*out + 1)*w*2")
        out = OUT.astype(dtype)
        wide = jnp.float64 if dtype == "float64" else jnp.float32
        assert loss(out=out).dtype == wide
        assert loss(out=out) == pytest.approx(0.05 + 2.25, rel=1e-2)
        products = [line for line in str(jax.make_jaxpr(loss.fn)(out=out, w=wide(1))).splitlines()
                    if "[2,3] = mul" in line]  # fmt: skip
        short = {"bfloat16": "bf16", "float16": "f16", "float32": "f32", "float64": "f64"}[dtype]
        assert len(products) == 1
        assert f":{short}[2,3] = mul" in products[0]


def test_under_x64_an_f32_loss_stays_f32() -> None:
    with jax.enable_x64(True):
        loss = lossdsl.compile("w*mean(out) + 1.0 + 1/3")
        assert loss(out=np.ones(3, np.float32), w=2.0).dtype == jnp.float32
        assert loss(out=np.ones(3, np.float64), w=2.0).dtype == jnp.float64


def test_results_are_strong() -> None:
    text = "loss a = mean(out)*2 + 1\nloss b = 1.0\nmetric c = 3\nmetric d = w"
    values, terms = lossdsl.compile(text).with_terms(out=OUT, w=2)
    leaves = jax.tree.leaves((values, terms))
    assert len(leaves) == 14
    assert not any(leaf.weak_type for leaf in leaves)


WRONG: dict[str, tuple[str, tuple[Any, ...], Mapping[str, Any], str, str]] = {
    "missing": (FIT, (), {"out": OUT}, "LD110", "the input `tgt` is missing"),
    "extra": (FIT, (), {"out": OUT, "tgt": TGT, "w": 1}, "LD111", "no input `w`"),
    "mistyped": (FIT, (), {"out": OUT, "tgtt": TGT}, "LD111", "no input `tgtt`"),
    "positional": (FIT, (OUT, TGT), {}, "LD111", "by name; 2 came by position"),
    "shapes": (FIT, (), {"out": OUT, "tgt": TGT[0]}, "LD201", ""),
    "leaf": ("sum_squares(p)", (), {"p": {"a": TGT, "f": "tanh"}}, "LD213", "`p/f` is a str"),
    "text": (
        FIT,
        (),
        {"out": OUT, "tgt": np.array(["a"])},
        "LD213",
        "`tgt` is a NumPy array of text",
    ),
    "object": (FIT, (), {"out": object(), "tgt": TGT}, "LD213", "`out` is an object"),
    "a shape": (
        FIT,
        (),
        {"out": jax.eval_shape(lambda: OUT), "tgt": TGT},
        "LD213",
        "`out` is a Sha",
    ),
    "nothing": (FIT, (), {"out": None, "tgt": None}, "LD213", "`out` is None"),
    "complex": ("mean(out)", (), {"out": 1j * OUT}, "LD219", "complex64"),
    "key": ("mean(out)", (), {"out": jax.random.key(0)}, "LD219", ""),
    "fraction": ("w: int\n1.0*w", (), {"w": 2.5}, "LD219", "declared int"),
    "huge": ("w: int\n1.0*w", (), {"w": 2**40}, "LD219", "no int32 holds"),
    "integers": ("out: f32[B, C]\nmean(out)", (), {"out": OUT.astype(int)}, "LD219", "f32"),
    "rank": ("out: f32[B]\nmean(out)", (), {"out": OUT}, "LD219", "f32[B]"),
}


@pytest.mark.parametrize(
    ("text", "positional", "inputs", "code", "message"), WRONG.values(), ids=WRONG
)
def test_a_wrong_call_is_a_loss_error(
    text: str, positional: tuple[Any, ...], inputs: Mapping[str, Any], code: str, message: str
) -> None:
    loss = lossdsl.compile(text)
    for call in (loss, loss.with_terms):
        with pytest.raises(lossdsl.LossError) as caught:
            call(*positional, **inputs)
        assert code in [one.code for one in caught.value.diagnostics]
        assert message in "\n".join(one.message for one in caught.value.diagnostics)


def test_an_error_at_trace_time_shows_no_frame_of_jax() -> None:
    with pytest.raises(lossdsl.LossError) as caught:
        fit(OUT, TGT[0])
    files = [frame.filename for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert files[:2] == [__file__, __file__]
    assert not any("/jax/" in file for file in files)
    assert len(files) <= 4
    text = "".join(traceback.format_exception(caught.value))
    assert "/jax/" not in text


def test_an_error_of_a_kernel_keeps_its_cause() -> None:
    @lossdsl.primitive("broken(x: float) -> float", elementwise=True)
    def broken() -> Callable[..., Any]:
        """Fail."""

        def kernel(x: Any) -> Any:
            raise TypeError("by the kernel")

        return kernel

    library = lossdsl.BUILTINS | lossdsl.Library.of(broken)
    with pytest.raises(lossdsl.LossError, match="LD807") as caught:
        lossdsl.compile("mean(broken(out))", library=library)(out=OUT)
    assert str(caught.value.__cause__) == "by the kernel"


def test_inputs_may_have_any_name() -> None:
    names = ["self", "_fn", "_scalar", "__missing", "_extra", "run", "inputs", "step", "len"]
    loss = lossdsl.compile(" + ".join(f"{name}*mean(out)" for name in names))
    assert loss(out=jnp.ones(2), **dict.fromkeys(names, 2)) == 2 * len(names)


def test_threads_trace_once_for_each_shape(traces: Traces) -> None:
    barrier = threading.Barrier(32)
    wrong: list[Any] = []

    def call(size: int) -> None:
        barrier.wait()
        loss = traces.compile("w*mean(seen(out))")
        for weight in range(5):
            value = loss(out=jnp.ones(size), w=weight)
            if value != weight:
                wrong.append(value)

    threads = [threading.Thread(target=call, args=(1 + at % 2,)) for at in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert traces.count == 2


JAXPR = """
import jax, jax.numpy as jnp, lossdsl
loss = lossdsl.compile('''
a = softmax(out)
b = log(tgt + a)
loss fit = mean(a*b, where=m) + 0.1*l2sqr(params["w* | b*"]) + bounds(params, 0 <= v1 <= 3)
loss other = mean(square(a) - b) + mean(map(l2, params))
metric c = a
metric d = max(b)
''')
x = jnp.ones((4, 3))
params = {"w1": x, "w2": x[0], "b1": x, "v1": x}
print(jax.make_jaxpr(loss.with_terms)(out=x, tgt=x, m=x > 0, params=params))
"""


def test_the_program_does_not_depend_on_the_seed_of_hashes(root: Any) -> None:
    def program(seed: int) -> str:
        return subprocess.run(
            [sys.executable, "-c", JAXPR],
            env={"PYTHONHASHSEED": str(seed), "JAX_PLATFORMS": "cpu", "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
            cwd=root,
        ).stdout

    programs = {program(seed) for seed in (1, 2, 3)}
    assert len(programs) == 1
    assert "reduce_sum" in programs.pop()


def test_a_number_whose_gradient_stops_needs_no_jit() -> None:
    """Below `disable_jit` JAX passes it on as a number of a class of its own."""
    with jax.disable_jit():
        assert lossdsl.compile("sg(0.5)*mean(x)")(x=jnp.ones(2)) == 0.5


@pytest.mark.parametrize(
    "text",
    [
        "cross_entropy(z, y)",
        "focal(z, y)",
        "accuracy(z, y) + mean(z)",
        "multiclass_hinge(z, y)",
        "cross_entropy(z, y) + mean(take(z, y))",
        "loss l(a, b) = cross_entropy(a, b)\nloss t = l(z, y)",
    ],
)
def test_a_number_is_a_label_where_labels_may_be_meant(text: str) -> None:
    """Nothing is declared, and several signatures are open until the call."""
    loss, z = lossdsl.compile(text), jnp.array([0.5, 2.0, -1.0])
    label = loss(z=z, y=jnp.asarray(1))
    assert loss(z=z, y=1) == loss(z=z, y=np.int32(1)) == label
    np.testing.assert_array_equal(
        jax.grad(lambda z: loss(z=z, y=1))(z), jax.grad(lambda z: loss(z=z, y=jnp.asarray(1)))(z)
    )
