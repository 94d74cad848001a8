"""LD3xx: selectors and constraints."""

from __future__ import annotations

from lossdsl.diagnostics.code import Code

ROWS = (
    Code(
        "LD301",
        title="selector matches no leaf",
        why="A regulariser or a bound on nothing is a silent zero. `optional=true` allows it.",
        bad="""lossdsl.compile('l2sqr(params["kernl"])')(params={"kernel": jnp.ones(3)})""",
        good="""lossdsl.compile('l2sqr(params["kernel"])')(params={"kernel": jnp.ones(3)})""",
        form="python",
    ),
    Code(
        "LD302",
        title="bounds cross",
        why="A lower bound above the upper one leaves no value that meets both.",
        bad='spec = "bounds(params, tau >= 2, tau <= 1)"\n'
        'lossdsl.compile(spec)(params={"tau": jnp.ones(3)})',
        good='spec = "bounds(params, tau >= 1, tau <= 2)"\n'
        'lossdsl.compile(spec)(params={"tau": jnp.ones(3)})',
        form="python",
    ),
    Code(
        "LD303",
        title="bound of another shape than its leaf",
        why="A bound is one number or one a parameter; any other shape would count parameters "
        "several times.",
        bad='spec = "bounds(params, tau >= low)"\n'
        'lossdsl.compile(spec)(params={"tau": jnp.ones(3)}, low=jnp.zeros(2))',
        good='spec = "bounds(params, tau >= low)"\n'
        'lossdsl.compile(spec)(params={"tau": jnp.ones(3)}, low=jnp.zeros(3))',
        form="python",
    ),
    Code(
        "LD304",
        title="two leaves with one path",
        why="Selectors name leaves by path, and this path means two.",
        bad='params = {"a/b": jnp.ones(3), "a": {"b": jnp.ones(3)}}\n'
        'lossdsl.compile("l2sqr(params)")(params=params)',
        good='params = {"a/c": jnp.ones(3), "a": {"b": jnp.ones(3)}}\n'
        'lossdsl.compile("l2sqr(params)")(params=params)',
        form="python",
    ),
    Code(
        "LD305",
        title="not a constraint",
        why="A constraint compares one selector with numbers: `tau >= 0.01`, `0 < tau <= 1`. It is "
        "a declaration and no expression; relations between values are `penalty`'s.",
        bad="bounds(params, tau != 1)",
        good="bounds(params, tau >= 1)",
        inputs={"params": "tree"},
    ),
    Code(
        "LD306",
        title="constraint cannot be projected",
        why="`project` needs constraints that always hold, on leaves of one input.",
        bad='spec = "step: i32\\nparams: tree\\n"\n'
        'spec += "loss = (bounds(params, tau >= 2) if step > 9 else 0.0)"\n'
        'lossdsl.compile(spec).project({"tau": jnp.ones(3)})',
        good='spec = "params: tree\\nloss = bounds(params, tau >= 2)"\n'
        'lossdsl.compile(spec).project({"tau": jnp.ones(3)})',
        form="python",
    ),
    Code(
        "LD307",
        title="selector that cannot be read",
        why="A selector is a path with `*`, `**`, `?` and `[ab]`; ` | ` joins several and ` !` "
        "excludes.",
        bad='l2sqr(params["a//b"])',
        good='l2sqr(params["a/b"])',
        inputs={"params": "tree"},
    ),
    Code(
        "LD308",
        title="not a filter of a selector",
        why="Beside its pattern a selector takes conditions on the rank and the dtype of leaves, "
        "and `optional=true`.",
        bad='l2sqr(params["**", size >= 2])',
        good='l2sqr(params["**", ndim >= 2])',
        inputs={"params": "tree"},
    ),
)
