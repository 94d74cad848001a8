"""Special functions, against SciPy."""

from __future__ import annotations

from scipy import special

from rows.row import Row

ROWS = [
    Row("exprel(x)", lambda x: special.exprel(x)),
    Row("exprel(0.4*x)", lambda x: special.exprel(0.4 * x)),
    Row("exprel(0.01*x)", lambda x: special.exprel(0.01 * x)),
]
