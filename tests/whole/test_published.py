"""Published losses as specs, each against an independent transcription of its formula.

`tests/conformance/published/FIELD/NAME.loss` is the spec; `published/FIELD.py` has a function NAME
that takes its inputs as float64 arrays. If it has a parameter `held`, that has the inputs as they
were before a difference is taken: what a stop-gradient holds. `draw_NAME(random, inputs)` replaces
inputs that have more structure than their types say.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from formula_values import Unknown
from loss_formulas import formulas_of, names_in, result

import lossdsl
from lossdsl.testing.draw import draw_declared
from lossdsl.testing.trial import is_real

SEEDS = range(20 if os.environ.get("HYPOTHESIS_PROFILE") == "soak" else 1)
HERE = Path(__file__).parents[1] / "conformance" / "published"
SPECS = sorted(HERE.glob("*/*.loss"))
each_spec = pytest.mark.parametrize("path", SPECS, ids=[f"{p.parent.name}/{p.stem}" for p in SPECS])


def inputs_of(path: Path, seed: int) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    inputs = draw_declared(lossdsl.parse(text), seed)
    more = getattr(import_module(f"published.{path.parent.name}"), f"draw_{path.stem}", None)
    return inputs if more is None else {**inputs, **more(np.random.default_rng(seed), inputs)}


def results(loss: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return every result of a spec by name; a single one has no name."""
    found = loss(**inputs)
    return dict(found) if isinstance(found, Mapping) else {"": found}


def moving(inputs: Mapping[str, Any]) -> list[str]:
    return [name for name, one in inputs.items() if is_real(one)]


def held_by(formula: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {"held": inputs} if "held" in inspect.signature(formula).parameters else {}


@each_spec
def test_checks_statically_and_is_documented(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    checked = lossdsl.check(text)
    assert checked.ok, [(one.code, one.message) for one in checked.diagnostics]
    assert checked.diagnostics == (), "a published loss gives no warning"
    assert "# cite: " in text


@lru_cache(maxsize=1)
def solver(field: str) -> Any:
    """Return what gives every result of every spec of a field, and its gradient: one program."""
    texts = {path: path.read_text(encoding="utf-8") for path in SPECS if path.parent.name == field}
    losses = {path: lossdsl.compile(text.replace("f32", "f64")) for path, text in texts.items()}

    def solve(loss: Any, part: Any, fixed: Any) -> Any:
        found, pull = jax.vjp(lambda part: results(loss, {**part, **fixed}), part)
        chosen = {name: {one: jnp.float64(one == name) for one in found} for name in found}
        return found, {name: pull(one)[0] for name, one in chosen.items()}

    return jax.jit(
        lambda given: {path.stem: solve(loss, *given[path.stem]) for path, loss in losses.items()}
    )


@lru_cache(maxsize=len(SEEDS))
def solved(field: str, seed: int) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for path in SPECS:
        if path.parent.name == field:
            inputs = inputs_of(path, seed)
            part = {name: inputs[name] for name in moving(inputs)}
            given[path.stem] = part, {name: inputs[name] for name in inputs if name not in part}
    with jax.enable_x64(True):
        return jax.tree.map(np.asarray, solver(field)(given))


@each_spec
def test_value_and_gradient(path: Path) -> None:
    formula = getattr(import_module(f"published.{path.parent.name}"), path.stem)
    for seed in SEEDS:
        inputs = inputs_of(path, seed)
        wanted = formula(**inputs, **held_by(formula, inputs))
        wanted = dict(wanted) if isinstance(wanted, Mapping) else {"": wanted}
        found, slopes = solved(path.parent.name, seed)[path.stem]
        assert found.keys() == wanted.keys()
        for name, value in found.items():
            np.testing.assert_allclose(value, wanted[name], rtol=1e-9, atol=1e-11)
            check_gradient(formula, name, inputs, slopes[name])


# What these call by name has a formula of its own, or none.
BY_NAME = {
    "a2c", "bootstrapped", "ciou", "deepar", "detr", "dreamer", "fcos", "feature_matching",
    "generalized_focal", "grace", "hed", "infograph", "lambdarank", "listmle", "lovasz", "moco",
    "packed", "perceptual", "spyx", "ssd", "style_transfer", "super_resolution", "supcon",
    "van_rossum", "vtrace",
}  # fmt: skip


@each_spec
def test_value_of_the_formula(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    formula = getattr(import_module(f"published.{path.parent.name}"), path.stem)
    inputs = inputs_of(path, 0)
    wanted = formula(**inputs, **held_by(formula, inputs))
    wanted = [*wanted.values()] if isinstance(wanted, Mapping) else [wanted]
    try:
        shown = [result(one, names_in(text, inputs)) for one in formulas_of(text)[: len(wanted)]]
    except Unknown:
        assert path.stem in BY_NAME
        return
    np.testing.assert_allclose(shown, wanted, rtol=1e-6, atol=1e-9)
    assert path.stem not in BY_NAME


def check_gradient(
    formula: Any, name: str, inputs: Mapping[str, Any], slopes: Mapping[str, Any]
) -> None:
    """Hold a gradient against a central difference along a random direction."""
    random = np.random.default_rng(3)
    held = held_by(formula, inputs)
    for one, slope in slopes.items():
        step = jax.tree.map(lambda x: random.normal(size=np.shape(x)), inputs[one])

        def moved(by: float, one: str = one, step: Any = step) -> float:
            near = jax.tree.map(lambda x, d: x + by * d, inputs[one], step)
            value = formula(**{**inputs, one: near}, **held)
            return float(value[name] if isinstance(value, Mapping) else value)

        along = sum(
            np.sum(a * b) for a, b in zip(*map(jax.tree.leaves, (slope, step)), strict=True)
        )
        difference = (moved(1e-6) - moved(-1e-6)) / 2e-6
        np.testing.assert_allclose(along, difference, rtol=1e-5, atol=1e-6, err_msg=one)


def test_seventy_losses_of_fourteen_fields() -> None:
    assert len(SPECS) >= 70
    assert len({path.parent.name for path in SPECS}) >= 14
