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
    for path in (Path(__file__).parent / "cases").glob("*.py")
    if path.stem not in ("__init__", "case")
)
CASES = [
    pytest.param(case, id=f"{module}-{case}")
    for module in MODULES
    for case in import_module(f"cases.{module}").CASES
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


@pytest.mark.parametrize("case", CASES)
def test_case(case: Case) -> None:
    inputs = {name: given(value) for name, value in case.inputs.items()}
    if case.code is None:
        _right(case, inputs)
    else:
        _wrong(case, inputs)


def _right(case: Case, inputs: dict[str, Any]) -> None:
    checked = lossdsl.check(case.text, case.types)
    assert codes(checked.diagnostics, "error") == [], "\n".join(map(str, checked.diagnostics))
    assert tuple(codes(checked.diagnostics, "warning")) == case.warnings
    loss = lossdsl.compile(case.text, case.types)
    value = loss(**inputs)
    if case.value is None:
        assert np.all(np.isfinite(value)), value
    else:
        np.testing.assert_allclose(value, case.value, rtol=case.rtol, atol=case.atol)
    for name, gradient in case.gradients.items():
        others = {other: value for other, value in inputs.items() if other != name}
        computed = jax.grad(lambda x, n=name, o=others: loss(**{n: x}, **o))(inputs[name])
        np.testing.assert_allclose(computed, gradient, rtol=case.rtol, atol=case.atol)


def _wrong(case: Case, inputs: dict[str, Any]) -> None:
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
