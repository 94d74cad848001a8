"""LD4xx: lints, which warn of what is legal and most likely wrong."""

from __future__ import annotations

from lossdsl.diagnostics.code import Code

ROWS = (
    Code(
        "LD401",
        title="numerically unstable as written",
        why="The text overflows or loses all digits where a stable form does not; the stable form "
        "is what is computed.",
        bad="-mean(sum(t*log(softmax(z, axis=C)), axis=C))",
        good="-mean(sum(t*log_softmax(z, axis=C), axis=C))",
        inputs={"z": "f32[B, C]", "t": "f32[B, C]"},
    ),
    Code(
        "LD410",
        title="probabilities where logits are wanted",
        why="A softmax of a softmax trains, slowly and to worse optima.",
        bad="cross_entropy(softmax(z), y)",
        good="cross_entropy(z, y)",
        inputs={"z": "f32[B, C]", "y": "i32[B]"},
    ),
    Code(
        "LD411",
        title="softmax over one class",
        why="It is 1 whatever its input.",
        bad="mean(softmax(z))",
        good="mean(softmax(x))",
        inputs={"z": "f32[B, 1]", "x": "f32[B, C]"},
    ),
    Code(
        "LD412",
        title="hinge with labels of 0 and 1",
        why="The margin is a product with labels of -1 and 1; a label of 0 has no gradient.",
        bad="hinge(z, y)",
        good="hinge(z, 2*y - 1)",
        inputs={"z": "f32[B]", "y": "one_hot f32[B]"},
    ),
    Code(
        "LD413",
        title="mask does not reach an undefined value",
        why="Between the mask and the input stands a function that mixes elements, so masked "
        "elements still take part, and a NaN among them shows.",
        bad="mean(x - mean(x), where=m)",
        good="mean(x - mean(x, where=m), where=m)",
        inputs={"x": "f32[B]", "m": "bool[B]"},
    ),
    Code(
        "LD414",
        title="gradient flows into a target",
        why="An input declared `target` or `frozen` is not to be trained; `stop_gradient` says so.",
        bad="mse(out, tgt)",
        good="mse(out, stop_gradient(tgt))",
        inputs={"out": "f32[B]", "tgt": "target f32[B]"},
    ),
    Code(
        "LD416",
        title="term trains nothing",
        why="Every path from it to an input is under `stop_gradient`.",
        bad="mse(out, tgt) + mean(stop_gradient(square(out)))",
        good="mse(out, tgt) + mean(square(out))",
        inputs={"out": "f32[B]", "tgt": "f32[B]"},
    ),
    Code(
        "LD417",
        title="unbounded below",
        why="A term that is never negative has a negative weight: the loss falls for ever.",
        bad="mse(out, tgt) - 0.1*mean(square(out))",
        good="mse(out, tgt) + 0.1*mean(square(out))",
        inputs={"out": "f32[B]", "tgt": "f32[B]"},
    ),
    Code(
        "LD418",
        title="not used",
        why="A declared input or a binding that no result and no metric reads is most often a "
        "term that was forgotten.",
        bad="a = mean(out)\nloss = mse(out, tgt)",
        good="a = mean(out)\nloss = mse(out, tgt) + a",
        inputs={"out": "f32[B]", "tgt": "f32[B]"},
    ),
    Code(
        "LD430",
        title="term written twice",
        why="Its weight is the sum of both.",
        bad="mse(out, tgt) + mse(out, tgt)",
        good="2*mse(out, tgt)",
        inputs={"out": "f32[B]", "tgt": "f32[B]"},
    ),
    Code(
        "LD431",
        title="weight is zero",
        why="The term is reported and never trained.",
        bad="mse(out, tgt) + 0*mae(out, tgt)",
        good="mse(out, tgt) + 0.1*mae(out, tgt)",
        inputs={"out": "f32[B]", "tgt": "f32[B]"},
    ),
)
