"""LD0xx and LD6xx: text that does not parse, and limits."""

from __future__ import annotations

from lossdsl.diagnostics.code import Code

ROWS: tuple[Code, ...] = (
    Code(
        "LD001",
        title="unexpected text",
        why="Something stands where the grammar allows other things; the message lists them.",
        bad="metric = mean(out)\nloss = mse(out, tgt)",
        good="metric m = mean(out)\nloss = mse(out, tgt)",
    ),
    Code(
        "LD002",
        title="a character that the language does not have",
        why="Typographic characters, such as a minus sign pasted from a paper, look like "
        "operators and are none. Nothing is guessed; a fix is offered where it is clear.",
        bad="mse(out, tgt) − 1",
        good="mse(out, tgt) - 1",
    ),
    Code(
        "LD003",
        title="a character that cannot be seen",
        why="Control characters, and marks that hide text or change its direction, would let a "
        "spec mean something else than it shows. They are refused everywhere, also in comments.",
        bad="mse(out, tgt)\x00",
        good="mse(out, tgt)",
    ),
    Code(
        "LD004",
        title="`as` inside an expression",
        why="`as` names a term, and the terms of a loss are the addends at the top of a result. "
        "Elsewhere there is nothing to name.",
        bad="2*(mse(out, tgt) as fit)",
        good="2*mse(out, tgt) as fit",
    ),
    Code(
        "LD005",
        title="a bracket that is never closed",
        why="The text ends before the bracket does.",
        bad="mse(out, tgt",
        good="mse(out, tgt)",
    ),
    Code(
        "LD006",
        title="a closing bracket that closes nothing, or another kind",
        why="Brackets come in pairs of one kind.",
        bad="mse(out, tgt]",
        good="mse(out, tgt)",
    ),
    Code(
        "LD007",
        title="a missing operator",
        why="Two values stand side by side. Multiplication is always written.",
        bad="2 mse(out, tgt)",
        good="2*mse(out, tgt)",
    ),
    Code(
        "LD008",
        title="`=` in an expression",
        why="`=` names a value or passes an argument; `==` compares.",
        bad="mean(1 if (out = tgt) else 0)",
        good="mean(1 if out == tgt else 0)",
    ),
    Code(
        "LD009",
        title="an operator of another language",
        why="Logic is written `and`, `or`, `not`, and works element by element; a power is `**`.",
        bad="mean(out ^ 2)",
        good="mean(out ** 2)",
    ),
    Code(
        "LD010",
        title="a comparison without one of its sides",
        why="A comparison, also within a chain such as `a < b < c`, has a value on each side.",
        bad="mean(1 if out == else 0)",
        good="mean(1 if out == 2 else 0)",
    ),
    Code(
        "LD011",
        title="more than a number as the default of an input",
        why="The default of an input is one plain value. Line breaks mean nothing, so an "
        "expression that begins on the same line would silently become the loss.",
        bad="out, tgt: f32[B]\nscale: float = 2 * 3\nscale*mse(out, tgt)",
        good="out, tgt: f32[B]\nscale: float = 6\nscale*mse(out, tgt)",
    ),
    Code(
        "LD012",
        title="a stray comma",
        why="A comma parts two arguments, items or names; it ends nothing. "
        "Only the tuple of one item, `(1,)`, has one at its end.",
        bad="mse(out, , tgt)",
        good="mse(out, tgt)",
    ),
    Code(
        "LD013",
        title="a string that does not end",
        why="A string ends with the quote it began with, on the same line.",
        bad='l2sqr(params["kernel])',
        good='l2sqr(params["kernel"])',
    ),
    Code(
        "LD014",
        title="an unknown type",
        why="The types of inputs are dtypes (`f32`, `int`, …) with their dims, `tree`, and "
        "records, with a role in front where one is known.",
        bad="out, tgt: float32[B]\nmse(out, tgt)",
        good="out, tgt: f32[B]\nmse(out, tgt)",
    ),
    Code(
        "LD015",
        title="a declaration after a statement",
        why="Declarations come first, so that a reader sees the inputs before they are used.",
        bad="loss = mse(out, tgt)\nout, tgt: f32[B]",
        good="out, tgt: f32[B]\nloss = mse(out, tgt)",
    ),
    Code(
        "LD016",
        title="two results",
        why="A spec minimizes one value, or several that have names.",
        bad="loss = mse(out, tgt)\nloss = mae(out, tgt)",
        good="loss first = mse(out, tgt)\nloss second = mae(out, tgt)",
    ),
    Code(
        "LD017",
        title="no result",
        why="A spec says what is minimized: by one expression, or by `loss = …`.",
        bad="fit = mse(out, tgt)",
        good="loss = mse(out, tgt)",
    ),
    Code(
        "LD018",
        title="a reserved word as a name",
        why="The words of the language are never names, so that no text reads two ways.",
        bad="if = mse(out, tgt)\nloss = if",
        good="fit = mse(out, tgt)\nloss = fit",
    ),
    Code(
        "LD019",
        title="a keyword of Python",
        why="Inputs are passed by name from Python, where such a name cannot be written; "
        "and the language has none of Python's statements.",
        bad="lambda*mse(out, tgt)",
        good="strength*mse(out, tgt)",
    ),
    Code(
        "LD020",
        title="a name with look-alike letters",
        why="A name that mixes Latin letters with Cyrillic or Greek ones that print alike is a "
        "different name from the one it seems to be.",
        bad="mse(оut, tgt)",  # noqa: RUF001
        good="mse(out, tgt)",
    ),
    Code(
        "LD021",
        title="a positional argument after a named one",
        why="Arguments are matched by position first, then by name.",
        bad='mse(out, reduce="sum", tgt)',
        good='mse(out, tgt, reduce="sum")',
    ),
    Code(
        "LD022",
        title="an expression among statements",
        why="A text is one expression, or statements that each name what they say.",
        bad="d = out - tgt\nmean(square(d))",
        good="d = out - tgt\nloss = mean(square(d))",
    ),
    Code(
        "LD024",
        title="a version that does not exist, or not at the beginning",
        why="A version line fixes what a text means; this lossdsl reads version 1.",
        bad="lossdsl 2\nmse(out, tgt)",
        good="lossdsl 1\nmse(out, tgt)",
    ),
    Code(
        "LD025",
        title="something other than a definition in a library",
        why="A library is shared by many losses and holds nothing that belongs to one of them.",
        bad="loss twice(x: float[*S]) -> float[*S] = 2*x\nloss = twice(out)",
        good="loss twice(x: float[*S]) -> float[*S] = 2*x",
        form="library",
    ),
    Code(
        "LD026",
        title="an operator without an operand",
        why="An operator has a value on each side; `-`, `+` and `not` may stand in front of one.",
        bad="mse(out, tgt) +",
        good="mse(out, tgt) + 1",
    ),
    Code(
        "LD028",
        title="a type that only signatures have",
        why="Inputs are data. Options, alternatives, choices and static values belong to the "
        "parameters of functions.",
        bad="out, tgt: f32[B]?\nmse(out, tgt)",
        good="out, tgt: f32[B]\nmse(out, tgt)",
    ),
    Code(
        "LD029",
        title="a default for an input that is no scalar",
        why="A default is one number, which no array, tree or record is.",
        bad="out, tgt: f32[B] = 0\nmse(out, tgt)",
        good="out: f32[B]\ntgt: float = 0\nmean(square(out - tgt))",
    ),
    Code(
        "LD030",
        title="`if` without `else`",
        why="A conditional is a value, so it has one for both cases.",
        bad="mean(out if out > 0)",
        good="mean(out if out > 0 else 0)",
    ),
    Code(
        "LD031",
        title="a method",
        why="Values have fields and functions have arguments; there are no methods.",
        bad="out.mean()",
        good="mean(out)",
    ),
    Code(
        "LD032",
        title="a list in an expression",
        why="Tuples serve for constant vectors, shapes and lists of axes; a mapping has names.",
        bad="mean(out, axis=[0, 1])",
        good="mean(out, axis=(0, 1))",
    ),
    Code(
        "LD034",
        title="a size that is no sum of products",
        why="Sizes are sums and products of symbols and whole numbers, which can be solved: `T-1`, "
        "`2*C`, `H*W`.",
        bad="out: f32[T/2]\nmean(out)",
        good="out: f32[T-1]\nmean(out)",
    ),
    Code(
        "LD035",
        title="a variadic parameter in a definition",
        why="A definition is expanded for the arguments of its signature; trees hold any number.",
        bad="def f(*x) = 1.0\nloss = f(out)",
        good="def f(x) = mean(x)\nloss = f(out)",
    ),
    Code(
        "LD036",
        title="an option's name as a parameter",
        why="`reduce`, `axis`, `where`, `weight` and `normalize` mean the same on every loss.",
        bad="loss f(x: float[*S], axis: float[*S]) -> float[*S] = x*axis\nloss = f(out, out)",
        good="loss f(x: float[*S], y: float[*S]) -> float[*S] = x*y\nloss = f(out, out)",
    ),
    Code(
        "LD037",
        title="a number as other languages write it",
        why="A number is written in digits, with a point and an exponent if it has them. A whole "
        "number with a zero in front is one of base 8 to other readers of the same text.",
        bad="017*mse(out, tgt)",
        good="17*mse(out, tgt)",
    ),
    Code(
        "LD038",
        title="a range that is none of an array of numbers",
        why="`in [0, 1)` behind the type of an input says where its numbers lie, `[` and `]` "
        "belonging to it. A tree, a record and truth values have no such range, and no number lies "
        "in one that is empty.",
        bad="out, tgt: f32[B] in [1, 0]\nmse(out, tgt)",
        good="out, tgt: f32[B] in [0, 1]\nmse(out, tgt)",
    ),
    Code(
        "LD601",
        title="a text that is too long",
        why="A spec states one loss; data and parameters are its inputs. The bound keeps reading "
        "fast whatever is given.",
        bad="mse(out, tgt)  #" + "." * 16_384,
        good="mse(out, tgt)",
    ),
    Code(
        "LD602",
        title="too deeply nested",
        why="Brackets and operators nest at most so deep that no later stage can fail on depth.",
        bad="mean(out)" + "**(1" * 65 + ")" * 65,
        good="mean(out)**2",
    ),
    Code(
        "LD603",
        title="too many nodes",
        why="Compile time grows with the size of a program.",
        bad="loss = mean(out)" + "+1" * 3000,
        good="loss = mean(out) + 3000",
    ),
    Code(
        "LD604",
        title="a number with too many digits",
        why="No dtype holds more digits.",
        bad="mean(out)*0." + "1" * 64,
        good="mean(out)*0.1",
    ),
    Code(
        "LD605",
        title="a constant exponent that is too large",
        why="Such a power overflows, or is 0, for nearly every base.",
        bad="mean(out)**65",
        good="mean(out)**2",
    ),
    Code(
        "LD606",
        title="a string that is too long",
        why="Strings are selectors and options; matching a selector is bounded by its length.",
        bad='l2sqr(params["' + "a" * 257 + '"])',
        good='l2sqr(params["kernel"])',
    ),
    Code(
        "LD607",
        title="too many `**` in a selector",
        why="Each `**` adds states to match; one or two say nearly everything.",
        bad='l2sqr(params["' + "**/" * 17 + 'kernel"])',
        good='l2sqr(params["**/kernel"])',
    ),
)
