"""`python -m mutants`: how many mistakes in right specs `lossdsl.check` finds, by kind of mistake.

    PYTHONPATH=tests:benchmarks python -m mutants
    PYTHONPATH=tests:benchmarks python -m mutants --missed --only "minus lost"
    PYTHONPATH=tests:benchmarks python -m mutants --alarms

A mutant is a right spec with one mistake that changes its value or gradient on random inputs; it
is found if `check` says something new of it. Alarms are what is said of the right specs.
"""

from __future__ import annotations

import argparse
import difflib
from collections import Counter
from collections.abc import Iterator, Sequence

from mutants.measure import MOST, Mutant, alarms, measured, original
from mutants.operators import OPERATORS, Operator
from mutants.specs import rights

ALARMED = ("beside a mistake", "published", "functions", "signatures")


def _difference(mutant: Mutant) -> Iterator[str]:
    right, wrong = mutant.right.text.splitlines(), mutant.text.splitlines()
    for line in difflib.unified_diff(right, wrong, n=0, lineterm=""):
        if not line.startswith(("---", "+++", "@@")):
            yield f"    {line}"


def _print_alarms() -> None:
    for kind in ALARMED:
        specs, told = alarms(kind)
        print(f"{kind}: {len(told)} of {specs} right specs, {len(told) / specs:.1%}")
        for right, found in told:
            print(f"  {right.name}")
            for one in found:
                print(f"    [{one.code}] {one.message}")


def _print_table(operators: Sequence[Operator], most: int, missed: bool) -> None:
    kinds = Counter(right.kind for right in rights() if original(right) is not None)
    print(", ".join(f"{number} {kind}" for kind, number in kinds.items()))
    print(f"{'operator':30} mutants  found  share")
    every: list[Mutant] = []
    for operator, made in measured(rights(), operators, most):
        every += made
        _print_row(operator.name, made)
        for one in made if missed else ():
            if not one.codes:
                print(f"  {one.right.kind}: {one.right.name}", *_difference(one), sep="\n")
    for kind in kinds:
        _print_row(f"in {kind}", [one for one in every if one.right.kind == kind])
    _print_row("all", every)


def _print_row(name: str, made: list[Mutant]) -> None:
    found = sum(bool(one.codes) for one in made)
    share = found / max(len(made), 1)
    print(f"{name:30} {len(made):7} {found:6} {share:6.1%}", flush=True)


def main() -> None:
    """Print what the arguments ask for."""
    parser = argparse.ArgumentParser(prog="mutants", description=__doc__)
    parser.add_argument("--only", default="", metavar="TEXT", help="operators that have this")
    parser.add_argument("--most", type=int, default=MOST, help="mutants of an operator")
    parser.add_argument("--missed", action="store_true", help="print those that are not found")
    parser.add_argument("--alarms", action="store_true", help="print what right specs are told")
    given = parser.parse_args()
    operators = [operator for operator in OPERATORS if given.only in operator.name]
    if not operators:
        parser.error(f"no operator has `{given.only}`")
    if given.alarms:
        _print_alarms()
    else:
        _print_table(operators, given.most, given.missed)


if __name__ == "__main__":
    main()
