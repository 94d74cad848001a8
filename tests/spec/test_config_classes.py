"""Specs as classes of config libraries hold them, where those are installed (`configs`)."""

from __future__ import annotations

from typing import Any

import pytest

import lossdsl

SPEC = {"text": "w*mse(a, b)", "inputs": {"a": "f32[B]", "b": "f32[B]", "w": 1e-3}}


def omegaconf(mapping: Any) -> Any:
    return pytest.importorskip("omegaconf").OmegaConf.create(mapping)


def config_dict(mapping: Any) -> Any:
    return pytest.importorskip("ml_collections").ConfigDict(mapping)


@pytest.mark.parametrize("make", [dict, omegaconf, config_dict])
def test_a_mapping_of_another_library_is_a_spec(make: Any) -> None:
    expected = lossdsl.check(SPEC)
    for spec in (make(SPEC), {**SPEC, "inputs": make(SPEC["inputs"])}):
        assert lossdsl.check(spec).signature == expected.signature
        assert lossdsl.LossSpec.model_validate(spec) == lossdsl.LossSpec.model_validate(SPEC)
    types = make({"a": "f32[B]", "b": "f32[B]"})
    assert lossdsl.check("mse(a, b)", types).signature == {"a": "f32[B]", "b": "f32[B]"}
    (found,) = lossdsl.check(make({"text": "mean(a)", "imputs": {}})).diagnostics
    assert found.help == "did you mean `inputs`?"
