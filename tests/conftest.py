"""Settings that every test shares."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("JAX_PLATFORMS", "cpu")
QUICK = os.environ.get("HYPOTHESIS_PROFILE") != "soak" and version("jaxlib").startswith("0.10.")
if QUICK:
    # Thousands of small programs are compiled and run once; most of that time is LLVM's. These
    # more than halve it, and change nothing in the programs that tests compare. An XLA that does
    # not know a flag refuses to start, hence the version. The long run compiles as users do.
    quick = (
        "--xla_backend_optimization_level=0",
        "--xla_cpu_use_fusion_emitters=false",
        "--xla_cpu_parallel_codegen_split_count=1",  # else up to 32 modules a program
    )
    os.environ.setdefault("XLA_FLAGS", " ".join(quick))

# How long drawing takes says more of the machine than of a strategy.
settings.register_profile(
    "change",
    deadline=None,
    derandomize=True,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("soak", deadline=None, max_examples=20_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "change"))


import jax  # noqa: E402  (it reads the environment)
from jax._src.interpreters import mlir  # noqa: E402

from lossdsl import optimize  # noqa: E402
from lossdsl.core.graph import Core, Graph, Node  # noqa: E402
from lossdsl.core.verify import verify_core  # noqa: E402
from lossdsl.diagnostics.diagnostic import has_errors  # noqa: E402
from lossdsl.elaborate import program  # noqa: E402
from lossdsl.lower.jax_dtypes import default_float  # noqa: E402
from lossdsl.specialize.verify_flat import verify_flat  # noqa: E402

if QUICK:
    # JAX registers every dialect anew for each program, 5 ms and more than 1 MB of what it holds;
    # programs that share a context are the same.
    mlir.make_ir_context = lru_cache(mlir.make_ir_context)

# JAX makes many small objects that live long. With Python's thresholds an eighth of the time of
# the suite is spent on looking for cycles among them; `Programs` collects when it lets them go.
gc.set_threshold(200_000, 50, 1000)

# A program that XLA compiled keeps 3 to 100 mappings of memory for its code for as long as JAX
# holds it. Linux gives a process 65,530; past them LLVM's allocation fails and XLA dies of a
# segmentation fault in `backend_compile_and_load`, in whatever test comes then.
HELD_AT_ONCE = 500


class Programs:
    """The programs that were compiled since the caches were last emptied."""

    def __init__(self) -> None:
        self.held = 0
        jax.monitoring.register_event_duration_secs_listener(self._listen)

    def _listen(self, event: str, duration: float, **_: object) -> None:
        self.held += event == "/jax/core/compile/backend_compile_duration"

    def release(self) -> None:
        jax.clear_caches()
        if QUICK:
            mlir.make_ir_context.cache_clear()  # it keeps every constant and place of source text
        gc.collect()
        self.held = 0


@pytest.fixture(scope="session")
def programs() -> Programs:
    return Programs()


@pytest.fixture(autouse=True)
def released(programs: Programs) -> Iterator[None]:
    """Let go of what was compiled, before it is too much for one process."""
    yield
    if programs.held > HELD_AT_ONCE:
        programs.release()


@pytest.fixture(scope="session", autouse=True)
def verified() -> Iterator[None]:
    """Hold the invariants of core, and of flat core before and after every rewrite."""
    results = program._results

    def checked(*given: Any) -> Core:
        core = results(*given)
        if not has_errors(given[0].scope.context.diagnostics):
            verify_core(core)
        return core

    def verify(graph: Graph, roots: Sequence[Node]) -> list[Node]:
        verify_flat(graph, roots, default_float())
        return list(roots)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(program, "_results", checked)
        patch.setattr(optimize, "PASSES", (verify, *optimize.PASSES, verify))
        yield


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return Path(__file__).resolve().parent.parent
