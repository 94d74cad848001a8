"""LD8xx: libraries, and functions that users wrote in Python."""

from __future__ import annotations

from lossdsl.diagnostics.code import Code

_USE = """
mine = lossdsl.Library.of(gap)
lossdsl.compile("mean(gap(out))", library=mine)(out=jnp.ones((2, 3)))
"""

ROWS = (
    Code(
        "LD801",
        title="name clash between functions",
        why="A name means one function: neither a library nor a definition of a spec replaces "
        "another one in silence.",
        bad='lossdsl.BUILTINS | lossdsl.Library.loads("def mse(a) = mean(a)")',
        good='lossdsl.BUILTINS | lossdsl.Library.loads("def mine(a) = mean(a)")',
        form="python",
    ),
    Code(
        "LD802",
        title="no name for a function",
        why="A function is called by a name of letters, digits and `_` that is no word of the "
        "language or of Python; one that begins with `_` is private to its file. A Python "
        "function without a name of its own is given one: `Library.of(gap=f)`.",
        bad="lossdsl.Library.of(lambda x: 2*x)",
        good="lossdsl.Library.of(twice=lambda x: 2*x)",
        form="python",
    ),
    Code(
        "LD803",
        title="not a library",
        why="`library=` takes a `Library`; one is made of functions by `Library.of`, of text by "
        "`Library.loads`, and of a file by `Library.load`.",
        bad='lossdsl.compile("mse(out, tgt)", library="mine.loss")',
        good='lossdsl.compile("mse(out, tgt)", library=lossdsl.Library.loads("def f(x) = x"))',
        form="python",
    ),
    Code(
        "LD804",
        title="declaration of a function that cannot be read",
        why="What `@primitive` says of a function is its signature, with the type of the result, "
        "and facts that the checker knows.",
        bad='gap = lossdsl.primitive("gap(x: float[*S]) -> flaot[*S]")(lambda: jnp.abs)' + _USE,
        good='gap = lossdsl.primitive("gap(x: float[*S]) -> float[*S]")(lambda: jnp.abs)' + _USE,
        form="python",
    ),
    Code(
        "LD805",
        title="kernel that does not fit its signature",
        why="A kernel takes the arrays of its signature by position and the static options by "
        "name; the decorated function returns the kernel, and is not the kernel.",
        bad='gap = lossdsl.primitive("gap(x: float[*S], k: static int = 2) -> float[*S]")'
        "(lambda: lambda x: x)" + _USE,
        good='gap = lossdsl.primitive("gap(x: float[*S], k: static int = 2) -> float[*S]")'
        "(lambda: lambda x, k: k*x)" + _USE,
        form="python",
    ),
    Code(
        "LD806",
        title="result of another type than declared",
        why="The signature is what a spec is checked by; a kernel that returns something else "
        "would make the check worthless. A plain Python function returns one array.",
        bad='gap = lossdsl.primitive("gap(x: float[*S]) -> float[*S]")(lambda: jnp.sum)' + _USE,
        good='gap = lossdsl.primitive("gap(x: float[*S]) -> float")(lambda: jnp.sum)' + _USE,
        form="python",
    ),
    Code(
        "LD807",
        title="function that raises",
        why="A kernel or a Python function raised while it was traced. What it raised, and where "
        "in its file, is said below the call.",
        bad="def gap(x): return x - jnp.ones(4)" + _USE,
        good="def gap(x): return x - jnp.ones(3)" + _USE,
        form="python",
    ),
    Code(
        "LD808",
        title="function that another process does not have",
        why="A loss crosses to another process as its text and the names of its functions; a "
        "primitive of your own is imported there from the module that declares it.",
    ),
    Code(
        "LD809",
        title="module that is no library",
        why="`--library package.module`, and `library` in `[tool.lossdsl]`, import a module of "
        "Python, and take the primitives and libraries in it; of `package.module:name` that one.",
        bad="lossdsl check -e 'mean(x)' --library no_such_module",
        form="command",
    ),
    Code(
        "LD811",
        title="not parameters",
        why="`--params package.module:name` imports a module of Python and takes what it has under "
        "the name: a pytree of arrays or of their shapes, or a function without arguments that "
        "returns one and is only traced. `--params FILE` takes what `lossdsl leaves` writes: the "
        "paths of leaves, with the dtype and the sizes of each.",
        bad="lossdsl check -e 'sum_squares(params)' --params no_such_module:params",
        form="command",
    ),
    Code(
        "LD810",
        title="function that cannot be written into a file",
        why="A file that runs without lossdsl has the source of your functions in it, with the "
        "functions and numbers of their modules that they read, and imports of the standard "
        "library, JAX, NumPy and optax. A closure, a lambda and what is written in C have no such "
        "source.",
        bad="library = lossdsl.Library.of(gap=lambda x: x - 1)\n"
        'lossdsl.emit("mean(gap(x))", {"x": jnp.ones(3)}, library)',
        good='lossdsl.emit("mean(x - 1)", {"x": jnp.ones(3)})',
        form="python",
    ),
)
