"""What losses hold beside inputs and gradients, in the bytes that XLA counts for the CPU.

Nothing is run: the programs are compiled for shapes alone, value and gradient. `benchmarks/` has
the time of the same beside losses by hand.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import lossdsl

F32, I32 = jnp.float32, jnp.int32
LOGITS = {"z": (1024, 32000), "y": (1024,)}
TOKENS = {"h": (4096, 256), "w": (256, 32000), "y": (4096,)}
PAIRS = {"a": (4096, 128), "b": (4096, 128)}
BOXES = {"a": (20000, 4), "b": (20000, 4)}
CLOUDS = {"a": (1024, 64), "b": (1024, 64)}

# A text, the shapes of its inputs, and the most bytes: beside logits or distances themselves,
# which a loss of products has to make, a share of one array of their size.
ROWS: list[tuple[str, dict[str, tuple[int, ...]], float]] = [
    ("cross_entropy(z, y)", LOGITS, 1e6),
    ("cross_entropy(z, y, smoothing=0.1)", LOGITS, 1e6),
    ("cross_entropy(z, y, where=y > 0)", LOGITS, 1e6),
    ("cross_entropy(z, y, ignore_index=-1)", LOGITS, 1e6),
    ("cross_entropy(z, y, class_axis=0)", {"z": (32000, 1024), "y": (1024,)}, 1e6),
    ("cross_entropy(z, y)", {"z": (8, 256, 256, 21), "y": (8, 256, 256)}, 21e6),
    ("cross_entropy(z, y, class_axis=1)", {"z": (8, 21, 256, 256), "y": (8, 256, 256)}, 21e6),
    ("-mean(label_log_probs(z, y))", LOGITS, 1e6),
    ("lm_cross_entropy(z, y)", {"z": (4, 256, 32000), "y": (4, 256)}, 1e6),
    ("cross_entropy(h @ w, y)", TOKENS, 90e6),
    ("linear_cross_entropy(h, w, y)", TOKENS, 90e6),
    ("cross_entropy(h @ w, y, smoothing=0.1, where=y > 0)", TOKENS, 90e6),
    ("lm_cross_entropy(h @ w, y)", {**TOKENS, "h": (8, 512, 256), "y": (8, 512)}, 90e6),
    ("siglip(a, b)", {"a": (8192, 128), "b": (8192, 128)}, 68e6),
    ("supcon(a, y)", {"a": (2048, 128), "y": (2048,)}, 10e6),
    ("info_nce(a, b)", {"a": (8192, 128), "b": (8192, 128)}, 27e6),
    ("clip_loss(a, b)", PAIRS, 140e6),
    ("mmd(a, b)", CLOUDS, 75e6),
    ("mean(pairwise_distance(a, b))", CLOUDS, 20e6),
    ("energy_distance(a, b)", CLOUDS, 45e6),
    ("giou(a, b)", BOXES, 1.8e6),
    ("ciou(a, b)", BOXES, 2.2e6),
]


@pytest.mark.parametrize(("text", "shapes", "most"), ROWS)
def test_value_and_gradient_hold_no_second_array(
    text: str, shapes: dict[str, tuple[int, ...]], most: float
) -> None:
    loss = lossdsl.compile(text)
    labels = {name: jax.ShapeDtypeStruct(shapes[name], I32) for name in {"y"} & shapes.keys()}
    floats = {name: jax.ShapeDtypeStruct(shapes[name], F32) for name in shapes.keys() - {"y"}}

    def both(given: dict[str, Any], labels: dict[str, Any]) -> Any:
        return jax.value_and_grad(lambda given: loss(**given, **labels))(given)

    program = jax.jit(both).lower(floats, labels).compile()
    assert program.memory_analysis().temp_size_in_bytes <= most
