"""Every case of `tests/cases`: `check` and the call give the right answer, and the same one."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from cases.case import Case

import lossdsl

MODULES = sorted(
    path.stem
    for path in (Path(__file__).parents[1] / "cases").glob("*.py")
    if path.stem not in ("__init__", "case")
)
AT_ONCE = 12  # right specs in one program: compiling each alone takes three times as long
BY_MODULE = {name: import_module(f"cases.{name}").CASES for name in MODULES}
RIGHT = {name: [case for case in cases if case.code is None] for name, cases in BY_MODULE.items()}
GROUPS = [
    pytest.param(cases[at : at + AT_ONCE], id=f"{name}-{at}")
    for name, cases in RIGHT.items()
    for at in range(0, len(cases), AT_ONCE)
]
WRONG = [
    pytest.param(case, id=f"{name}-{case}")
    for name, cases in BY_MODULE.items()
    for case in cases
    if case.code is not None
]


def given(value: Any) -> Any:
    """Return what a call passes: lists as float32 or int32 arrays, anything else as it is."""
    if isinstance(value, dict):
        return {name: given(inner) for name, inner in value.items()}
    if not isinstance(value, list):
        return value
    array = np.asarray(value)
    return jax.device_put(array.astype({"f": "f4", "i": "i4"}.get(array.dtype.kind, array.dtype)))


def codes(diagnostics: Any, severity: str) -> list[str]:
    return [one.code for one in diagnostics if one.severity == severity]


def inputs_of(case: Case) -> dict[str, Any]:
    return {name: given(value) for name, value in case.inputs.items()}


@pytest.mark.parametrize("cases", GROUPS)
def test_right(cases: list[Case]) -> None:
    for case in cases:
        found = lossdsl.check(case.text, case.types).diagnostics
        assert codes(found, "error") == [], "\n".join(map(str, found))
        assert tuple(codes(found, "warning")) == case.warnings, case.text
    for case, (value, gradients) in zip(cases, solved(cases), strict=True):
        close = {"rtol": case.rtol, "atol": case.atol, "err_msg": case.text}
        if case.value is None:
            assert np.all(np.isfinite(value)), (case.text, value)
        else:
            np.testing.assert_allclose(value, case.value, **close)
        for name, gradient in case.gradients.items():
            np.testing.assert_allclose(gradients[name], gradient, **close)


def solved(cases: list[Case]) -> list[tuple[Any, dict[str, Any]]]:
    """Return value and gradients of each spec; what JAX would convert is given as it is."""
    losses = [lossdsl.compile(case.text, case.types) for case in cases]
    leaves, tree = jax.tree.flatten([inputs_of(case) for case in cases])
    arrays = {at: leaf for at, leaf in enumerate(leaves) if _is_array(leaf)}

    @jax.jit
    def solve(arrays: dict[int, Any]) -> Any:
        given = tree.unflatten([arrays.get(at, leaf) for at, leaf in enumerate(leaves)])
        return list(map(run, cases, losses, given))

    def run(case: Case, loss: Any, inputs: dict[str, Any]) -> Any:
        if not case.gradients:
            return loss(**inputs), {}
        chosen = {name: inputs[name] for name in case.gradients}
        return jax.value_and_grad(lambda moved: loss(**{**inputs, **moved}))(chosen)

    return solve(arrays)


def _is_array(value: Any) -> bool:
    found = isinstance(value, jax.Array | np.ndarray)
    return found and jax.dtypes.canonicalize_dtype(value.dtype) == value.dtype


@pytest.mark.parametrize("case", WRONG)
def test_wrong(case: Case) -> None:
    inputs = inputs_of(case)
    checked = lossdsl.check(case.text, case.types)
    if case.static:
        _hold(case, checked.diagnostics)
    else:
        assert checked.ok, "\n".join(map(str, checked.diagnostics))
    with pytest.raises(lossdsl.LossError) as caught:
        lossdsl.compile(case.text, case.types)(**inputs)
    _hold(case, caught.value.diagnostics)


def _hold(case: Case, diagnostics: Any) -> None:
    errors = [one for one in diagnostics if one.severity == "error"]
    shown = "\n".join(map(str, errors))
    assert [one.code for one in errors] == [case.code], shown
    (error,) = errors
    assert re.search(re.escape(case.message), error.message), shown
    assert case.help in (error.help or ""), shown
    if case.at is not None:
        assert error.span is not None, shown
        assert error.span.text == case.at, shown
