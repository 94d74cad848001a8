"""What is legal and most likely wrong: a lint a file, each over a right program."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from lossdsl.analyze.lints.advantages import advantage_trained
from lossdsl.analyze.lints.branches import unlike_branches
from lossdsl.analyze.lints.by_hand import by_hand
from lossdsl.analyze.lints.cancelled_shifts import shift_cancels
from lossdsl.analyze.lints.clamped import is_constant
from lossdsl.analyze.lints.counted_masks import counted_mask
from lossdsl.analyze.lints.directions import against_direction
from lossdsl.analyze.lints.duplicates import duplicate
from lossdsl.analyze.lints.exclusions import only_biases_left_out
from lossdsl.analyze.lints.expectations import averaged_expectation
from lossdsl.analyze.lints.factors import counted_twice, zero_factor
from lossdsl.analyze.lints.finite import reaches_infinity
from lossdsl.analyze.lints.free_scales import scale_falls
from lossdsl.analyze.lints.gradients import trains_nothing
from lossdsl.analyze.lints.growth import grows_alone
from lossdsl.analyze.lints.ignored_kept import ignored_kept
from lossdsl.analyze.lints.integers import integers_wrap
from lossdsl.analyze.lints.jumps import jumps
from lossdsl.analyze.lints.masked_means import masked_mean
from lossdsl.analyze.lints.masked_values import masks_nothing
from lossdsl.analyze.lints.mixed_parts import mixed_parts
from lossdsl.analyze.lints.nan_times_zero import nan_times_zero
from lossdsl.analyze.lints.near_misses import near_miss
from lossdsl.analyze.lints.other_axis import (
    other_axis,
    over_examples,
    over_the_batch,
    picked_along_other,
)
from lossdsl.analyze.lints.outer_sums import outer_summed
from lossdsl.analyze.lints.positions_compared import position_compared
from lossdsl.analyze.lints.same_number import same_number
from lossdsl.analyze.lints.shifts import shifted_apart, unshifted
from lossdsl.analyze.lints.spaces import other_space
from lossdsl.analyze.lints.subject import Subject as Subject
from lossdsl.analyze.lints.temperatures import other_temperature
from lossdsl.analyze.lints.totals import mean_of_total
from lossdsl.analyze.lints.unbounded import falls_without_end
from lossdsl.analyze.lints.unit_vectors import other_unit_axis
from lossdsl.analyze.lints.unmasked_reads import mask_stops
from lossdsl.analyze.lints.unmasked_terms import unmasked_metric, unmasked_term
from lossdsl.analyze.lints.unread_inputs import unread
from lossdsl.diagnostics.diagnostic import Diagnostic
from lossdsl.source import Span

LINTS: tuple[Callable[[Subject], Iterator[Diagnostic]], ...] = (
    mask_stops,
    integers_wrap,
    by_hand,
    other_space,
    other_axis,
    over_the_batch,
    picked_along_other,
    over_examples,
    other_unit_axis,
    shifted_apart,
    unshifted,
    advantage_trained,
    duplicate,
    zero_factor,
    counted_twice,
    masks_nothing,
    nan_times_zero,
    ignored_kept,
    same_number,
    outer_summed,
    near_miss,
    jumps,
    shift_cancels,
    other_temperature,
    mixed_parts,
    scale_falls,
    unlike_branches,
    trains_nothing,
    position_compared,
    falls_without_end,
    against_direction,
    is_constant,
    mean_of_total,
    masked_mean,
    unmasked_term,
    unmasked_metric,
    counted_mask,
    averaged_expectation,
    grows_alone,
    only_biases_left_out,
    reaches_infinity,
    unread,
)


def lints(subject: Subject, known: Sequence[Diagnostic] = ()) -> Iterator[Diagnostic]:
    """Yield every lint of a program, one for each mistake, of which some may be known already."""
    told = list(known)
    for diagnostic in (diagnostic for lint in LINTS for diagnostic in lint(subject)):
        if not any(_tells(before, diagnostic) for before in told):
            told.append(diagnostic)
            yield diagnostic


# What is told of a place tells what is inside of it: where an idiom is infinite, what is summed.
_SAME_MISTAKE = (
    ("LD440", "LD452"),
    ("LD401", "LD420"),
    ("LD416", "LD446"),
    ("LD419", "LD419"),
    ("LD421", "LD420"),
    ("LD428", "LD419"),
)

# What is told of a part is told of the whole: of an argument, of the call that reads it.
_SAME_INSIDE = (
    ("LD425", "LD438"),
    ("LD410", "LD410"),
    ("LD410", "LD440"),
    ("LD440", "LD421"),
    ("LD412", "LD412"),
    ("LD447", "LD436"),
)


def _tells(before: Diagnostic, diagnostic: Diagnostic) -> bool:
    if (before.code, diagnostic.code) in _SAME_INSIDE:
        return _holds(place(diagnostic), place(before))
    same = (before.code, diagnostic.code) in _SAME_MISTAKE
    return same and _holds(place(before), place(diagnostic))


def place(diagnostic: Diagnostic) -> Span:
    """Return where a lint points."""
    return next(label.span for label in diagnostic.labels if label.primary)


def _holds(outer: Span, inner: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end
