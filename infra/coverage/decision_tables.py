"""Tables about decisions: coverage, risk, repeats; the curve; other bands and other pass marks."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from infra.coverage.conversations import Sample
from infra.coverage.curve import STEPS, Curve, chance, ideal, ordered
from infra.coverage.decisions import (
    Decided,
    Repeats,
    as_judged,
    at_target,
    count,
    pool_counts,
    pool_repeats,
    repeats,
    share,
    smallest_band,
    with_band,
)
from infra.coverage.percent import percent
from infra.coverage.truth import Judged, contested, judged
from services.scoring_worker.judging.version import ENGINE_VERSION
from shared.library.markdown import table

AIM = Fraction(99, 100)
"""Share of repeated decisions outside the band that must be the same."""

BANDS = tuple(Fraction(each, 4) for each in range(9))
"""Factors of the intervals to compare; 1 is what the judge does."""

TARGETS = tuple(range(30, 100, 5))
"""Pass marks to try in place of the rubrics' own."""

WITHOUT_BAND = with_band(Fraction(0))
"""Never abstains where there is a total."""


def decisions_table(samples: Sequence[Sample], found: Sequence[Judged]) -> str:
    """Return the decisions at the rubrics' own pass marks, with and without abstention."""
    near = contested(samples)
    least = smallest_band(samples, AIM)
    rows = [
        ("Engine", ENGINE_VERSION, ENGINE_VERSION),
        ("Conversations", str(len(samples)), str(len(samples))),
        ("... with a total", str(len(found)), str(len(found))),
        *_decision_rows(samples, found),
        *(
            (f"Near the mark: {name}", *cells)
            for name, *cells in _decision_rows(near, judged(near))
        ),
        ("Interval holds the mean of the others", _inside(found), ""),
        (f"Least factor of the band for {percent(float(AIM))} agreement", _factor(least), ""),
    ]
    return table(("", "As judged", "If it never abstained"), rows)


def _decision_rows(samples: Sequence[Sample], found: Sequence[Judged]) -> Iterator[tuple[str, ...]]:
    ways = [as_judged, WITHOUT_BAND]
    made = [count(found, way) for way in ways]
    again = [repeats(samples, way) for way in ways]
    yield ("coverage", *(percent(each.coverage) for each in made))
    yield ("risk", *(f"{percent(each.risk)} ({each.wrong} of {each.decided})" for each in made))
    yield (
        "same decision twice",
        *(f"{percent(each.agreement)} ({each.same} of {each.couples})" for each in again),
    )
    yield ("kinds with both decisions", *(f"{each.split_kinds} of {each.kinds}" for each in again))


def _inside(found: Sequence[Judged]) -> str:
    inside = sum(each.interval.low <= each.others <= each.interval.high for each in found)
    return percent(share(inside, len(found)))


def _factor(factor: Fraction | None) -> str:
    return "none up to 3" if factor is None else f"{float(factor):g}"


def curve_table(found: Sequence[Judged]) -> str:
    """Return the risk at each coverage, for several orders, and the area under each curve."""
    orders: dict[str, Curve] = {
        "Distance of the interval from the target": ordered(found, lambda each: each.reach),
        "Confidence": ordered(found, lambda each: each.sample.confidence),
        "Ideal": ideal(found),
        "No order": chance(found),
    }
    head = ("Surest first by", *(f"{step} %" for step in STEPS), "Area")
    return table(
        head,
        (
            (name, *(percent(curve.at(step)) for step in STEPS), f"{curve.area:.4f}")
            for name, curve in orders.items()
        ),
    )


def bands_table(samples: Sequence[Sample], found: Sequence[Judged]) -> str:
    """Return what narrower and wider intervals would do to the decisions."""
    head = ("Intervals times", "Coverage", "Risk", "Same decision twice", "Of couples")
    return table(head, (_band_row(samples, found, factor) for factor in BANDS))


def _band_row(
    samples: Sequence[Sample], found: Sequence[Judged], factor: Fraction
) -> tuple[str, ...]:
    way = with_band(factor)
    made, again = count(found, way), repeats(samples, way)
    return (
        f"{float(factor):g}",
        percent(made.coverage),
        percent(made.risk),
        percent(again.agreement),
        str(again.couples),
    )


def targets_table(samples: Sequence[Sample]) -> str:
    """Return the same decisions under other pass marks, with and without abstention."""
    head = ("Pass mark", "Coverage", "Risk", "Same twice", "Of couples", *_NEVER)
    moved = [at_target(samples, target) for target in TARGETS]
    every = [_at(each) for each in moved]
    near = [_at(contested(each)) for each in moved]
    rows = [_target_row(str(target), [at]) for target, at in zip(TARGETS, every, strict=True)]
    rows.append(_target_row("all of these", every))
    rows.append(_target_row("all of these, near the mark only", near))
    return table(head, rows)


_NEVER = ("Risk if it never abstained", "Same twice if it never abstained")


class _At(NamedTuple):
    """The decisions at one pass mark."""

    made: Decided
    again: Repeats
    forced: Decided
    forced_again: Repeats


def _at(samples: Sequence[Sample]) -> _At:
    found = judged(samples)
    return _At(
        made=count(found),
        again=repeats(samples),
        forced=count(found, WITHOUT_BAND),
        forced_again=repeats(samples, WITHOUT_BAND),
    )


def _target_row(name: str, at: Sequence[_At]) -> tuple[str, ...]:
    made = pool_counts([each.made for each in at])
    again = pool_repeats([each.again for each in at])
    return (
        name,
        percent(made.coverage),
        percent(made.risk),
        percent(again.agreement),
        str(again.couples),
        percent(pool_counts([each.forced for each in at]).risk),
        percent(pool_repeats([each.forced_again for each in at]).agreement),
    )
