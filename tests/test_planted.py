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
