"""LD1xx: names, arguments and definitions."""

from __future__ import annotations

from lossdsl.diagnostics.code import Code

ROWS = (
    Code(
        "LD101",
        title="unknown function",
        why="The language has a fixed vocabulary, extended by `def` and by libraries. "
        "`lossdsl functions` lists it.",
        bad="mse(out, tgt) + 1e-3*l2sqrt(params)",
        good="mse(out, tgt) + 1e-3*l2sqr(params)",
    ),
    Code(
        "LD102",
        title="unknown keyword",
        why="An option that a function does not have would otherwise be dropped in silence.",
        bad="huber(out, tgt, detla=0.5)",
        good="huber(out, tgt, delta=0.5)",
    ),
    Code(
        "LD103",
        title="unknown name",
        why="Once any input is declared, all are; a name that is neither an input nor a binding "
        "is then a typing mistake and no new input.",
        bad="mse(out, tgt) + mean(outt)",
        good="mse(out, tgt) + mean(out)",
        inputs={"out": "f32[B, C]", "tgt": "f32[B, C]"},
    ),
    Code(
        "LD104",
        title="wrong number of arguments",
        why="A function takes the arguments of its signature: none missing, none too many, none "
        "given twice.",
        bad="mse(out)",
        good="mse(out, tgt)",
    ),
    Code(
        "LD105",
        title="bindings refer to each other in a circle",
        why="A binding is evaluated once, from what it names; a circle has no first one.",
        bad="a = b + 1\nb = a*mean(x)\nloss = b",
        good="a = 1 + mean(x)\nb = a*mean(x)\nloss = b",
    ),
    Code(
        "LD106",
        title="recursive definition",
        why="A definition is expanded where it is called, so it cannot call itself, neither "
        "directly nor through others.",
        bad="def f(x) = 1 + f(x)\nloss = mean(f(out))",
        good="def f(x) = 1 + square(x)\nloss = mean(f(out))",
    ),
    Code(
        "LD107",
        title="one name for an input and a dim",
        why="A dim is a value too, so the name would mean both a size and an input.",
        bad="C: float\nout: f32[B, C]\nloss = C*mean(out)",
        good="c: float\nout: f32[B, C]\nloss = c*mean(out)",
    ),
    Code(
        "LD108",
        title="unknown dim",
        why="A bare name in an axis position is the name of a dim of the value at hand.",
        bad="mean(sum(out, axis=T))",
        good="mean(sum(out, axis=C))",
        inputs={"out": "f32[B, C]"},
    ),
    Code(
        "LD109",
        title="name given twice",
        why="Every name is assigned once: inputs, bindings, definitions, results and metrics each "
        "have one meaning.",
        bad="a = mean(out)\na = mean(tgt)\nloss = a",
        good="a = mean(out)\nb = mean(tgt)\nloss = a + b",
    ),
    Code(
        "LD110",
        title="missing input",
        why="A compiled loss takes every input of its signature that has no default.",
        bad='lossdsl.compile("mse(out, tgt)")(out=jnp.ones(3))',
        good='lossdsl.compile("mse(out, tgt)")(out=jnp.ones(3), tgt=jnp.ones(3))',
        form="python",
    ),
    Code(
        "LD111",
        title="unknown input",
        why="An argument that the spec does not name would have no effect; more often it is a "
        "misspelled one.",
        bad='lossdsl.compile("mse(out, tgt)")(out=jnp.ones(3), tgt=jnp.ones(3), mask=jnp.ones(3))',
        good='lossdsl.compile("mse(out, tgt)")(out=jnp.ones(3), tgt=jnp.ones(3))',
        form="python",
    ),
    Code(
        "LD112",
        title="no such choice",
        why="An option given as text is one of a fixed set.",
        bad='mse(out, tgt, reduce="average")',
        good='mse(out, tgt, reduce="mean")',
    ),
    Code(
        "LD113",
        title="value is not static",
        why="What decides a shape or the structure of the program is known before the data is: a "
        "literal, a dim or arithmetic on them.",
        bad="mean(top_k(x, n))",
        good="mean(top_k(x, 3))",
        inputs={"x": "f32[B, C]", "n": "i32"},
    ),
    Code(
        "LD120",
        title="no `step`",
        why="The spec reads `step`, as schedules do, and the objective was called without it.",
        bad='spec = "step: i32\\nw: f32[N]\\nloss = step*mean(w)"\n'
        'lossdsl.compile(spec).objective(lambda w: {"w": w})(jnp.ones(3))',
        good='spec = "step: i32\\nw: f32[N]\\nloss = step*mean(w)"\n'
        'lossdsl.compile(spec).objective(lambda w: {"w": w})(jnp.ones(3), step=1)',
        form="python",
    ),
    Code(
        "LD121",
        title="setting of the wrong kind",
        why="Each setting of a function of lossdsl has one kind; what is of another would be read "
        "as something that was not meant.",
        bad='lossdsl.compile("mean(x)", batch=3)',
        good='lossdsl.compile("mean(x)", batch=("x",))',
        form="python",
    ),
    Code(
        "LD122",
        title="an input that a strict check wants declared",
        why="An input that is not declared may be anything until it is passed, and a misspelled "
        "name is one more. `check(…, strict=True)` and `--strict` ask for the type of each.",
        bad='lossdsl.compile("mse(out, tgt)", strict=True)',
        good='lossdsl.compile("out, tgt: f32[B]\\nmse(out, tgt)", strict=True)',
        form="python",
        warning=True,
    ),
    Code(
        "LD123",
        title="an axis by position that a strict check wants named",
        why="A position is another axis when the layout of an array changes. A dim has a name in "
        "the type of an input, and is found by it wherever it lies.",
        bad='lossdsl.compile("x: f32[B, C]\\nmean(max(x, axis=-1))", strict=True)',
        good='lossdsl.compile("x: f32[B, C]\\nmean(max(x, axis=C))", strict=True)',
        form="python",
        warning=True,
    ),
    Code(
        "LD124",
        title="nothing is left of a loss",
        why="`only` and `without` make a loss of some of its terms; a loss of none is 0 and trains "
        "nothing.",
        bad='lossdsl.compile("mse(out, tgt)").without("mse")',
        good='lossdsl.compile("mse(out, tgt) + mean(abs(out)) as shrink").without("shrink")',
        form="python",
    ),
    Code(
        "LD125",
        title="a term that has no scale",
        why="`calibrate` divides by how large each term or its gradient is. One that is 0 at the "
        "start, as a penalty inside its bounds is, or not finite, has no weight that would make "
        "it as large as the others.",
        bad='loss = lossdsl.compile("mse(out, tgt) + mean(relu(out - 9))")\n'
        "loss.calibrate(lambda w: {'out': w, 'tgt': 2*w}, jnp.ones(3))",
        good='loss = lossdsl.compile("mse(out, tgt) + mean(relu(9 - out))")\n'
        "loss.calibrate(lambda w: {'out': w, 'tgt': 2*w}, jnp.ones(3))",
        form="python",
    ),
    Code(
        "LD126",
        title="a state of another balancer",
        why="A balancer keeps numbers by the names of the terms. A state of another spec, rule or "
        "version, as an old checkpoint has it, would weigh other terms, or nothing.",
        bad='loss = lossdsl.compile("mse(out, tgt) + mean(abs(out)) as shrink")\n'
        "objective = loss.objective(lambda w: {'out': w, 'tgt': 2*w})\n"
        "state = balance.uncertainty(objective).init(jnp.ones(3))\n"
        "balance.relobralo(objective).update(state, jnp.ones(3))",
        good='loss = lossdsl.compile("mse(out, tgt) + mean(abs(out)) as shrink")\n'
        "objective = loss.objective(lambda w: {'out': w, 'tgt': 2*w})\n"
        "balancer = balance.relobralo(objective)\n"
        "balancer.update(balancer.init(jnp.ones(3)), jnp.ones(3))",
        form="python",
    ),
)
