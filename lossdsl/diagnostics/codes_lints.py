"""LD40x to LD42x: lints, which warn of what is legal and most likely wrong."""

from __future__ import annotations

from lossdsl.diagnostics.code import Code

ROWS = (
    Code(
        "LD401",
        title="function of the library written by hand",
        why="Between the parts of a formula numbers are rounded, overflow or cancel, and the "
        "gradient of what is infinite is NaN. A function of the library computes the whole without "
        "them, and says in its page how exact it is. `compile` computes much of it so as well; the "
        "text says it in more words, and loses it wherever it is computed as it is written.",
        bad="-mean(log(sigmoid(a - b)))",
        good="-mean(log_sigmoid(a - b))",
        inputs={"a": "f32[B]", "b": "f32[B]"},
    ),
    Code(
        "LD410",
        title="value is on another scale than the function reads",
        why="Logits, probabilities and logarithms of probabilities are all floats, and so are a "
        "variance, its logarithm and a standard deviation. A loss of logits takes the softmax "
        "itself: taken twice it is nearly flat, and the model hardly learns.",
        bad="cross_entropy(softmax(z), y)",
        good="cross_entropy(z, y)",
        inputs={"z": "f32[B, C]", "y": "int[B]"},
    ),
    Code(
        "LD411",
        title="a distribution over one class",
        why="The softmax along an axis of size 1 is always 1, so the loss is constant and nothing "
        "is learned. One score for two classes goes through a sigmoid.",
        bad="cross_entropy(z, y)",
        good="binary_cross_entropy(z[:, 0], p)",
        inputs={"z": "f32[B, 1]", "y": "int[B]", "p": "f32[B]"},
    ),
    Code(
        "LD412",
        title="classes counted from 0 where signs are wanted, or the other way",
        why="A hinge reads -1 and 1. For a label of 0 its margin is constant, so half of the "
        "examples train nothing.",
        bad="hinge(out, y)",
        good="hinge(out, 2*y - 1)",
        inputs={"out": "f32[B]", "y": "labels int[B]"},
    ),
    Code(
        "LD413",
        title="mask does not reach a reduction",
        why="A mask selects the elements of the value that is reduced. A reduction inside that "
        "value couples them before, so what is masked still counts there.",
        bad="mean(square(x - mean(x)), where=m)",
        good="mean(square(x - mean(x, where=m)), where=m)",
        inputs={"x": "f32[B]", "m": "bool[B]"},
    ),
    Code(
        "LD414",
        title="gradient into a target",
        why="`target` and `frozen` say of an input that it is what the model is held to. Where the "
        "caller computes it of what is trained, the target moves to the model, and the loss falls "
        "with nothing learned. `objective` sees it, as the text alone cannot.",
        bad='loss = lossdsl.compile("out: f32[B]\\ntgt: target f32[B]\\nmse(out, tgt)")\n'
        "loss.objective(lambda w: {'out': w, 'tgt': 2*w})(jnp.ones(3))",
        good='loss = lossdsl.compile("out: f32[B]\\ntgt: target f32[B]\\nmse(out, tgt)")\n'
        "from jax.lax import stop_gradient as held\n"
        "loss.objective(lambda w: {'out': w, 'tgt': held(2*w)})(jnp.ones(3))",
        form="python",
    ),
    Code(
        "LD415",
        title="term without the mask of another term",
        why="What a mask leaves out of one term, padding for example, is garbage in every other "
        "term of the same values. Each reduction has a mask of its own.",
        bad="mse(out, tgt, where=m) + 0.1*mae(out, tgt)",
        good="mse(out, tgt, where=m) + 0.1*mae(out, tgt, where=m)",
        inputs={"out": "f32[B, T]", "tgt": "f32[B, T]", "m": "mask bool[B, T]"},
    ),
    Code(
        "LD416",
        title="term trains nothing",
        why="No gradient leaves a comparison, a position, a rounded number or `stop_gradient`, and "
        "a setting that is added shifts the value alone. The term looks trained and is not.",
        bad="mse(out, tgt) + 0.1*mean(where(out > tgt, 1.0, 0.0))",
        good="mse(out, tgt) + 0.1*mean(relu(out - tgt))",
        inputs={"out": "f32[B]", "tgt": "f32[B]"},
    ),
    Code(
        "LD417",
        title="predictions that no parameter reaches",
        why="What the loss compares is computed of parameters from outside, of their rounded "
        "values, or through `stop_gradient`: it is a constant of the training step, which runs and "
        "changes nothing, or only decays the weights.",
        bad="w = jnp.ones(3)\n"
        'loss = lossdsl.compile("mse(out, tgt)")\n'
        "loss.objective(lambda params, tgt: {'out': 2*w, 'tgt': tgt})(w, 3*w)",
        good="w = jnp.ones(3)\n"
        'loss = lossdsl.compile("mse(out, tgt)")\n'
        "loss.objective(lambda params, tgt: {'out': 2*params, 'tgt': tgt})(w, 3*w)",
        form="python",
    ),
    Code(
        "LD418",
        title="declared and never read",
        why="What a text declares is meant to be read: a mask that no term is given leaves the "
        "padding in the mean.",
        bad="out, tgt: f32[B]\nvalid: mask bool[B]\nloss = mse(out, tgt)",
        good="out, tgt: f32[B]\nvalid: mask bool[B]\nloss = mse(out, tgt, where=valid)",
    ),
    Code(
        "LD419",
        title="distribution along another axis than is summed",
        why="A softmax over the batch is no distribution over the classes. The loss is a number, "
        "goes down, and compares each example with the others of its batch.",
        bad="-mean(sum(t*log_softmax(z, axis=B), axis=C))",
        good="-mean(sum(t*log_softmax(z, axis=C), axis=C))",
        inputs={"z": "logits f32[B, C]", "t": "one_hot f32[B, C]"},
    ),
    Code(
        "LD420",
        title="argument can be where the function is infinite",
        why="One element at which a value or a gradient is infinite makes the gradient of the "
        "whole loss NaN, and it is the rare batch that has it: a probability that is 0, a mask "
        "that keeps nothing.",
        bad="mean(t*log(p))",
        good="mean(t*log(clip(p, 1e-7, 1)))",
        inputs={"t": "f32[B]", "p": "probs f32[B]"},
    ),
    Code(
        "LD421",
        title="term falls without end",
        why="What is never above 0 and has no lower bound is made as large as can be, with a minus "
        "in front: the likelihood of the data falls, or a distance grows.",
        bad="mean(log_sigmoid(out))",
        good="-mean(log_sigmoid(out))",
        inputs={"out": "f32[B]"},
    ),
    Code(
        "LD423",
        title="distance of a value to itself",
        why="A loss that is 0 where its two arguments are equal is 0 always if they are the same "
        "value, and trains nothing.",
        bad="mse(out, out)",
        good="mse(out, tgt)",
        inputs={"out": "f32[B]", "tgt": "f32[B]"},
    ),
    Code(
        "LD424",
        title="bound that makes all one number",
        why="Bounds that are exchanged, or on another scale than the values, move every element to "
        "one of them. Its gradient is 0.",
        bad="mean(square(clip(out, 1, -1) - tgt))",
        good="mean(square(clip(out, -1, 1) - tgt))",
        inputs={"out": "f32[B]", "tgt": "f32[B]"},
    ),
    Code(
        "LD425",
        title="mean of a total",
        why="A sum without an axis adds up all examples too, and the mean of one number is that "
        "number: the loss grows with the batch.",
        bad="mean(sum(square(out - tgt)))",
        good="mean(sum(square(out - tgt), axis=-1))",
        inputs={"out": "f32[B, D]", "tgt": "f32[B, D]"},
    ),
    Code(
        "LD426",
        title="input may lie outside of a function's domain",
        why="An input is declared to reach numbers at which the function is undefined or means "
        "something else, such as pixels from 0 to 255 given as shares.",
        bad="z: f32[B]\ny: f32[B] in [0, 255]\nbinary_cross_entropy(z, y)",
        good="z: f32[B]\ny: f32[B] in [0, 255]\nbinary_cross_entropy(z, y/255)",
    ),
    Code(
        "LD427",
        title="cosine that training makes small",
        why="A cosine is largest where two vectors point the same way. Added to a loss with a plus "
        "it drives them apart, and nothing else in the numbers says so: the loss goes down.",
        bad="mse(out, tgt) + 0.1*mean(cosine_similarity(a, b))",
        good="mse(out, tgt) - 0.1*mean(cosine_similarity(a, b))",
        inputs={"out": "f32[B]", "tgt": "f32[B]", "a": "f32[B, D]", "b": "f32[B, D]"},
    ),
    Code(
        "LD428",
        title="distribution that does not sum to 1 along its classes",
        why="A cross entropy compares distributions over the classes. What sums to 1 along another "
        "axis, or to another number for every size and setting, moves where the loss is smallest.",
        bad="q = (1 - s)*t + 1/C\nloss = cross_entropy(z, q)",
        good="q = (1 - s)*t + s/C\nloss = cross_entropy(z, q)",
        inputs={"z": "logits f32[B, C]", "t": "one_hot f32[B, C]", "s": "float"},
    ),
    Code(
        "LD429",
        title="unit vectors along different axes",
        why="The product of unit vectors is a cosine where both lie along the axis that is summed. "
        "Normalized along the examples, the features of one of them have any length.",
        bad="s = normalize(a, axis=0) @ transpose(normalize(b))\nloss = mean(square(s))",
        good="s = normalize(a) @ transpose(normalize(b))\nloss = mean(square(s))",
        inputs={"a": "f32[B, D]", "b": "f32[B, D]"},
    ),
)
