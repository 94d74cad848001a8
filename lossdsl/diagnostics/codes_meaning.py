"""LD43x to LD45x: lints, which warn of what counts otherwise than it was meant to."""

from __future__ import annotations

from lossdsl.diagnostics.code import Code

ROWS = (
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
        "LD441",
        title="parameters without a gradient",
        why="A layer that is not called, or whose output is rounded or compared, is in the tree "
        "and is not trained. What goes through `stop_gradient` is so on purpose.",
        bad='loss = lossdsl.compile("mse(out, tgt)")\n'
        "params = {'body': jnp.ones(3), 'head': jnp.ones(3)}\n"
        "loss.objective(lambda p, tgt: {'out': 2*p['body'], 'tgt': tgt})(params, jnp.ones(3))",
        good='loss = lossdsl.compile("mse(out, tgt)")\n'
        "params = {'body': jnp.ones(3), 'head': jnp.ones(3)}\n"
        "loss.objective(lambda p, tgt: {'out': p['head']*p['body'], 'tgt': tgt})(params, "
        "jnp.ones(3))",
        form="python",
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
        "LD443",
        title="two parts of a binary loss are weighed alike",
        why="What weighs `log(p)` and what weighs `log(1 - p)` are opposites: a label and 1 minus "
        "it, `1 - p` and `p`, a balance and 1 minus it. Where one was copied and not turned, the "
        "part of the negatives is small where it is to be large.",
        bad="-mean(y*(1 - p)**2*log(p) + (1 - y)*(1 - p)**2*log(1 - p))",
        good="-mean(y*(1 - p)**2*log(p) + (1 - y)*p**2*log(1 - p))",
        inputs={"y": "f32[B]", "p": "f32[B]"},
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
    Code(
        "LD450",
        title="arguments that look exchanged",
        why="The name of an argument says what it is: a prediction or a target, or it is the name "
        "of another parameter. A function that is not symmetric gives another number, often a "
        "plausible one.",
        bad="pinball(target, pred, 0.9)",
        good="pinball(pred, target, 0.9)",
        inputs={"target": "f32[B]", "pred": "f32[B]"},
    ),
    Code(
        "LD451",
        title="shift that a softmax takes off again",
        why="A softmax does not change when every class has the same added. A margin or a bias "
        "that is no vector over the classes has no effect at all, and no gradient.",
        bad="cross_entropy(z - margin, y)",
        good="cross_entropy(z - margin*one_hot(y, C), y)",
        inputs={"z": "f32[B, C]", "y": "labels i32[B]", "margin": "float"},
    ),
    Code(
        "LD452",
        title="pieces that do not meet",
        why="A loss in two pieces is meant to go from one to the other without a jump: where it "
        "has one, a small step changes the loss by a lot, and no gradient says so.",
        bad="mean(square(where(x > 0, x, exp(x)) - t))",
        good="mean(square(where(x > 0, x, exp(x) - 1) - t))",
        inputs={"x": "f32[B]", "t": "f32[B]"},
    ),
    Code(
        "LD453",
        title="temperature that divides here and multiplies there",
        why="A temperature above 1 makes a distribution softer where it divides the scores, and "
        "sharper where it multiplies them. Distributions that are compared have one temperature.",
        bad="cross_entropy(a/t, softmax(b*t))",
        good="cross_entropy(a/t, softmax(b/t))",
        inputs={"a": "f32[B, C]", "b": "f32[B, C]", "t": "float"},
    ),
    Code(
        "LD454",
        title="total beside a mean of one example",
        why="A sum over the entries of an example grows with their number, a mean does not. Which "
        "of two such parts counts depends on two sizes then, and a reconstruction beside a "
        "divergence is weaker by thousands.",
        bad="loss = mean(sum(square(x - r), axis=D) + mean(k, axis=Z))",
        good="loss = mean(sum(square(x - r), axis=D) + sum(k, axis=Z))",
        inputs={"x": "f32[B, D]", "r": "f32[B, D]", "k": "f32[B, Z]"},
    ),
    Code(
        "LD455",
        title="trained scale that may fall below 0",
        why="Nothing holds a trained number above 0. An error over its square is finite on both "
        "sides of 0, and its logarithm is NaN on one.",
        bad="mse(a, b)/square(w) + 2*log(w)",
        good="mse(a, b)*exp(-2*s) + 2*s",
        inputs={"a": "f32[B]", "b": "f32[B]", "w": "f32[]", "s": "f32[]"},
    ),
)
