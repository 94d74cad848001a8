"""Every schedule at every step around its boundaries, against optax."""

from __future__ import annotations

import numpy as np
import pytest
from rows.row import Row
from rows.schedules import ROWS, STEPS

import lossdsl


@pytest.mark.parametrize("row", ROWS, ids=[row.text for row in ROWS])
def test_schedule_is_that_of_optax_at_every_step(row: Row) -> None:
    loss = lossdsl.compile(row.text, inputs={"step": "i32"})
    for step in STEPS:
        np.testing.assert_allclose(loss(step=step), row.reference(step), rtol=1e-5, atol=1e-6)
