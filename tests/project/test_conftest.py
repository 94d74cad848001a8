"""What the tests share holds: programs are counted and let go."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
from conftest import Programs


def mapped() -> int:
    """Return how many mappings of memory this process has; 0 where the system does not say."""
    path = Path("/proc/self/maps")
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_programs_are_counted_and_let_go(programs: Programs) -> None:
    count, x = 40, jnp.ones(3)
    programs.release()
    (2 * x).block_until_ready()
    held, before = programs.held, mapped()
    jitted = [jax.jit(lambda x, by=by: x * by) for by in range(count)]
    for program in jitted:
        program(x).block_until_ready()
    assert programs.held == held + count
    assert mapped() >= before + count or not before
    programs.release()
    assert programs.held == 0
    assert mapped() <= before + count // 2
