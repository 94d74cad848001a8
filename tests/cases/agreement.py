"""Nothing is given twice, names and numbers are what they look like, nothing right is refused."""

from __future__ import annotations

from cases.case import Case


def twice(text: str, at: str, code: str = "LD104", **more: str) -> Case:
    return Case(text=text, code=code, at=at, help=more.pop("help", "keep one of the two"), **more)


X, Y = [1.0, 2.0, 3.0], [3.0, 2.0, 2.0]
DEFINITION = "a definition reads its parameters only: make `{}` one of them"

TWICE = [
    twice("mse(a, b, where=m, where=n)", "where=n"),
    twice("mse(a, b, weight=m, weight=n)", "weight=n"),
    twice('mse(a, b, reduce="sum", reduce="mean")', 'reduce="mean"'),
    twice("mse(a, b, axis=0, axis=1)", "axis=1"),
    twice('mse(a, b, normalize="all", normalize="count")', 'normalize="count"'),
    twice("mean(a, axis=0, axis=1)", "axis=1"),
    twice("mean(softmax(a, axis=0, axis=1))", "axis=1"),
    twice("sum(map(mean, p, axis=0, axis=0))", "axis=0"),
    twice("huber(a, b, delta=1.0, delta=2.0)", "delta=2.0"),
    twice(
        "linear_schedule(step, 0, 1, 5, transition_begin=1, transition_begin=2)*mean(a)",
        "transition_begin=2",
    ),
    twice("def f(x, k=1) = k*x\nloss = mean(f(a, k=1, k=2))", "k=2"),
    twice("def f(g: function[2], x) = g(x, x, weight=x, weight=x)\nloss = f(mse, a)", "weight=x"),
    twice("def unused(x) = mean(x, axis=0, axis=1)\nloss = mean(a)", "axis=1"),
    twice("def f(x, x) = x\nloss = mean(f(a, b))", "x", "LD109"),
    twice("def f(x, y, x=2) = x*y\nloss = mean(f(a, b))", "x=2", "LD109"),
    twice(
        "loss f(x: float[*S], x: float[*S]) -> float[*S] = x\nloss = f(a, b)",
        "x: float[*S]",
        "LD109",
    ),
    twice("def unused(x, x) = x\nloss = mean(a)", "x", "LD109"),
    twice("p: {mu: f32[B], mu: f32[C]}\nloss = mean(p.mu)", "mu: f32[C]", "LD109"),
    twice('def f(x, k: "a" | "b" | "a" = "a") = x\nloss = mean(f(a))', '"a" | "b" | "a"', "LD109"),
    twice("def f(x: int[B] | int[B]) = 1.0*x\nloss = mean(f(a))", "int[B]", "LD109"),
    twice(
        "def f(x: f32[B]) = mean(x)\ndef f(x: f32[B]) = sum(x)\nloss = f(a)",
        "f(x: f32[B])",
        "LD109",
        help="rename one",
    ),
    twice("def f(x) = mean(x)\ndef f(x) = sum(x)\nloss = f(a)", "f(x)", "LD109", help="rename one"),
    Case(
        text="def f(x: f32[B]) = mean(x)\ndef f(x: f32[B, C]) = sum(x)\nloss = f(a)",
        inputs={"a": X},
        value=2.0,
    ),
]

# Python's compiler keeps `__debug__` for itself.
NAMES = [
    Case(text=text, code="LD019", at="__debug__", help="`debug` is free")
    for text in (
        "mean(__debug__)",
        "loss = mean(x)\nmetric __debug__ = max(x)",
        "mean(x) as __debug__",
        "loss __debug__ = mean(x)",
        "mean(x[:, None], axis=__debug__)",
    )
] + [
    # What only looks reserved is a name: of Python's functions, of its attributes, of its classes.
    Case(text=f"mean({name})", inputs={name: X}, value=2.0)
    for name in ("self", "print", "match", "__class__", "__builtins__", "__name__", "fn", "run")
]  # fmt: skip

NUMBERS = [
    Case(text=text, code="LD037", at=number, help=f"write `{plain}`")
    for text, number, plain in (
        ("017*mse(a, b)", "017", "17"),
        ("mse(a, b)*007", "007", "7"),
        ("0x1F*mse(a, b)", "0x1F", "31"),
        ("0b101*mse(a, b)", "0b101", "5"),
        ("0o17*mse(a, b)", "0o17", "15"),
        ("1_000*mse(a, b)", "1_000", "1000"),
        ("a: f32[03]\nloss = mean(a)", "03", "3"),
        ("w: float = 017\na: f32[B]\nloss = w*mean(a)", "017", "17"),
        ("mean(a[:, 01])", "01", "1"),
        ("mean(top_k(a, 05))", "05", "5"),
    )
] + [
    # In every language that reads them these are the numbers that they look like.
    Case(text=f"{number}*mean(x)", inputs={"x": X}, value=value)
    for number, value in (
        ("0.5", 1.0), (".5", 1.0), ("1.", 2.0), ("1.e1", 20.0), ("1e01", 20.0), ("01.5", 3.0),
        ("1E+1", 20.0),
    )
]  # fmt: skip

