"""Numbers that a caller gives as options, held to the domain that the library declares."""

from __future__ import annotations

import math
from typing import Any

from lossdsl.diagnostics.diagnostic import LossError, at
from lossdsl.library.declare import builtins
from lossdsl.lower.array_arguments import as_array


def hold_domain(function: str, name: str, value: Any) -> None:
    """Refuse a Python number outside the domain of a function's parameter, as a literal is.

    An array, which may be known only when the program runs, passes; anything else is LD213.

    >>> hold_domain("softmax", "temperature", 0.5)
    >>> try:
    ...     hold_domain("softmax", "temperature", 0)
    ... except LossError as error:
    ...     print(error)
    error[LD503]: `temperature` lies in (0, inf); this is 0
    """
    as_array(value, name)
    domain = builtins()[function].domains[name]
    if isinstance(value, int | float) and not math.isnan(value) and value not in domain:
        message = f"`{name}` lies in {domain}; this is {value:g}"
        raise LossError([at("LD503", message, None)])
