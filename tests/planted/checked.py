"""Faults of what is done with the text: it is read, typed, checked, printed and explained."""

from __future__ import annotations

from planted.run import Mutant

CHECKED = (
    # Syntax
    Mutant(
        "syntax/format_nodes.py",
        'factors = (f" {x.operator} {format_expr(x.value, SIGN)}" for x in rest)',
        'factors = (f" {x.operator} {format_expr(x.value, PRODUCT)}" for x in rest)',
        "`a/(b*c)` is printed as `a / b * c`",
        ("tests/syntax/test_format.py",),
        "canonical_text",
    ),
    Mutant(
        "syntax/format_nodes.py",
        'return f"{format_expr(base, POSTFIX)}**{format_expr(exponent, SIGN)}"',
        'return f"{format_expr(base, SIGN)}**{format_expr(exponent, SIGN)}"',
        "`(-x)**2` is printed as `-x**2`",
        ("tests/syntax/test_format.py",),
        "canonical_text",
    ),
    Mutant(
        "syntax/transform.py",
        'return Literal(-value if _is(c[0], "MINUS") else value, span_of(c[0], c[-1]))',
        "return Literal(value, span_of(c[0], c[-1]))",
        "the default of an input loses its minus",
        ("tests/syntax/test_grammar.py", "tests/elaborate/test_language.py"),
    ),
    # Types
    Mutant(
        "types/broadcast.py",
        'if grows["a"] and grows["b"] and unwanted["a"] and unwanted["b"]:',
        'if grows["a"] and grows["b"] and unwanted["a"] and unwanted["b"] and len(a) == len(b):',
        "a column beside a row of another rank grows to a matrix in silence",
        ("tests/elaborate/test_language.py",),
    ),
    Mutant(
        "types/unify.py",
        "elif any(same_dim(a, b) is False for a, b in zip(known, dims, strict=True)):",
        "elif any(same_dim(a, b) is False for a, b in zip(known[1:], dims[1:], strict=True)):",
        "of dims that must be equal the first is not compared",
        ("tests/elaborate/test_language.py", "tests/diagnostics/test_bad_input.py"),
    ),
    Mutant(
        "types/types.py",
        'least = strongest if top == _ORDER["float"] else min(strongest, SCALAR)',
        "least = min(strongest, SCALAR)",
        "a number of float32 raises an array of bfloat16",
        ("tests/elaborate/test_language.py",),
    ),
    Mutant(
        "types/types.py",
        "bits = max(*signed, 2 * max(unsigned))",
        "bits = max(*signed, *unsigned)",
        "u8 and i8 meet in i8, which does not hold both",
        ("tests/elaborate/test_language.py",),
    ),
    # Sizes
    Mutant(
        "polynomial.py",
        "terms[tuple(sorted((*left, *right)))] += p * q",
        "terms[tuple(sorted((*left, *right)))] = p * q",
        "of equal products in `(N + 1)*(N + 1)` the last one counts",
        ("tests/syntax/test_grammar.py",),
    ),
    Mutant(
        "polynomial.py",
        "return _collected(inside), powers.pop(), Polynomial(of.constant, rest)",
        "return _collected(inside), powers.pop(), Polynomial(0, rest)",
        "`2*N + 1` is solved for N as if it were `2*N`",
        ("tests/whole/test_cases.py",),
        "sizes",
    ),
    # Inference
    Mutant(
        "infer/fit.py",
        "if name not in result.moved or type.dims is None:",
        "if name in result.moved or type.dims is None:",
        "an axis that is named stays where it is when shapes are compared",
        ("tests/elaborate/test_language.py",),
    ),
    Mutant(
        "infer/axes.py",
        "return (position % len(dims),) if inside",
        "return (-position % len(dims),) if inside",
        "`axis=-1` is the second axis",
        ("tests/elaborate/test_language.py",),
    ),
    Mutant(
        "infer/elementwise.py",
        "if others != paths:",
        "if len(others) != len(paths):",
        "trees of as many leaves are combined whatever their names",
        ("tests/diagnostics/test_bad_input.py",),
        "test_call",
    ),
    Mutant(
        "infer/reduction.py",
        "one = Dim(1, wanted=True)",
        "one = Dim(1)",
        "`x - mean(x, axis=0, keepdims=true)` may not grow",
        ("tests/elaborate/test_language.py",),
    ),
    Mutant(
        "infer/reduction.py",
        'result = "float" if weighted else result_dtype(function.signatures[0])',
        "result = result_dtype(function.signatures[0])",
        "a weighted sum of integers is said to be one",
        ("tests/elaborate/test_language.py", "tests/whole/test_cases.py"),
    ),
    # Inputs
    Mutant(
        "inputs/declarations.py",
        '    if fits_class and isinstance(default.value, bool) == (wanted == "bool"):',
        "    if fits_class:",
        "`k: int = true` is a number",
        ("tests/diagnostics/test_bad_input.py",),
    ),
    Mutant(
        "inputs/given.py",
        "if found is None and read != name:",
        "if False:",
        "an input has a name that no text can read",
        ("tests/spec/test_spec.py",),
    ),
    # Checks
    Mutant(
        "elaborate/masks.py",
        "    return tuple(range(len(mine)))\n\n\ndef both(",
        "    return tuple(range(len(theirs) - len(mine), len(theirs)))\n\n\ndef both(",
        "a mask is lined up with the last dims of the value",
        ("tests/elaborate/test_language.py",),
    ),
    Mutant(
        "elaborate/masks.py",
        "return weight == 1 and option == WEIGHT",
        "return weight <= 1 and option == WEIGHT",
        "`weight=0.5` weighs nothing",
        ("tests/whole/test_cases.py",),
        "halves",
    ),
    Mutant(
        "elaborate/reductions.py",
        'return masks.both(context, scope, "and", implied, options.mask, span, WHERE)',
        'return masks.both(context, scope, "or", implied, options.mask, span, WHERE)',
        "what either a mask or a weight keeps is kept",
        ("tests/library/test_differential.py",),
        "mae and double_precision",
    ),
    Mutant(
        "elaborate/terms.py",
        'sign = negative ^ (part.sign == "-")',
        'sign = negative or part.sign == "-"',
        "the weight of `a - -2*b` is said to be -2",
        ("tests/lower/test_terms.py",),
    ),
    Mutant(
        "elaborate/roles.py",
        'if (wanted, role) == ("logits", "log_probs") and class_symbols(bound.signature, pattern):',
        'if wanted == "logits" and class_symbols(bound.signature, pattern):',
        "probabilities pass for logits",
        ("tests/elaborate/test_roles.py", "tests/elaborate/test_language.py"),
    ),
    Mutant(
        "elaborate/domains.py",
        'closing = "]" if positions.closed else ")"',
        'closing = "]"',
        "the label K passes for one of K classes",
        ("tests/elaborate/test_domains.py", "tests/elaborate/test_language.py"),
    ),
    Mutant(
        "analyze/combine.py",
        "if WHOLE in states or (carried and ENDED in states):",
        "if WHOLE in states:",
        "what compares examples with their mean passes for split over micro-batches",
        ("tests/analyze/test_combine.py",),
    ),
    Mutant(
        "analyze/combine.py",
        "else batch - sum(1 for axis in axes if axis < batch)",
        "else batch",
        "the batch stays where it was when an axis before it is reduced",
        ("tests/analyze/test_combine.py",),
    ),
    Mutant(
        "analyze/lints.py",
        "if not isinstance(axes, tuple) or at in axes]",
        "if not isinstance(axes, tuple)]",
        "a reduction along an axis that reads what the mask leaves out is not seen",
        ("tests/elaborate/test_language.py",),
    ),
    # Core
    Mutant(
        "core/graph.py",
        'key = ("apply", id(function), undecided, tuple(map(id, operands)), identities)',
        'key = ("apply", id(function), undecided, tuple(map(id, operands)), len(identities))',
        "two reductions of one array along different axes are one",
        ("tests/elaborate/test_language.py",),
    ),
    # Selectors
    Mutant(
        "selectors/match.py",
        "any(low <= character <= high for low, high in ranges)",
        "any(low <= character < high for low, high in ranges)",
        "`[0-9]` does not match 9",
        ("tests/selectors/test_selectors.py",),
        "not random",
    ),
    Mutant(
        "selectors/automaton.py",
        "start = 1 | (runs & 1) << 1",
        "start = 1",
        "`**/kernel` does not match a `kernel` at the top",
        ("tests/selectors/test_selectors.py",),
        "not random",
    ),
    # Specs in files
    Mutant(
        "spec/yaml.py",
        "if key in target:",
        "if key in target and isinstance(key, Opaque):",
        "of a key that is given twice the last value counts",
        ("tests/spec/test_spec.py",),
    ),
    Mutant(
        "spec/align.py",
        'width = 2 if quote == "\'" and raw.startswith("\'\'", at) else 1',
        "width = 1",
        "behind a doubled quote every place in a YAML file is one too early",
        ("tests/spec/test_spec.py",),
    ),
    # Formulas
    Mutant(
        "formula/notation.py",
        '"expm1": _elementwise(lambda x: summed([(False, exponential(x)), (True, ONE)])),',
        '"expm1": _elementwise(lambda x: summed([(False, exponential(x)), (False, ONE)])),',
        "the formula of `expm1(x)` is e^x + 1",
        ("tests/formula/test_formula.py",),
        "has_the_value",
    ),
    Mutant(
        "formula/latex.py",
        r'">=": r"\geq"',
        r'">=": r"\leq"',
        "a relation is typeset the other way round",
        ("tests/formula/test_formula.py",),
        "parentheses_are_those",
    ),
    # Diagnostics
    Mutant(
        "diagnostics/snippet.py",
        "shown.append(text)\n        at.append(at[-1] + sum(map(_width, text)))",
        "shown.append(text)\n        at.append(at[-1] + len(text))",
        "what stands behind a wide character is underlined too early",
        ("tests/diagnostics/test_diagnostics.py",),
    ),
    Mutant(
        "diagnostics/diagnostic.py",
        "            if label.primary:",
        "            if not label.primary:",
        "a finding is said to be where its second label is",
        ("tests/diagnostics/test_diagnostics.py", "tests/diagnostics/test_bad_input.py"),
    ),
    Mutant(
        "source.py",
        "return line + 1, offset - self._starts[line] + 1",
        "return line + 1, offset - self._starts[line]",
        "columns count from 0",
        ("tests/diagnostics/test_diagnostics.py",),
    ),
)
