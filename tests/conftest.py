"""Settings that every test shares."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("JAX_PLATFORMS", "cpu")
if os.environ.get("HYPOTHESIS_PROFILE") != "soak" and version("jaxlib").startswith("0.10."):
    # Thousands of small programs are compiled and run once; most of that time is LLVM's. These
    # halve it, and change nothing in the programs that tests compare. An XLA that does not know a
    # flag refuses to start, hence the version. The long run compiles as users do.
    quick = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
    os.environ.setdefault("XLA_FLAGS", quick)

settings.register_profile("change", deadline=None, derandomize=True, max_examples=100)
settings.register_profile("soak", deadline=None, max_examples=20_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "change"))


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return Path(__file__).resolve().parent.parent
