"""LD2xx: types, shapes, dtypes and trees."""

from __future__ import annotations

from lossdsl.diagnostics.code import Code

ROWS = (
    Code(
        "LD201",
        title="shapes differ",
        why="Two arguments of one loss have one shape, and they never broadcast. Dims of different "
        "names are different sizes, even when today's batch has them equal.",
        bad="mse(out, tgt)",
        good="mse(out, transpose(tgt, (0, 2, 1)))",
        inputs={"out": "f32[B, T, C]", "tgt": "f32[B, C, T]"},
    ),
    Code(
        "LD202",
        title="both operands grow",
        why="`[B, 1] - [B]` is `[B, B]` in NumPy: every prediction against every target, a loss of "
        "the right type and the wrong value. Growth that is meant is written, with an index "
        "`None`, with `keepdims=true` or with `broadcast`.",
        bad="mean((pred - y)**2)",
        good="mean((pred[:, 0] - y)**2)",
        inputs={"pred": "f32[B, 1]", "y": "f32[B]"},
    ),
    Code(
        "LD203",
        title="tree where an array is wanted",
        why="The function works on the axes of one array, and a tree has none.",
        bad="mean(softmax(params, axis=-1))",
        good="mean(params)",
        inputs={"params": "tree"},
    ),
    Code(
        "LD204",
        title="wrong rank",
        why="The function names dims that the value does not have.",
        bad="mean(matmul(a, x))",
        good="mean(matmul(a, b))",
        inputs={"a": "f32[B, C]", "b": "f32[C]", "x": "f32"},
    ),
    Code(
        "LD205",
        title="trees of different structure",
        why="Arithmetic on two trees goes leaf by leaf, by path.",
        bad='lossdsl.compile("sum(square(a - b))")(a={"w": jnp.ones(3)}, b={"v": jnp.ones(3)})',
        good='lossdsl.compile("sum(square(a - b))")(a={"w": jnp.ones(3)}, b={"w": jnp.ones(3)})',
        form="python",
    ),
    Code(
        "LD206",
        title="tree with array",
        why="The leaves of a tree have shapes of their own, so an array fits none or some of them "
        "by chance; a scalar fits all.",
        bad="sum(params*out)",
        good="sum(params*mean(out))",
        inputs={"params": "tree", "out": "f32[B]"},
    ),
    Code(
        "LD207",
        title="no such axis, or no single one",
        why="An axis is a dim that occurs once in the value's type, or a number within its rank.",
        bad="mean(sum(x, axis=2))",
        good="mean(sum(x, axis=1))",
        inputs={"x": "f32[B, C]"},
    ),
    Code(
        "LD208",
        title="label or position out of range",
        why="Labels and positions count from 0 up to, and without, the size of the axis that they "
        "count. One past it picks nothing, and the loss is NaN.",
        bad="cross_entropy(z, (0, 3))",
        good="cross_entropy(z, (0, 2))",
        inputs={"z": "f32[2, 3]"},
    ),
    Code(
        "LD209",
        title="no usable leaf",
        why="Losses of parameters read floating leaves with at least one element.",
        bad='lossdsl.compile("l2sqr(params)")(params={"count": jnp.arange(3)})',
        good='lossdsl.compile("l2sqr(params)")(params={"w": jnp.ones(3)})',
        form="python",
    ),
    Code(
        "LD210",
        title="result is not a scalar",
        why="A loss is one number, or it has no gradient to follow.",
        bad='huber(out, tgt, reduce="none")',
        good='mean(huber(out, tgt, reduce="none"))',
        inputs={"out": "f32[B]", "tgt": "f32[B]"},
    ),
    Code(
        "LD211",
        title="term that micro-batches do not add up to",
        why="A mean and a sum over the examples add up from those of its micro-batches. What "
        "compares each example with the others, or takes a maximum or a deviation over them, does "
        "not: an average of it is another number.",
        bad='lossdsl.compile("std(x)").parts(x=jnp.ones(3))',
        good='lossdsl.compile("mean(square(x))").parts(x=jnp.ones(3))',
        form="python",
    ),
    Code(
        "LD212",
        title="weight has a dim that the value lacks",
        why="`weight=` and `where=` belong to the elements of the unreduced value; a weight per "
        "class is `class_weight=`.",
        bad="mse(out, tgt, weight=w)",
        good="mse(out, tgt, weight=v)",
        inputs={"out": "f32[B, T]", "tgt": "f32[B, T]", "w": "f32[K]", "v": "f32[B]"},
    ),
    Code(
        "LD213",
        title="leaf is no array",
        why="A leaf that a loss reads is an array. Functions, texts and other objects in a dict "
        "are filtered out, or left out by a selector; a module may hold what it computes with.",
        bad='lossdsl.compile("l2sqr(params)")(params={"w": jnp.ones(3), "act": "relu"})',
        good='lossdsl.compile("l2sqr(params)")(params={"w": jnp.ones(3)})',
        form="python",
    ),
    Code(
        "LD214",
        title="wrong dtype for a parameter",
        why="Labels and indices are integers, masks are booleans, values are floating.",
        bad="mean(take(x, i))",
        good="mean(take(x, j))",
        inputs={"x": "f32[N]", "i": "f32[B]", "j": "i32[B]"},
    ),
    Code(
        "LD215",
        title="result is not floating",
        why="An integer or boolean result has no gradient.",
        bad="sum(y)",
        good="mean(y)",
        inputs={"y": "i32[B]"},
    ),
    Code(
        "LD216",
        title="boolean in arithmetic",
        why="A mask that is multiplied lets NaN through (0 * NaN is NaN) and leaves the masked "
        "elements in the divisor of a mean.",
        bad="mean(x*m)",
        good="mean(x, where=m)",
        inputs={"x": "f32[B]", "m": "bool[B]"},
    ),
    Code(
        "LD217",
        title="no such field",
        why="A record has the fields that its type names; an array has none.",
        bad="mean(out.sigma)",
        good="mean(out.mu)",
        inputs={"out": "{mu: f32[B], logvar: f32[B]}"},
    ),
    Code(
        "LD218",
        title="index out of range or of the wrong kind",
        why="An index is static: integers and slices within the shape, `None` and `...`.",
        bad="mean(x[:, 3])",
        good="mean(x[:, 2])",
        inputs={"x": "f32[B, 3]"},
    ),
    Code(
        "LD219",
        title="input does not fit its declaration",
        why="What a call passes has the dtype, the rank and the sizes that the spec declares.",
        bad='loss = lossdsl.compile("mean(square(out))", inputs={"out": "f32[B, 3]"})\n'
        "loss(out=jnp.ones((2, 4)))",
        good='loss = lossdsl.compile("mean(square(out))", inputs={"out": "f32[B, 3]"})\n'
        "loss(out=jnp.ones((2, 3)))",
        form="python",
    ),
    Code(
        "LD220",
        title="result of a definition is not what it declares",
        why="The type after `->` is what callers rely on.",
        bad="def f(x: float[B, C]) -> float[B] = 2*x\nloss = mean(f(out))",
        good="def f(x: float[B, C]) -> float[B] = sum(x, axis=C)\nloss = mean(f(out))",
        inputs={"out": "f32[N, 3]"},
    ),
    Code(
        "LD221",
        title="labels do not fit into the frames",
        why="An alignment gives each label a frame of its own, so a sequence has at least as many "
        "frames as labels; the loss of one that has fewer is infinite.",
        bad="ctc(z, y)",
        good="ctc(z, y, y_length=n)",
        inputs={"z": "f32[B, 2, K]", "y": "int[B, 3]", "n": "int[B]"},
    ),
    Code(
        "LD222",
        title="no classes",
        why="A distribution over an axis of size 0 has no probability to give, and its loss is not "
        "a number.",
        bad="mean(softmax(z))",
        good="mean(softmax(x))",
        inputs={"z": "f32[B, 0]", "x": "f32[B, 2]"},
    ),
    Code(
        "LD223",
        title="size below 0",
        why="An axis has 0 elements or more.",
        bad="mean(reshape(x, (-B, 3)))",
        good="mean(reshape(x, (-1, 3)))",
        inputs={"x": "f32[B, 6]"},
    ),
    Code(
        "LD224",
        title="size that nothing determines",
        why="A dim in an expression is the size that the arrays of a call show. Of a sum or a "
        "product of two dims they show no part by itself.",
        bad="a: f32[A+B]\nloss = sum(a)/A",
        good="a: f32[A+B]\nb: f32[B]\nloss = sum(a)/A + mean(b)",
    ),
    Code(
        "LD225",
        title="size that is left open",
        why="`jax.export` traces with sizes that are symbols. What needs the number of one, such "
        "as whether it is even, cannot be traced unless the symbols or a constraint say it.",
        bad="import jax\nfrom jax import export\n"
        'x = jax.ShapeDtypeStruct(export.symbolic_shape("b"), "float32")\n'
        'loss = lossdsl.compile("mean(reshape(x, (2, -1)))")\n'
        "export.export(jax.jit(lambda x: loss(x=x)))(x)",
        good="import jax\nfrom jax import export\n"
        'x = jax.ShapeDtypeStruct(export.symbolic_shape("2*b"), "float32")\n'
        'loss = lossdsl.compile("mean(reshape(x, (2, -1)))")\n'
        "export.export(jax.jit(lambda x: loss(x=x)))(x)",
        form="python",
    ),
    Code(
        "LD226",
        title="inputs that lie apart",
        why="One program reads all inputs, so they lie on the same devices and on one mesh; under "
        "`jax.transfer_guard` nothing that lies on the host is moved unasked.",
        bad='import jax, numpy as np\nwith jax.transfer_guard("disallow"):\n'
        '    lossdsl.compile("mean(x)")(x=np.ones(3, np.float32))',
        good='import jax, numpy as np\nwith jax.transfer_guard("disallow"):\n'
        '    lossdsl.compile("mean(x)")(x=jax.device_put(np.ones(3, np.float32)))',
        form="python",
    ),
    Code(
        "LD228",
        title="range that its role excludes",
        why="A role says where numbers lie: probabilities in [0, 1]. What is declared to lie "
        "elsewhere is of another role, or on another scale.",
        bad="p: probs f32[B] in [2, 100]\nmean(p)",
        good="p: probs f32[B] in [0.02, 1]\nmean(p)",
    ),
)
