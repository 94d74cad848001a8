"""What `with_terms`, several results and `objective` return: a table of results and their terms."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lossdsl
from lossdsl.terms import Terms

A = jnp.array([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])  # the mean is 2.5
B = jnp.ones((2, 3))
INPUTS: dict[str, Any] = {
    "a": A,
    "b": B,
    "aux": jnp.float32(3),
    "step": 5,
    "params": {"w": A, "v": B[0]},
}
DEFAULTS = "a, b: float[N, M]\nw: float = 2\nv: float = 4\n"
SCHEDULED = "a, b: float[N, M]\nstep: int\n"

# The terms of a result as name: (raw, weight), in the order of the text.
TERMS: dict[str, dict[str, tuple[float, float]]] = {
    "mean(a)": {"a": (2.5, 1)},
    "mse(a, b)": {"mse": (31 / 6, 1)},
    "mse(a, b) + 1e-3*mse(b, a)": {"mse": (31 / 6, 1), "mse_2": (31 / 6, 1e-3)},
    "mean(a) - mean(b)": {"a": (2.5, 1), "b": (1, -1)},
    "-mean(a)": {"a": (2.5, -1)},
    "mean(a) - -2*mean(b)": {"a": (2.5, 1), "b": (1, 2)},
    "- -mean(a)": {"a": (2.5, 1)},
    "2*-mean(a)/4*3 - mean(b)": {"a": (2.5, -1.5), "b": (1, -1)},
    "-2*-mean(a)": {"a": (2.5, 2)},
    "mean(a)/4": {"a": (2.5, 0.25)},
    "1/mean(a)": {"a": (0.4, 1)},
    "3/mean(a)*2": {"a": (0.4, 6)},
    "2**3*mean(b)": {"b": (1, 8)},
    "mean(a)*mean(b)": {"term_1": (2.5, 1)},
    "2*mean(a)*mean(b)": {"term_1": (2.5, 2)},
    "(mean(a) + mean(b)) - 3": {"term_1": (3.5, 1), "term_2": (1, -3)},
    "2*(mean(a) + mean(b))": {"term_1": (3.5, 2)},
    "3*(2*mean(a))": {"term_1": (5, 3)},
    "mean(a) + 1.5": {"a": (2.5, 1), "term_2": (1, 1.5)},
    "0.01*aux": {"aux": (3, 0.01)},
    "exp(0*mean(a)) + sqrt(mean(b))": {"exp": (1, 1), "sqrt": (1, 1)},
    "mean(square(a))": {"square": (55 / 6, 1)},
    "sum(mean(a, axis=0))": {"a": (7.5, 1)},
    "mean(a) if 1 < 2 else mean(b)": {"term_1": (2.5, 1)},
    "2*(mean(a) if 1 < 2 else mean(b))": {"term_1": (2.5, 2)},
    "mean(a)//2 - mean(b)%2": {"term_1": (1, 1), "term_2": (1, -1)},
    "2*mean(a) % 3": {"term_1": (2, 1)},
    "-(a[0] @ b[0])": {"term_1": (3, -1)},
    "2*a[0] @ b[0]": {"term_1": (6, 1)},
    # names
    "mean(a) as fit + mean(b) as rest": {"fit": (2.5, 1), "rest": (1, 1)},
    "mean(a) + mean(a) + mean(a)": {"a": (2.5, 1), "a_2": (2.5, 1), "a_3": (2.5, 1)},
    "mean(a) + mean(b) as a": {"a_2": (2.5, 1), "a": (1, 1)},
    "mean(a) as term_2 + 1.0": {"term_2": (2.5, 1), "term_2_2": (1, 1)},
    "fit = mean(a)\nloss = fit + 2*fit": {"fit": (2.5, 1), "fit_2": (2.5, 2)},
    "all_of = mean(a) + mean(b)\nloss = 2*all_of": {"all_of": (3.5, 2)},
    "ent = a\nloss = 0.5*mean(ent)": {"ent": (2.5, 0.5)},
    "def f(x) = 2*mean(x) + 1\nloss = 3*f(a)": {"f": (6, 3)},
    "k = 2*3\nloss = k*mean(a)": {"term_1": (15, 1)},
    # weights of the caller
    DEFAULTS + "w*mean(a) + mean(b)/v": {"a": (2.5, 2), "b": (1, 0.25)},
    DEFAULTS + "w*v**2*mean(a) - w*v": {"a": (2.5, 32), "term_2": (1, -8)},
    DEFAULTS + "(w + 1)*mean(a)": {"a": (2.5, 3)},
    DEFAULTS + "exp(w)*mean(a)": {"term_1": (2.5 * np.exp(2), 1)},
    SCHEDULED + "linear_schedule(step, 0, 1, 10)*mean(a)": {"a": (2.5, 0.5)},
    SCHEDULED + "step*mean(a)/10": {"a": (2.5, 0.5)},
    "def warm(step: int, n: float) = step/n\nloss = warm(5, 10)*mean(a)": {"a": (2.5, 0.5)},
    "def warmth(n: float, step: int) = step/n\nloss = warmth(10, 5)*mean(a)": {"term_1": (1.25, 1)},
    # a literal 0
    "0*mean(a) + mean(b)": {"a": (2.5, 0), "b": (1, 1)},
    "mean(b) - 0.0*mean(log(0*a))": {"b": (1, 1), "log": (-np.inf, 0)},
}


def with_terms(text: str, **more: Any) -> tuple[Any, Any]:
    loss = lossdsl.compile(text)
    given = {name: value for name, value in (INPUTS | more).items() if name in loss.signature}
    return loss.with_terms(**given)


@pytest.mark.parametrize(("text", "terms"), TERMS.items(), ids=lambda text: str(text)[-40:])
def test_terms(text: str, terms: Mapping[str, tuple[float, float]]) -> None:
    value, found = with_terms(text)
    assert list(found.raw) == list(found.weight) == list(found.weighted) == list(terms)
    for name, (raw, weight) in terms.items():
        assert found.raw[name] == pytest.approx(raw)
        assert found.weight[name] == pytest.approx(weight)
        assert found.weighted[name] == pytest.approx(raw * weight if weight else 0)
    assert sum(found.weighted.values()) == pytest.approx(value)


def test_a_term_of_weight_zero_is_reported_and_trains_nothing() -> None:
    loss = lossdsl.compile("mean(square(b)) + 0*mean(log(a))")
    assert "LD431" in [one.code for one in loss.diagnostics]

    def terms(inputs: Any) -> Any:
        value, found = loss.with_terms(**inputs)
        return value + sum(found.raw.values()), found

    slopes, found = jax.grad(terms, has_aux=True)({"a": -A, "b": B})
    assert np.isnan(found.raw["log"])
    assert found.weighted["log"] == 0
    assert not np.any(slopes["a"])
    assert np.all(slopes["b"])


NO_ZEROS: list[tuple[str, dict[str, float], float]] = [
    ("inf*0 + mean(b)", {}, np.nan),
    ("mean(b) + 0*inf*mean(a)", {}, np.nan),
    ("mean(b) + 0*nan*mean(a)", {}, np.nan),
    ("mean(b) + 0", {}, 1),
    (DEFAULTS + "mean(b) + 0*w*mean(a)", {}, 1),
    (DEFAULTS + "mean(b) + 0*w*mean(a)", {"w": np.inf}, np.nan),
    (
        f"{SCHEDULED}w: float = 1\nmean(b) + 0*linear_schedule(step, 0, w, 10)*mean(a)",
        {"w": np.inf},
        np.nan,
    ),
]


@pytest.mark.parametrize(("text", "weights", "value"), NO_ZEROS)
def test_only_a_literal_zero_beside_finite_numbers_leaves_a_term_out(
    text: str, weights: Mapping[str, float], value: float
) -> None:
    assert "LD431" not in [one.code for one in lossdsl.check(text).diagnostics]
    found, terms = with_terms(text, **weights)
    assert found == pytest.approx(value, nan_ok=True)
    assert sum(terms.weighted.values()) == pytest.approx(value, nan_ok=True)


COUNTS: dict[str, float | None] = {
    "mean(a)": 6,
    "mean(mean(a, axis=1))": 2,
    "mse(a, b)": 6,
    "2*exp(mean(a))": 6,
    "mse(a, b, where=a > 2)": 3,
    "mse(a, b, where=a > 9)": 0,
    "mse(a, b, weight=a)": 15,
    "mse(a, b, weight=a, normalize='count')": 5,
    "mse(a, b, weight=a, normalize='all')": 6,
    "sum(a)": None,
    "mean(a)*mean(b)": None,
    "max(a)": None,
}


@pytest.mark.parametrize(("text", "count"), COUNTS.items(), ids=COUNTS)
def test_count_is_what_a_mean_divides_by(text: str, count: float | None) -> None:
    _, terms = with_terms(text)
    assert list(terms.count.values()) == ([] if count is None else [count])


def test_metrics_have_any_shape_and_train_nothing() -> None:
    text = "loss = mean(a)\nmetric peak = max(b)\nmetric rows = a + b\nmetric whole = params"
    _, terms = with_terms(text)
    assert terms.metrics["peak"] == 1
    np.testing.assert_array_equal(terms.metrics["rows"], A + B)
    assert {name: leaf.shape for name, leaf in terms.metrics["whole"].items()} == {
        "v": (3,),
        "w": (2, 3),
    }
    assert set(terms.flat()) == {"weighted/a", "raw/a", "weight/a", "share/a", "metric/peak"}


def test_flat_names() -> None:
    _, terms = with_terms("loss = 2*mean(a) as raw\nmetric raw = max(b)")
    flat = {name: float(value) for name, value in terms.flat().items()}
    assert flat == {
        "weighted/raw": 5.0,
        "raw/raw": 2.5,
        "weight/raw": 2.0,
        "share/raw": 1.0,
        "metric/raw": 1.0,
    }
    names = ["weighted.raw", "raw.raw", "weight.raw", "share.raw", "metric.raw"]
    assert list(terms.flat(".")) == names
    for separator in (":", "_", ""):
        with pytest.raises(lossdsl.LossError) as raised:
            terms.flat(separator)
        assert raised.value.codes == ("LD121",)


def test_flat_of_values_on_the_host_are_numbers_of_python() -> None:
    text = "x: bf16[N]\nloss = 2*mean(x) as fit\nmetric some = max(x) > 1\nmetric n = count(x > 0)"
    _, terms = lossdsl.compile(text).with_terms(x=jnp.full(2, 3, "bfloat16"))
    flat = json.loads(json.dumps(jax.device_get(terms).flat()))
    assert flat == {
        "weighted/fit": 6.0,
        "raw/fit": 3.0,
        "weight/fit": 2.0,
        "share/fit": 1.0,
        "metric/some": True,
        "metric/n": 2,
    }


BIG, SMALL = 3e38, 1e-45
SHARES: list[tuple[list[float], list[float]]] = [
    ([1.0, -3.0], [0.25, 0.75]),
    ([0.0, 0.0], [0.0, 0.0]),
    ([0.0, -2.0], [0.0, 1.0]),
    ([BIG, -BIG, BIG], [1 / 3] * 3),
    ([1e-30, 3e-30], [0.25, 0.75]),
    ([1.0, SMALL], [1.0, 0.0]),
    ([1.0, np.inf], [np.nan, np.nan]),
    ([np.nan, 1.0], [np.nan, np.nan]),
]


@pytest.mark.parametrize(("weighted", "shares"), SHARES)
@pytest.mark.parametrize("array", [jnp.float32, lambda x: np.asarray(x, np.float32)])
def test_shares(weighted: Sequence[float], shares: Sequence[float], array: Any) -> None:
    named = {f"term_{at}": array(value) for at, value in enumerate(weighted)}
    for scale in (lambda x: x, jax.jit):
        found = scale(lambda named: Terms({}, {}, named, {}, {}, {}).share)(named)
        assert list(found) == list(named)
        np.testing.assert_allclose([*found.values()], shares, rtol=1e-6, atol=1e-7)


def test_shares_are_of_each_result() -> None:
    both = lossdsl.compile("loss x = mean(a) + 3*mean(a)\nloss y = mean(b)")
    _, terms = both.with_terms(a=A, b=B)
    assert {name: float(share) for name, share in terms.share.items()} == {
        "x/a": 0.25,
        "x/a_2": 0.75,
        "y/b": 1.0,
    }


ACTORS = """
shared = mean(square(a))
loss critic = shared + 0.5*mean(b)
loss actor = -mean(params.w) + 2*shared
metric both = shared
metric peak = max(a)
metric size = l2(params)
"""


def test_several_results() -> None:
    both = lossdsl.compile(ACTORS)
    inputs = {"a": A, "b": B, "params": INPUTS["params"]}
    values = both(**inputs)
    assert {name: float(value) for name, value in values.items()} == pytest.approx(
        {"critic": 55 / 6 + 0.5, "actor": -2.5 + 55 / 3}
    )
    _, terms = both.with_terms(**inputs)
    assert list(terms.raw) == ["critic/shared", "critic/b", "actor/mean", "actor/shared"]
    assert list(terms.metrics) == ["both", "peak", "size"]

    critic, actor = both["critic"], both["actor"]
    assert set(critic.signature) == {"a", "b"}
    assert critic(a=A, b=B) == pytest.approx(values["critic"])
    _, terms = critic.with_terms(a=A, b=B)
    assert list(terms.raw) == ["shared", "b"]
    assert list(terms.metrics) == ["both", "peak"]
    assert set(actor.signature) == {"a", "params"}
    assert list(actor.with_terms(a=A, params=INPUTS["params"])[1].metrics) == [
        "both",
        "peak",
        "size",
    ]
    assert both["critic"] is critic
    with pytest.raises(lossdsl.LossError, match="no result `critics`"):
        both["critics"]
    assert lossdsl.compile("mean(a)")["loss"](a=A) == 2.5


@pytest.mark.parametrize(
    ("declared", "value", "reads"),
    [
        ("a: f32[B]\nb: f32[C]", "mean(a)/C", "a b"),
        ("a: f32[B]\nb: f32[B]", "mean(a)/B", "a"),
        ("a: f32[B]\nb: f32[B, C]\nc: f32[C]\nd: f32[C]", "mean(a)/C", "a b"),
        ("a: f32[B]\nb: f32[C, K]\nc: f32[2*C]", "mean(a)/C", "a b"),
        ("a: f32[B]\nc: f32[2*C]\nb: f32[C, K]", "mean(a)/C", "a c"),
        ("a: f32[B]\nb: f32[C*K]\nc: f32[K]", "mean(a)/C", "a b c"),
        ("a: f32[B, C*K]\nb: f32[K]", "mean(a)/C", "a b"),
        ("a: f32[B]\nb: f32[C]\nk = 2*C", "mean(a)/k", "a b"),
        ("a: f32[B]\nb: f32[*S, C]", "mean(a)/C", "a b"),
    ],
)
def test_a_result_reads_the_inputs_that_show_its_sizes(
    declared: str, value: str, reads: str
) -> None:
    loss = lossdsl.compile(f"{declared}\nloss one = {value}\nloss other = sum(b)")
    sizes = {"B": 3, "C": 4, "K": 2, "2*C": 8, "C*K": 8}
    inputs = {
        name: np.ones(
            [sizes.get(dim, 5) for dim in re.findall(r"[\w*]+", text.partition("[")[2])], np.float32
        )
        for name, text in loss.signature.items()
    }
    assert loss["one"](**{name: inputs[name] for name in reads.split()}) == loss(**inputs)["one"]
    assert [*loss["one"].signature] == reads.split()


def test_the_value_is_the_same_with_and_without_terms() -> None:
    loss = lossdsl.compile("mse(a, b) + 0.1*mean(abs(a)) - l2(params)")
    inputs = {"a": A, "b": B, "params": INPUTS["params"]}
    value, _ = loss.with_terms(**inputs)
    assert value == loss(**inputs)


def test_terms_are_a_pytree() -> None:
    loss = lossdsl.compile("loss = mean(a) + mean(b)\nmetric z = max(a)\nmetric c = a > 1")

    def terms(a: Any) -> Any:
        return loss.with_terms(a=a, b=B[0])[1]

    plain = terms(A[0])
    for made in (jax.jit(terms)(A[0]), jax.tree.map(lambda x: x, plain)):
        assert list(made.raw) == ["a", "b"]
        jax.tree.map(np.testing.assert_array_equal, made, plain)
    for stacked in (jax.vmap(terms)(A), jax.lax.scan(lambda _, a: (None, terms(a)), None, A)[1]):
        assert stacked.raw["a"].tolist() == [1, 4]
        assert stacked.metrics["c"].shape == (2, 3)
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(plain)]
    assert len(paths) == len(set(paths)) == 10


def objective_of(text: str, function: Callable[..., Any]) -> Callable[..., Any]:
    return lossdsl.compile(text).objective(function)


def test_objective() -> None:
    params = {"w": jnp.array([[1.0], [2.0], [3.0]])}
    batch = {"x": A, "y": jnp.ones((2, 1))}

    def inputs(params: Any, batch: Any) -> dict[str, Any]:
        return {"out": batch["x"] @ params["w"], "tgt": batch["y"]}

    objective = objective_of("mse(out, tgt) + 0.1*l2sqr(params)", inputs)
    (value, terms), slopes = jax.value_and_grad(objective, has_aux=True)(params, batch)
    assert value == pytest.approx(337 + 0.1 * 14 / 3)
    assert list(terms.raw) == ["mse", "l2sqr"]
    assert slopes["w"].shape == (3, 1)

    with_aux = objective_of("mse(out, tgt)", lambda p, b: (inputs(p, b), {"state": b["x"]}))
    value, (terms, aux) = jax.jit(with_aux)(params, batch)
    assert value == 337
    assert aux["state"].shape == (2, 3)


def test_objective_fills_in_params_unless_they_are_given() -> None:
    def own(params: Any) -> dict[str, Any]:
        return {"params": {"w": 2 * params["w"]}}

    assert objective_of("sum_squares(params)", lambda params: {})({"w": A})[0] == 55
    assert objective_of("sum_squares(params)", own)({"w": A})[0] == 220
    assert objective_of("mean(weights)", lambda params: {"weights": params})(A)[0] == 2.5


def test_objective_takes_what_follows_and_step() -> None:
    text = "a: float[N, M]\nstep: int\nstep*mean(a)"
    objective = objective_of(text, lambda params, a, scale, shift=0.0: {"a": scale * a + shift})
    assert objective(None, A, 2.0, step=3)[0] == 15
    assert objective(None, A, 2.0, shift=1.0, step=jnp.int32(3))[0] == 18
    with pytest.raises(lossdsl.LossError) as caught:
        objective(None, A, 2.0)
    assert [one.code for one in caught.value.diagnostics] == ["LD120"]
    given = objective_of(text, lambda params: {"a": A, "step": 2})
    assert given(None)[0] == 5
    assert given(None, step=9)[0] == 5
    assert objective_of("mean(a)", lambda params: {"a": A})(None, step=1)[0] == 2.5
    default = objective_of(text.replace("int", "int = 4"), lambda params: {"a": A})
    assert default(None)[0] == 10
    assert default(None, step=0)[0] == 0


def test_an_objective_whose_function_returns_no_inputs() -> None:
    with pytest.raises(lossdsl.LossError, match="not a mapping") as caught:
        objective_of("mean(a)", lambda params: A)(None)
    assert [one.code for one in caught.value.diagnostics] == ["LD111"]


R = "r: {m: float[B], a: float[B]}\n"


@pytest.mark.parametrize(
    ("text", "value", "count"),
    [
        ("mean(r, where={a: true, m: false})", 5, 3),
        ("mean(r, weight={a: 2, m: 1})", 33 / 9, 9),
        ('mean(r, where={a: true, m: r.m > 0}, normalize="all")', 3, 6),
        # A record has its fields as they are declared, a tree that is written down by name.
        ("mean({t: r, s: 2*r.m}, where={s: false, t: {a: true, m: false}})", 5, 3),
    ],
)
def test_a_mean_over_leaves_counts_what_their_masks_keep(
    text: str, value: float, count: float
) -> None:
    loss = lossdsl.compile(f"{R}loss = {text}")
    result, terms = loss.with_terms(r={"m": jnp.arange(3.0), "a": jnp.full(3, 5.0)})
    assert float(result) == pytest.approx(value)
    assert [float(one) for one in terms.count.values()] == [pytest.approx(count)]
