"""`python -m soak --minutes 40`: run every property in turn, and say how many programs it ran."""

from __future__ import annotations

import argparse
import sys
import time

from soak.run import report, run


def main() -> int:
    """Run until the time is over; the exit status is 1 if a property did not hold."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--only", help="one property")
    given = parser.parse_args()
    until = time.monotonic() + 60 * given.minutes
    tallies = run(lambda _: time.monotonic() < until, given.seed, given.only)
    print(report(tallies))
    return 1 if any(tally.faults for tally in tallies.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
