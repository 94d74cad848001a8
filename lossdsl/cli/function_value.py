"""The value of an example at fixed inputs; the only page that imports JAX."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from lossdsl.cli.function_facts import ExampleFacts
from lossdsl.diagnostics.diagnostic import LossError
from lossdsl.library.declare import Builtin, Library

_DECIMALS, _DIGITS = 2, 5


def evaluated(function: Builtin, library: Library, text: str) -> ExampleFacts:
    """Return an example with inputs of two decimals and the value that it has there.

    Inputs that cannot be drawn, as those of a function without types, leave it without a value.
    """
    import numpy as np

    from lossdsl.compilation import compile
    from lossdsl.testing.draw import PAGE, draw

    def rounded(value: Any) -> Any:
        if isinstance(value, Mapping):
            tree = cast("Mapping[str, Any]", value)
            return {key: rounded(inner) for key, inner in tree.items()}
        array = np.asarray(value)
        if array.dtype.kind != "f":
            return array
        short = np.round(array, _DECIMALS)
        if array.ndim and array.size and np.allclose(array.sum(-1), 1) and (array >= 0).all():
            short[..., -1] = np.round(1 - short[..., :-1].sum(-1), _DECIMALS)
        return short.astype(np.float32)

    try:
        inputs = {name: rounded(value) for name, value in draw(function, text, sizes=PAGE).items()}
        loss = compile(
            f"result = {text}\nmetric value = result\nloss = 1.0*sum(result)", library=library
        )
        _, terms = loss.with_terms(**inputs)
    except (LossError, TypeError):
        return ExampleFacts(text=text)
    return ExampleFacts(
        text=text,
        inputs={name: plain(value, _DECIMALS) for name, value in inputs.items()},
        value=plain(terms.metrics["value"], None),
    )


def plain(value: Any, decimals: int | None) -> Any:
    """Return numbers, lists and dicts for arrays and trees: rounded, or to significant digits."""
    import numpy as np

    if isinstance(value, Mapping):
        tree = cast("Mapping[str, Any]", value)
        return {key: plain(inner, decimals) for key, inner in tree.items()}
    array = np.asarray(value)
    if array.ndim:
        return [plain(entry, decimals) for entry in array]
    number = array.item()
    if not isinstance(number, float):
        return number
    return float(f"{number:.{_DIGITS}g}") if decimals is None else round(number, decimals)
