"""Every property in turn, each program from a seed of its own."""

from __future__ import annotations

import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import jax

from soak.hostile import arguments, files, texts
from soak.identities import (
    declared_or_not,
    jitted_is_eager,
    mapped_is_looped,
    masked_is_subset,
    parts_combine,
    spellings_are_one,
)
from soak.properties import Fault, Skip, gradient, value_and_terms
from soak.written import rewritten_is_written

Property = Callable[[Random], None]

PROPERTIES: dict[str, Property] = {
    one.__name__: one
    for one in (
        value_and_terms, gradient, masked_is_subset, parts_combine, mapped_is_looped,
        jitted_is_eager, spellings_are_one, declared_or_not, rewritten_is_written, arguments, texts,
        files,
    )
}  # fmt: skip

# A compiled program stays in memory until it is dropped.
DROP_EVERY = 200


@dataclass
class Tally:
    """How many programs of a property ran, were left out and why, and what did not hold."""

    ran: int = 0
    skipped: Counter[str] = field(default_factory=Counter[str])
    faults: list[str] = field(default_factory=list[str])


def attempt(name: str, seed: int) -> str | None:
    """Run a property at a seed; return why it says nothing, or None. Raises `Fault`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            PROPERTIES[name](Random(f"{name} {seed}"))
        except Skip as reason:
            return str(reason)
        except Fault:
            raise
        except Exception:
            raise Fault(traceback.format_exc(limit=-6)) from None
    return None


def run(more: Callable[[int], bool], first: int = 0, only: str | None = None) -> dict[str, Tally]:
    """Run every property at one seed after the other while `more(seed)` holds."""
    names = [only] if only else list(PROPERTIES)
    tallies = {name: Tally() for name in names}
    seed = first
    while more(seed):
        for name in names:
            try:
                reason = attempt(name, seed)
            except Fault as fault:
                tallies[name].faults.append(f"{name}, seed {seed}\n{fault}")
                print(tallies[name].faults[-1], flush=True)
                continue
            if reason is None:
                tallies[name].ran += 1
            else:
                tallies[name].skipped[reason] += 1
        seed += 1
        if seed % DROP_EVERY == 0:
            jax.clear_caches()
    return tallies


def report(tallies: dict[str, Tally]) -> str:
    """Return a table: programs by property, with those left out and why."""
    lines = [f"{'property':20}{'programs':>9}{'left out':>9}{'failures':>9}  left out because"]
    for name, tally in tallies.items():
        why = ", ".join(f"{reason} {count}" for reason, count in tally.skipped.most_common())
        left = sum(tally.skipped.values())
        lines.append(f"{name:20}{tally.ran:9}{left:9}{len(tally.faults):9}  {why}".rstrip())
    total = sum(tally.ran for tally in tallies.values())
    failures = sum(len(tally.faults) for tally in tallies.values())
    return "\n".join([*lines, f"{'in all':20}{total:9}{'':9}{failures:9}".rstrip()])
