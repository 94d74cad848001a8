"""LD4xx: lints, which warn of what is legal and most likely wrong."""

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
    Code(
        "LD430",
        title="term stands twice",
        why="Two terms of one value are one of the sum of their weights. It is a copy of which an "
        "input was to be changed, or a `stop_gradient` that stands on the same side twice.",
        bad="mse(z, sg(e)) + 0.25*mse(sg(e), z)",
        good="mse(sg(z), e) + 0.25*mse(sg(e), z)",
        inputs={"z": "f32[B, D]", "e": "f32[B, D]"},
    ),
    Code(
        "LD431",
        title="weight is zero",
        why="The term is reported and never trained.",
        bad="mse(out, tgt) + 0*mae(out, tgt)",
        good="mse(out, tgt) + 0.1*mae(out, tgt)",
        inputs={"out": "f32[B]", "tgt": "f32[B]"},
    ),
    Code(
        "LD432",
        title="integer that 32 bits may not hold",
        why="A product or a sum of integers has no bound, and past 2147483647 an integer of 32 "
        "bits goes on at -2147483648. What ends as a float is computed in floats; a metric of "
        "integers stays one, and so does a product that is compared or divided with `//` or `%`.",
        bad="metric m = sum(n*n)\nloss = mean(x)",
        good="metric m = sum(1.0*n*n)\nloss = mean(x)",
        inputs={"n": "i32[B]", "x": "f32[B]"},
    ),
    Code(
        "LD433",
        title="weight counts twice",
        why="`weight=` multiplies the elements and divides by the sum of the weights. Multiplied "
        "by the same weight as well, each element counts by its square.",
        bad="mean(w*square(out), weight=w)",
        good="mean(square(out), weight=w)",
        inputs={"out": "f32[B]", "w": "f32[B]"},
    ),
    Code(
        "LD434",
        title="targets shifted twice",
        why="A loss of a language model compares each position with the token after it. Where the "
        "text has dropped the first token already, each is compared with the second after it.",
        bad="lm_cross_entropy(z[:, :-1], tok[:, 1:])",
        good="lm_cross_entropy(z, tok)",
        inputs={"z": "logits f32[B, T, V]", "tok": "labels i32[B, T]"},
    ),
    Code(
        "LD435",
        title="advantage that the policy trains",
        why="A policy gradient weighs log likelihoods by a number: how much better an action was "
        "than its estimate. Without `stop_gradient` the estimate follows the policy as well.",
        bad="-mean((ret - v)*logp) + mse(v, ret)",
        good="-mean(sg(ret - v)*logp) + mse(v, ret)",
        inputs={"ret": "f32[B]", "v": "f32[B]", "logp": "f32[B]"},
    ),
    Code(
        "LD436",
        title="mean counts what a mask makes 0",
        why="A mask that is multiplied in makes elements 0, and a mean still divides by all of "
        "them: a batch with more padding has a smaller loss, and its tokens count less.",
        bad="mean(square(out - tgt)*m)",
        good="mean(square(out - tgt), where=m > 0)",
        inputs={"out": "f32[B, T]", "tgt": "f32[B, T]", "m": "mask f32[B, T]"},
    ),
    Code(
        "LD437",
        title="expectation divided by the number of classes",
        why="What a distribution weighs is summed over the classes: the weights sum to 1 already. "
        "A mean over them divides by their number, and the term counts that much less.",
        bad="-mean(t*log_softmax(z, axis=C))",
        good="-mean(sum(t*log_softmax(z, axis=C), axis=C))",
        inputs={"z": "logits f32[B, C]", "t": "one_hot f32[B, C]"},
    ),
    Code(
        "LD438",
        title="term grows with the batch, beside one that does not",
        why="A sum over the examples grows with them and a mean does not, so that another batch "
        "size is another weight. What is a mean and divided by the batch size shrinks with it.",
        bad="mean(square(out - tgt)) + 1e-3*sum(square(mu))",
        good="mean(square(out - tgt)) + 1e-3*mean(sum(square(mu), axis=-1))",
        inputs={"out": "f32[B]", "tgt": "f32[B]", "mu": "f32[B, D]"},
    ),
    Code(
        "LD439",
        title="penalty leaves out biases and no scales",
        why="Weight decay is for the weights that multiply inputs. The scales of layer and batch "
        "normalization are drawn to 0 by it as biases are, and are named otherwise.",
        bad='mse(out, tgt) + 1e-4*sum_squares(params["** !bias"])',
        good='mse(out, tgt) + 1e-4*sum_squares(params["** !bias !*norm*/**"])',
        inputs={"out": "f32[B]", "tgt": "f32[B]", "params": "tree"},
    ),
    Code(
        "LD440",
        title="formula with one part exchanged",
        why="A formula of the field that is written by hand, but for a sign, a factor or "
        "parentheses. It has a minimum as well, and not where it is meant to be.",
        bad="-mean(y*log(1 - p) + (1 - y)*log(p))",
        good="-mean(y*log(p) + (1 - y)*log(1 - p))",
        inputs={"y": "f32[B]", "p": "f32[B]"},
    ),
    Code(
        "LD442",
        title="mask of what it does not leave out",
        why="A number that is reduced already is the same for every element, so that a mask times "
        "it masks nothing; and logits of 0 are a distribution as any other.",
        bad="l = cross_entropy(z, y)\nloss = sum(l*m)/maximum(sum(m), 1)",
        good="loss = cross_entropy(z, y, where=m > 0)",
        inputs={"z": "logits f32[B, C]", "y": "labels i32[B]", "m": "mask f32[B]"},
    ),
    Code(
        "LD444",
        title="elements weighed by one number",
        why="What was reduced over the examples is one number for all of them. The sum of its "
        "product with a weight of each example is the product of two sums, in which no example "
        "has its own weight.",
        bad="mean(w*mse(out, tgt))",
        good='mean(w*mse(out, tgt, reduce="none"))',
        inputs={"out": "f32[B]", "tgt": "f32[B]", "w": "f32[B]"},
    ),
    Code(
        "LD445",
        title="sum of all pairs of a product",
        why="Summed over both axes, a product of each element of one vector with each of another "
        "is the product of the two sums: how the elements go together changes nothing.",
        bad="sum(f[:, None]*p[None, :])",
        good="sum(f*p)",
        inputs={"f": "f32[E]", "p": "f32[E]"},
    ),
    Code(
        "LD446",
        title="position used as a value",
        why="The position of the largest entry is an integer that passes no gradient. An overlap "
        "or a distance that is computed of it is a number that nothing trains.",
        bad="mean(square(1.0*argmax(z, axis=-1) - y))",
        good="mean(square(softmax(z, axis=-1)[:, 1] - y))",
        inputs={"z": "f32[B, 2]", "y": "f32[B]"},
    ),
    Code(
        "LD447",
        title="a NaN that is multiplied by 0",
        why="A factor of 0 leaves elements out that are numbers. What is NaN or infinite stays so "
        "under any factor, and one such element makes the loss NaN.",
        bad="m = where(isfinite(t), 1.0, 0.0)\nloss = sum(square(x - t)*m)/maximum(sum(m), 1)",
        good="mse(x, t, where=isfinite(t))",
        inputs={"x": "f32[B]", "t": "f32[B]"},
    ),
    Code(
        "LD448",
        title="mask that keeps what is ignored",
        why="A label below 0, or one that is called ignored or padding, marks what has no class. A "
        "mask that is true there leaves out all examples that have one.",
        bad="z: logits f32[B, C]\ny: labels i32[B]\n"
        "loss = cross_entropy(z, maximum(y, 0), where=y == -100)",
        good="z: logits f32[B, C]\ny: labels i32[B]\n"
        "loss = cross_entropy(z, maximum(y, 0), where=y != -100)",
    ),
)
