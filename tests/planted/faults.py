"""Every fault: each changes a number or a verdict in silence, as a slip of one line would."""

from __future__ import annotations

from planted.arrays import ARRAYS
from planted.checked import CHECKED
from planted.computed import COMPUTED
from planted.known import KNOWN
from planted.outer import OUTER
from planted.rewritten import REWRITTEN

FAULTS = (*CHECKED, *KNOWN, *COMPUTED, *REWRITTEN, *ARRAYS, *OUTER)
