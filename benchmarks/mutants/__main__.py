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
from collections.abc import Iterator

from mutants.measure import MOST, Mutant, alarms, measured, original
from mutants.operators import OPERATORS
from mutants.specs import rights

ALARMED = ("beside a mistake", "published", "functions", "signatures")


def _difference(mutant: Mutant) -> Iterator[str]:
    lines = (text.splitlines() for text in (mutant.right.text, mutant.text))
    for line in difflib.unified_diff(*lines, n=0, lineterm=""):
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


def _print_table(only: str, most: int, missed: bool) -> None:
    kinds = Counter(right.kind for right in rights() if original(right) is not None)
    print(", ".join(f"{number} {kind}" for kind, number in kinds.items()))
    print(f"{'operator':30} mutants  found  share")
    total = found = 0
    for operator, made in measured(rights(), most):
        if only not in operator.name:
            continue
        told = [one for one in made if one.codes]
        total, found = total + len(made), found + len(told)
        share = len(told) / max(len(made), 1)
        print(f"{operator.name:30} {len(made):7} {len(told):6} {share:6.0%}", flush=True)
        for one in made if missed else ():
            if not one.codes:
                print(f"  {one.right.kind}: {one.right.name}", *_difference(one), sep="\n")
    print(f"{'all':30} {total:7} {found:6} {found / max(total, 1):6.1%}")


def main() -> None:
    """Print what the arguments ask for."""
    parser = argparse.ArgumentParser(prog="mutants", description=__doc__)
    parser.add_argument("--only", default="", metavar="TEXT", help="operators that have this")
    parser.add_argument("--most", type=int, default=MOST, help="mutants of an operator")
    parser.add_argument("--missed", action="store_true", help="print those that are not found")
    parser.add_argument("--alarms", action="store_true", help="print what right specs are told")
    given = parser.parse_args()
    if not any(given.only in operator.name for operator in OPERATORS):
        parser.error(f"no operator has `{given.only}`")
    if given.alarms:
        _print_alarms()
    else:
        _print_table(given.only, given.most, given.missed)


if __name__ == "__main__":
    main()