ZERO = ("LD431",)
RIGHT = [
    Case(text="0*mean(x) + 1", inputs={"x": X}, value=1.0, warnings=ZERO),
    Case(text="1 + 0*mean(x)", inputs={"x": X}, value=1.0, warnings=ZERO),
    Case(text="0*mse(x, y) - 2", inputs={"x": X, "y": Y}, value=-2.0, warnings=ZERO),
    Case(text="0*sum(x) + 1", inputs={"x": X}, value=1.0, warnings=ZERO),
    Case(text="0*x + 1", inputs={"x": 2.0}, value=1.0, warnings=ZERO),
    Case(text="n: i32[B]\nx: f32[B]\nloss = 0*mean(x) + sum(n)",
         inputs={"x": X, "n": [1, 2]}, code="LD219", static=False),
    Case(text="n: i32[C]\nx: f32[B]\nloss = 0*mean(x) + sum(n)",
         inputs={"x": X, "n": [1, 2]}, value=3.0, warnings=ZERO),
    Case(text="0*mean(x) + 0*mean(y)", inputs={"x": X, "y": Y}, value=0.0, warnings=ZERO*2),
    Case(text="1", code="LD215", at="1"),
    Case(text="2 + 3", code="LD215", at="2 + 3"),
    Case(text="n: i32[B]\nloss = 0*sum(n) + 1", code="LD215", at="0*sum(n) + 1",
         inputs={"n": [1, 2]}),
]  # fmt: skip

ONCE = [
    Case(text="x: f32[B]\neps: float = 1\ndef f(a) = a/eps\n"
              "loss = mean(f(x)) + mean(f(2*x)) + mean(f(3*x))",
         code="LD103", at="eps", help=DEFINITION.format("eps")),
    Case(text="x: f32[B]\neps: float = 1\ndef f(ep) = ep/eps\nloss = mean(f(x))",
         code="LD103", at="eps", help=DEFINITION.format("eps")),
    Case(text="x: f32[B]\ndef f(a) = a/B\nloss = mean(f(x)) + mean(f(2*x))",
         code="LD103", at="B", help=DEFINITION.format("B")),
    Case(text="def f(a) = a/eps\nloss = mean(f(x))/eps + mean(f(y))",
         code="LD103", at="eps", help=DEFINITION.format("eps")),
    Case(text="def f(a) = a/eps\nloss = mean(x)",
         code="LD103", at="eps", help=DEFINITION.format("eps")),
    Case(text="def f(a) = a + g(a)\ndef g(b) = b*scale\nloss = mean(f(x)) + mean(g(y))",
         code="LD103", at="scale", help=DEFINITION.format("scale")),
    Case(text="def f(a) = mes(a, a)\nloss = mean(f(x)) + mean(f(y))",
         code="LD101", at="mes", help="did you mean `mse`?"),
]  # fmt: skip

CONVERTED = [
    # Whole numbers that a loss takes for floating ones are floating in what it returns.
    Case(text='n: i32[]\nloss = summed_exp_boundary(n, reduce="none")', inputs={"n": 2}),
    Case(
        text='n, k: i32[B]\nloss = sum(mae(n, k, reduce="none"))',
        inputs={"n": [2, 3], "k": [0, 0]},
        value=5.0,
    ),
    Case(text="sum(map(mean, true))", code="LD209"),
]

RECORD = "rec: {mu: f32[B, C], tau: f32[C]}\nloss = "
FIELDS = {"mu": [[1.0, 2.0], [3.0, 4.0]], "tau": [1.0, 0.0]}
RECORDS = [
    # A record is the tree of its fields, whatever reduces it leaf by leaf.
    Case(text=f"{RECORD}silence(rec, 1.0)", inputs={"rec": FIELDS}, value=0.25),
    Case(text=f"{RECORD}mean(mean(rec, axis=0))", inputs={"rec": FIELDS}, value=11 / 6),
    Case(text=f"{RECORD}sum(sum(rec, axis=-1))", inputs={"rec": FIELDS}, value=11.0),
    Case(text=f"{RECORD}mean(mean(rec, axis=all))", inputs={"rec": FIELDS}, value=1.5),
]

ZIPPED = {"c": [1.0, 2.0], "p": {"b": [0.0, 1.0], "w": [5.0, 5.0]}}
MAPS = [
    # Of several leaves none is chosen in silence to go with one array.
    Case(text="p: tree\nc: f32[C]\nloss = sum(map(mse, c, p))", code="LD205", at="p", static=False,
         help="map over the tree", inputs=ZIPPED),
    Case(text="p: tree\nc: f32[C]\nloss = sum(map(mse, p, c))", value=13.5,
         inputs=ZIPPED),
    Case(text='p: tree\nc: f32[C]\nloss = sum(map(mse, c, p["b"]))', value=1.0,
         inputs=ZIPPED),
    Case(text="1.5", value=1.5),
]  # fmt: skip

TREE, LEAVES = "p: tree\nloss = ", {"w": [[1.0, 2.0], [3.0, 4.0]], "b": [0.0, 1.0]}
TREES = [
    # What is computed of a tree leaf by leaf is a tree, also while its leaves are not known.
    Case(text=f"{TREE}{text}", inputs={"p": LEAVES}, code=code, static="map" not in text)
    for text, code in (
        ("msle(mean(p, axis=all), 1.5)", "LD203"),
        ("msle(map(mean, p), 1.5)", "LD203"),
        ("mean(top_k(max(p, axis=-1), 1))", "LD203"),
        ("mean(p, axis=all)", "LD210"),
        ("map(mean, p)", "LD210"),
        ("1.0*any(p > 0)", "LD216"),
        ("1.0*all(p)", "LD216"),
        ("count(p > 0)", "LD215"),
    )
] + [
    Case(text=f"{TREE}{text}", inputs={"p": LEAVES}, value=value)
    for text, value in (
        ("sum(mean(p, axis=all))", 3.0),
        ("sum(map(mean, p))", 3.0),
        ("1.0*count(p > 0)", 5.0),
        ("mean(square(max(p, axis=-1)))", 7.0),
    )
]  # fmt: skip

CASES = [*TWICE, *NAMES, *NUMBERS, *RIGHT, *ONCE, *CONVERTED, *RECORDS, *MAPS, *TREES]
