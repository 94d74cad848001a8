"""The faults of `make plant` can be planted: each stands for a place of the source as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from planted.faults import FAULTS
from planted.run import Mutant


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: f"{one.file}: {one.wrong}")
def test_every_fault_can_be_planted(fault: Mutant, root: Path) -> None:
    assert fault.problem(root) is None
    assert fault.tests, "no test is to find it"


def test_every_stage_has_a_fault(root: Path) -> None:
    stages = {path.name for path in (root / "lossdsl").iterdir() if (path / "__init__.py").exists()}
    planted = {fault.file.partition("/")[0] for fault in FAULTS}
    # What only shows results has tests of its own pages; laws are held by every primitive.
    assert sorted(stages - planted - {"cli", "testing"}) == []
