"""The one table of codes: severity, `lossdsl explain`, the documentation and a test read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from lossdsl.diagnostics import (
    codes_files,
    codes_learning,
    codes_libraries,
    codes_limits,
    codes_names,
    codes_numbers,
    codes_selectors,
    codes_syntax,
    codes_types,
)
from lossdsl.diagnostics.code import Code
from lossdsl.diagnostics.lint_pages import lint_files, lint_page


class _Codes(Mapping[str, Code]):
    """Rows by code, in order; the page of a lint is read when it is looked at."""

    def __init__(self, rows: Mapping[str, Code], files: Mapping[str, str]) -> None:
        self._rows, self._files = {**rows}, files
        self._order = sorted((*rows, *files))

    def __getitem__(self, code: str) -> Code:
        if code not in self._rows and code in self._files:
            self._rows[code] = lint_page(self._files[code])
        return self._rows[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._order)

    def __len__(self) -> int:
        return len(self._order)


_TABLES = chain(
    codes_syntax.ROWS,
    codes_names.ROWS,
    codes_types.ROWS,
    codes_selectors.ROWS,
    codes_numbers.ROWS,
    codes_limits.ROWS,
    codes_files.ROWS,
    codes_libraries.ROWS,
    codes_learning.ROWS,
)

CODES: Mapping[str, Code] = _Codes({row.code: row for row in _TABLES}, lint_files())
