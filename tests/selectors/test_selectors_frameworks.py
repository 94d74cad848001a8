"""Normal paths of the trees that real libraries make."""

from __future__ import annotations

import dataclasses
from importlib.metadata import version
from typing import Any, NamedTuple

import equinox as eqx
import flax
import flax.linen as nn
import haiku as hk
import jax
import jax.numpy as jnp
import optax
import pytest
from flax import nnx

import lossdsl
from lossdsl.selectors import Selector, duplicates, flatten, parse_selector, select

KEY = jax.random.key(0)
X = jnp.ones((1, 2))


class Block(nnx.Module):
    """An nnx module whose names collide with those of nnx's own box."""

    def __init__(self, rngs: nnx.Rngs):
        self.linear = nnx.Linear(2, 3, rngs=rngs)
        self.named = nnx.Dict(value=nnx.Param(jnp.ones(2)))
        self.boxed = nnx.Param({"value": jnp.ones(2), "raw_value": jnp.zeros(1)})
        self.layers = nnx.List([nnx.Linear(1, 1, use_bias=False, rngs=rngs)])


NNX = [
    "boxed/raw_value",
    "boxed/value",
    "layers/0/kernel",
    "linear/bias",
    "linear/kernel",
    "named/value",
]


class Dense(nn.Module):
    """A linen module with boxed and bare parameters."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        ones, zeros = nn.initializers.ones, nn.initializers.zeros
        x = nn.Dense(
            3,
            kernel_init=nn.with_partitioning(ones, ("in", "out")),
            bias_init=nn.with_logical_partitioning(zeros, ("out",)),
        )(x)
        return nn.Dense(2)(x)


LINEN = [
    "params/Dense_0/bias",
    "params/Dense_0/kernel",
    "params/Dense_1/bias",
    "params/Dense_1/kernel",
]


class Cell(eqx.Module):
    """An equinox module with a field that is called `value` and is no box."""

    tau: jax.Array
    value: jax.Array
    layers: list[eqx.nn.Linear]


class Pair(NamedTuple):
    first: Any
    value: Any


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class Record:
    value: Any


class Bag:
    """A pytree registered without keys."""

    def __init__(self, *items: Any):
        self.items = items


jax.tree_util.register_pytree_node(Bag, lambda bag: (bag.items, None), lambda _, items: Bag(*items))


def module() -> Block:
    return Block(nnx.Rngs(0))


def linen() -> Any:
    return Dense().init(KEY, X)


def haiku() -> Any:
    return hk.transform(lambda x: hk.nets.MLP([3, 2])(x)).init(KEY, X)


def cell() -> Cell:
    return Cell(jnp.ones(2), jnp.ones(1), [eqx.nn.Linear(2, 2, key=KEY)])


EQUINOX = ["tau", "value", "layers/0/weight", "layers/0/bias"]
HAIKU = [f"mlp/~/linear_{n}/{name}" for n in (0, 1) for name in "bw"]

TREES = {
    "nnx module": (module, NNX),
    "nnx state": (lambda: nnx.state(module()), NNX),
    "nnx split": (lambda: nnx.split(module(), nnx.Param)[1], NNX),
    "nnx pure dict": (lambda: nnx.to_pure_dict(nnx.state(module())), NNX),
    "nnx shapes": (lambda: nnx.eval_shape(lambda: nnx.state(module())), NNX),
    "nnx variable": (lambda: nnx.Param(X), [""]),
    "nnx in a dict": (lambda: {"value": nnx.Param(X), "w": [nnx.Param(X)]}, ["value", "w/0"]),
    "linen": (linen, LINEN),
    "linen frozen": (lambda: flax.core.freeze(linen()), LINEN),
    "linen unboxed": (lambda: nn.meta.unbox(linen()), LINEN),
    "equinox": (cell, EQUINOX),
    "equinox filtered": (lambda: eqx.filter(cell(), eqx.is_array), EQUINOX),
    "haiku": (haiku, HAIKU),
    "optax": (
        lambda: optax.adam(1e-3).init({"w": X}),
        ["0/count", "0/mu/w", "0/nu/w"],
    ),
    "optax over nnx": (
        lambda: optax.sgd(0.1, momentum=0.9).init(nnx.state(module())),
        [f"0/trace/{path}" for path in NNX],
    ),
    "plain": (
        lambda: {"b": [1.0, (2.0, {"value": 3.0})], "a": Pair(4.0, Record(5.0)), "n": None},
        ["a/first", "a/value/value", "b/0", "b/1/0", "b/1/1/value"],
    ),
    "registered without keys": (lambda: {"bag": Bag(1.0, [2.0])}, ["bag/0", "bag/1/0"]),
    "integer keys": (lambda: {10: 1.0, 9: 2.0}, ["9", "10"]),
    "keys with slashes": (lambda: {"a/b": {"c//d": 1.0}}, ["a/b/c//d"]),
    "empty": (dict, []),
}


@pytest.mark.parametrize(
    ("imported", "distribution"),
    [(jax, "jax"), (flax, "flax"), (eqx, "equinox"), (hk, "dm-haiku"), (optax, "optax")],
)
def test_the_libraries_are_the_installed_ones(imported: Any, distribution: str) -> None:
    assert imported.__version__ == version(distribution)


@pytest.mark.parametrize(("make", "expected"), TREES.values(), ids=TREES)
def test_paths_are_normal(make: Any, expected: list[str]) -> None:
    tree = make()
    paths, leaves, treedef, _ = flatten(tree)
    assert ["/".join(path) for path in paths] == expected
    assert not duplicates(paths)
    assert all(a is b for a, b in zip(leaves, jax.tree.leaves(tree), strict=True))
    assert jax.tree.structure(tree) == treedef


@pytest.mark.parametrize(
    ("make", "text", "expected"),
    [
        (module, "kernel", ["layers/0/kernel", "linear/kernel"]),
        (module, "value", ["boxed/value", "named/value"]),
        (linen, "** !bias", ["params/Dense_0/kernel", "params/Dense_1/kernel"]),
        (haiku, "linear_1/w", ["mlp/~/linear_1/w"]),
        (haiku, "/mlp/**/b", ["mlp/~/linear_0/b", "mlp/~/linear_1/b"]),
        (cell, "/value | weight", ["value", "layers/0/weight"]),
    ],
)
def test_selectors_meet_real_trees(make: Any, text: str, expected: list[str]) -> None:
    paths, leaves, *_ = flatten(make())
    selector = parse_selector(text)
    assert isinstance(selector, Selector)
    found = select(selector, paths, [leaf.ndim for leaf in leaves], ["f32"] * len(leaves))
    assert ["/".join(paths[place]) for place in found] == expected


def test_paths_are_the_same_while_tracing() -> None:
    seen: list[Any] = []
    jax.jit(lambda tree: seen.append(flatten(tree).paths))(nnx.state(module()))
    assert ["/".join(path) for path in seen[0]] == NNX


def test_a_box_without_a_value_has_no_leaf_and_one_in_another_no_name() -> None:
    box = nnx.Param(nn.Partitioned(X, names=("in", "out")))
    assert flatten({"w": box, "none": nnx.Param(None)}).paths == [("w",)]


MODEL = {
    "enc": {"kernel": jnp.ones((3, 2)), "bias": jax.ShapeDtypeStruct((2,), jnp.float32)},
    "n": jnp.array(1),
}

# What is said before the first call of a spec for a tree that `inputs=` holds; None for nothing.
SEARCHED: dict[str, tuple[str, Any, str | None]] = {
    "a close name": ('l2sqr(params["kernels"])', MODEL, "LD301"),
    "a name": ('l2sqr(params["kernel"])', MODEL, None),
    "a path": ("sum(params.enc.weight)", MODEL, "LD301"),
    "a rank": ('l2sqr(params["**", ndim >= 3])', MODEL, "LD301"),
    "sizes wait for a call": ("sum(x @ params.enc.kernel + params.enc.bias)", MODEL, None),
    "sizes that are known": ("sum(params.enc.kernel + params.enc.kernel[:, 0])", MODEL, "LD201"),
    "an integer": ("bounds(params, n == 1.5)", MODEL, "LD302"),
    "no floating leaf": ("l2sqr(params)", {"n": jnp.array(1)}, "LD209"),
    "many leaves": (
        "sum(map(mse, params, params))",
        {str(n): jnp.ones(1) for n in range(1500)},
        None,
    ),
    "a leaf that is no array": ('l2sqr(params["w"])', {"f": print, "w": jnp.ones(2)}, None),
    "beside a leaf that is no array": (
        'l2sqr(params["k"])',
        {"f": print, "w": jnp.ones(2)},
        "LD301",
    ),
    "a number": ('l2sqr(params["k"])', {"w": 1.0}, "LD301"),
    "keys in no order": ('l2sqr(params["k"])', {1: jnp.ones(1), "a": jnp.ones(1)}, None),
}


@pytest.mark.parametrize(("text", "tree", "code"), SEARCHED.values(), ids=SEARCHED)
def test_a_real_tree_is_searched_before_the_first_call(
    text: str, tree: Any, code: str | None
) -> None:
    types = {"params": tree, **({"x": "f32[B, C]"} if "x" in text else {})}
    found = lossdsl.check(text, types)
    assert [one.code for one in found.diagnostics] == ([code] if code else [])
    if code:
        with pytest.raises(lossdsl.LossError, match=code):
            lossdsl.compile(text, types)
    else:
        assert lossdsl.compile(text, types) is lossdsl.compile(text, types)
        assert lossdsl.compile(text, types) is not lossdsl.compile(text)
        assert found.signature["params"] == "tree"
