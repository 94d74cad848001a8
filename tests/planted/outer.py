"""Faults of what is built on losses: learning rules, other packages' interfaces, commands."""

from __future__ import annotations

from planted.run import Mutant

OUTER = (
    # Learning rules
    Mutant(
        "learning/equilibrium.py",
        'width = 2 * beta if self.phases == "centered" else beta',
        "width = beta",
        "the centered estimate of equilibrium propagation is twice the gradient",
        ("tests/learning/test_learning_equilibrium.py",),
        "falls_with_beta",
    ),
    Mutant(
        "learning/predictive.py",
        'beliefs = descend(lambda at: state(at).slope, beliefs, eta, steps - (errors == "before"))',
        "beliefs = descend(lambda at: state(at).slope, beliefs, eta, steps)",
        "predictive coding settles for one step too many",
        ("tests/learning/test_learning_goldens.py",),
    ),
    Mutant(
        "learning/output_errors.py",
        "least = jnp.min(jnp.where(counts == 0, jnp.inf, counts))",
        "least = jnp.max(counts)",
        "of means that divide by several counts the largest is taken",
        ("tests/learning/test_learning_counts.py",),
    ),
    # The interfaces of other packages
    Mutant(
        "compat/rockpool.py",
        "present = {name: bound for name, bound in bounds.items() if bound is not None}",
        "present = {name: bound for name, bound in bounds.items() if bound}",
        "a bound of 0 is left out",
        ("tests/compat/test_compat.py", "tests/compat/test_goldens.py"),
    ),
    Mutant(
        "compat/spyx.py",
        'options = f"time_axis={time_axis}, smoothing=smoothing"',
        'options = f"time_axis={time_axis}, smoothing=1 - smoothing"',
        "smoothing is taken for what is left of the label",
        ("tests/compat/test_goldens.py",),
        "package_agrees",
    ),
    Mutant(
        "compat/neurai/autograd.py",
        "dt=dt,\n            tau=tau,",
        "dt=tau,\n            tau=dt,",
        "the step of equilibrium propagation is tau/dt",
        ("tests/compat/test_compat_neurai.py",),
    ),
    # The command line, and what is asked of functions of users
    Mutant(
        "cli/output.py",
        'codes = [diagnostic.code for diagnostic in diagnostics if diagnostic.severity == "error"]',
        "codes = [diagnostic.code for diagnostic in diagnostics]",
        "a warning ends `lossdsl check` as an error does",
        ("tests/cli/test_cli.py",),
        "test_command",
    ),
    Mutant(
        "testing/law_tests.py",
        '"odd": lambda t: _equal(_negated(t), [-array for array in t.at()]),',
        '"odd": lambda t: _equal(_negated(t), t.at()),',
        "a function that is even passes for odd",
        ("tests/library/test_library.py",),
        "test_laws",
    ),
    # What a loop asks of a loss, and losses written as files
    Mutant(
        "training/parts.py",
        "jnp.where(weight == 0, 0, mean) * weight",
        "jnp.where(weight == 0, 0, mean)",
        "micro-batches of different counts weigh the same",
        ("tests/training/test_micro_batches.py",),
        "tokens or whole",
    ),
    Mutant(
        "standalone/module_text.py",
        'names.setdefault(weighted, f"weighted_{_identifier(word)}")',
        "names.setdefault(weighted, _identifier(word))",
        "a weighted term of a file has the name of the raw one",
        ("tests/standalone/test_emit.py",),
        "says",
    ),
    Mutant(
        "training/balance_rules.py",
        "total = sum(jnp.sum(jnp.abs(leaf)) for leaf in leaves)",
        "total = jnp.abs(sum(jnp.sum(leaf) for leaf in leaves))",
        "derivatives of both signs cancel in the mean of their magnitudes",
        ("tests/training/test_balance.py",),
    ),
)
