"""`python -m planted`: plant each fault in a copy of the checkout; the tests must find it."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from planted.faults import FAULTS
from planted.run import Outcome, copied, hold_import, tried

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Plant and print; the exit status is 1 if a fault was not found by a failing test."""
    parser = argparse.ArgumentParser(prog="planted", description=__doc__)
    parser.add_argument("--only", default="", metavar="TEXT", help="rows whose text has this")
    parser.add_argument("--list", action="store_true", help="print the rows and plant nothing")
    given = parser.parse_args()
    chosen = [one for one in FAULTS if given.only in f"{one.file} {one.wrong} {one.tests}"]
    if not chosen:
        parser.error(f"no row has `{given.only}`")
    if given.list:
        for one in chosen:
            print(f"{one.file}: {one.wrong}  [{' '.join(one.tests)}]")
        return 0
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        copy = copied(ROOT, Path(folder) / "checkout")
        print(f"planting in {hold_import(copy)}", flush=True)
        for one in chosen:
            outcomes.append(tried(one, ROOT, copy))
            print(outcomes[-1], flush=True)
    missed = [one for one in outcomes if not one.is_found]
    seconds = sum(one.seconds for one in outcomes)
    print(f"{len(outcomes) - len(missed)} of {len(outcomes)} faults found, in {seconds:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
