"""Special functions, against SciPy."""

from __future__ import annotations

from scipy import special

from rows.row import FINITE, Row

ROWS = [
    Row("exprel(x)", lambda x: special.exprel(x), extremes=FINITE),
    Row("exprel(0.01*x)", lambda x: special.exprel(0.01 * x), extremes=FINITE),
]
