"""The one table of codes: severity, `lossdsl explain`, the documentation and a test read it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from types import MappingProxyType

from lossdsl.diagnostics import (
    codes_files,
    codes_learning,
    codes_libraries,
    codes_limits,
    codes_lints,
    codes_meaning,
    codes_names,
    codes_numbers,
    codes_selectors,
    codes_syntax,
    codes_types,
)
from lossdsl.diagnostics.code import Code

CODES: Mapping[str, Code] = MappingProxyType(
    {
        row.code: row
        for row in sorted(
            chain(
                codes_syntax.ROWS,
                codes_names.ROWS,
                codes_types.ROWS,
                codes_selectors.ROWS,
                codes_lints.ROWS,
                codes_meaning.ROWS,
                codes_numbers.ROWS,
                codes_limits.ROWS,
                codes_files.ROWS,
                codes_libraries.ROWS,
                codes_learning.ROWS,
            ),
            key=lambda row: row.code,
        )
    }
)
