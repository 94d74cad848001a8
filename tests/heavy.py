"""Which heavy packages a piece of code imports: what only compiling may do."""

from __future__ import annotations

import ast
import subprocess
import sys

HEAVY = ("jax", "jaxlib", "optax", "numpy")


def heavy_after(*codes: str, packages: tuple[str, ...] = HEAVY) -> list[list[str]]:
    """Run codes in a fresh interpreter; return which heavy packages each of them imported."""
    report = f"print('heavy', [x for x in {packages} if x in sys.modules and x not in before])"
    lines = ["import sys"]
    for code in codes:
        lines += [f"before = [name for name in {packages} if name in sys.modules]", code, report]
    result = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    reports = [line for line in result.stdout.splitlines() if line.startswith("heavy ")]
    return [ast.literal_eval(line.removeprefix("heavy ")) for line in reports]
