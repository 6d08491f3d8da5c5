"""Levels 2 to 4 of a program, out of tallies: which skills moved, and by how much a metric did."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from statistics import fmean
from typing import Final, Literal, NamedTuple
from uuid import UUID

import numpy as np

from services.reporting.trends.buckets import last_day
from services.reporting.trends.roi import Effect
from services.reporting.trends.roi_effects import Change, Estimate, change_of, estimate
from services.reporting.trends.roi_sides import (
    AFTER,
    BEFORE,
    COMPARISON,
    TREATED,
    Flags,
    Piece,
    Sample,
    Tally,
    Windows,
    sample_of,
    settle,
    side_of,
    sides_of_atoms,
    turnover,
    usable,
)
from services.reporting.trends.roi_tally import Spot, pieces_of
from services.reporting.trends.roi_words import Place, level_sentence
from services.reporting.trends.stats.effects import Dated, trend_line_gap
from services.reporting.trends.stats.multiple import benjamini_hochberg
from services.reporting.trends.words import STANDARD, SkillWords
from shared.contracts.reports.roi import (
    EffectInterval,
    Isolation,
    SkillChange,
    SkillLevel,
    Suppressed,
)

MAX_P: Final = 0.05
"""Largest corrected p of a proven improvement."""

MAX_TURNOVER: Final = 1 / 3
"""Largest share of people on one side only: above it, other people may be the change."""

MIN_ANSWERS: Final = 10
"""Least answers or contacts on each side of a metric of surveys or calls."""

_WEEK_DAYS: Final = 7


class Plan(NamedTuple):
    """What is compared and how."""

    windows: Windows
    isolation: Isolation
    min_people: int
    open_from: date
    """First cut week that is not over yet."""


class Found(NamedTuple):
    """What one skill or metric shows."""

    treated: Change
    comparison: Change | None
    effect: Estimate
    isolation: Isolation
    """What was possible: `estimate` where there is nothing to compare with."""


class Volume(NamedTuple):
    """How much was done."""

    people: int
    n: int
    total: float


class Scene:
    """A tally with everything that all its keys have in common."""

    def __init__(self, tally: Tally, spots: Sequence[Spot], plan: Plan) -> None:
        pieces = pieces_of(tally, spots, min_people=plan.min_people, open_from=plan.open_from)
        self._tally, self._spots, self._plan = tally, spots, plan
        self._pieces = usable(tally, pieces, atoms=len(spots), min_people=plan.min_people)
        self._sides = sides_of_atoms(self._pieces, plan.windows, atoms=len(spots))
        self._keys = np.array([spot.key for spot in spots], np.str_)

    @property
    def keys(self) -> tuple[str, ...]:
        """Everything that treated people did, shown or not, sorted."""
        treated = np.unique(self._tally.atom[self._tally.cohort == TREATED])
        return tuple(np.unique(self._keys[treated]).tolist()) if len(treated) else ()

    def volume(self, key: str) -> Volume | None:
        """Return what treated people did from the program's first day to the follow-up's last."""
        windows = self._plan.windows
        atoms = self._atoms(
            [
                each
                for each in self._pieces
                if each.key == key
                and windows.baseline_to < each.first
                and last_day(each.last) <= windows.follow_up_to
            ]
        )
        chosen = atoms[self._tally.atom] & (self._tally.cohort == TREATED)
        people = len(np.unique(self._tally.person[chosen]))
        if people < self._plan.min_people:
            return None
        return Volume(
            people, int(self._tally.n[chosen].sum()), float(self._tally.total[chosen].sum())
        )

    def answers(self, key: str) -> int:
        """Return how much the smaller side of the treated people counts."""
        chosen = (self._keys == key)[self._tally.atom] & (self._tally.cohort == TREATED)
        side = self._sides[self._tally.atom]
        return min(int(self._tally.n[chosen & (side == each)].sum()) for each in (BEFORE, AFTER))

    def find(self, key: str) -> Found | None:
        """Return what one key shows; None where too few people did it on both sides."""
        treated = self._settled(key, TREATED)
        if treated is None:
            return None
        change, isolation = change_of(treated), self._plan.isolation
        if isolation == "comparison":
            other = self._settled(key, COMPARISON)
            if other is not None and _is_stable(treated, other):
                comparison = change_of(other)
                return Found(change, comparison, estimate(change, comparison), "comparison")
        if isolation == "trend_line" and _is_stable(treated):
            gap = self._gap(key)
            if gap is not None:
                return Found(change, None, gap, "trend_line")
        return Found(change, None, estimate(change), "estimate")

    def _settled(self, key: str, cohort: int) -> Sample | None:
        sample = sample_of(self._tally, self._sides, self._keys == key, cohort)
        return settle(sample, self._plan.min_people)

    def _gap(self, key: str) -> Estimate | None:
        """Return how far the follow-up lies over the line of the baseline; points are blocks.

        Each block is taken relative to its team's own baseline, so that it does not matter which
        team has how many blocks when.
        """
        points: dict[int, list[Dated]] = {BEFORE: [], AFTER: []}
        levels: dict[UUID, float] = {}
        for side in (BEFORE, AFTER):
            for team, blocks in self._means(key, side).items():
                if side == BEFORE:
                    levels[team] = fmean(mean for _, mean in blocks)
                if team in levels:
                    points[side].extend(Dated(at, mean - levels[team]) for at, mean in blocks)
        gap = trend_line_gap(points[BEFORE], points[AFTER])
        return None if gap is None else Estimate(gap.value, gap.low, gap.high, gap.p)

    def _means(self, key: str, side: int) -> dict[UUID, list[tuple[float, float]]]:
        """Return per team its blocks on one side: week of the baseline, mean over people."""
        found: dict[UUID, list[tuple[float, float]]] = defaultdict(list)
        windows = self._plan.windows
        for piece in self._pieces:
            if piece.key != key or side_of(piece, windows) != side:
                continue
            chosen = self._atoms([piece])[self._tally.atom] & (self._tally.cohort == TREATED)
            if chosen.any():
                person = self._tally.person[chosen]
                n = np.bincount(person, weights=self._tally.n[chosen])
                total = np.bincount(person, weights=self._tally.total[chosen])
                week = (piece.first - windows.baseline_from).days / _WEEK_DAYS
                mean = float((total[n > 0] / n[n > 0]).mean())
                found[self._spots[piece.atoms[0]].team].append((week, mean))
        return found

    def _atoms(self, pieces: Sequence[Piece]) -> Flags:
        flags = np.zeros(len(self._spots), np.bool_)
        flags[[atom for piece in pieces for atom in piece.atoms]] = True
        return flags


def skill_level(scene: Scene, place: Place, words: SkillWords = STANDARD) -> SkillLevel:
    """Return level 2 or 3 of a tally whose keys are skills."""
    found = {key: scene.find(key) for key in scene.keys}
    shown = {key: each for key, each in found.items() if each is not None}
    adjusted = benjamini_hochberg(np.array([each.effect.p for each in shown.values()]))
    skills = tuple(
        _skill(key, each, float(p)) for (key, each), p in zip(shown.items(), adjusted, strict=True)
    )
    level = SkillLevel(
        basis="measured" if shown else "not_measured",
        isolation=_weakest([each.isolation for each in shown.values()]),
        skills=skills,
        suppressed=tuple(
            Suppressed(key=key, reason="too_few_people") for key in found if key not in shown
        ),
        sentence="",
    )
    return SkillLevel(
        basis=level.basis,
        isolation=level.isolation,
        skills=level.skills,
        suppressed=level.suppressed,
        sentence=level_sentence(place, level, words),
    )


def metric_effect(scene: Scene, key: str, *, min_answers: int = MIN_ANSWERS) -> Effect | None:
    """Return the effect on a metric of the tally; None where it could not be measured."""
    found = scene.find(key)
    if found is None or scene.answers(key) < min_answers:
        return None
    return Effect(
        before=found.treated.before,
        after=found.treated.after,
        effect=found.effect.value,
        interval=EffectInterval(low=found.effect.low, high=found.effect.high),
        isolation=found.isolation,
    )


def _skill(key: str, found: Found, adjusted: float) -> SkillChange:
    effect, other = found.effect, found.comparison
    return SkillChange(
        skill=key,
        treated_people=found.treated.people,
        treated_change=round(found.treated.value, 1),
        comparison_people=None if other is None else other.people,
        comparison_change=None if other is None else round(other.value, 1),
        effect=round(effect.value, 1),
        interval=EffectInterval(low=round(effect.low, 1), high=round(effect.high, 1)),
        p=round(effect.p, 4),
        p_adjusted=round(adjusted, 4),
        is_proven=found.isolation != "estimate" and effect.low > 0 and adjusted <= MAX_P,
    )


def _is_stable(*samples: Sample) -> bool:
    return all(turnover(sample) <= MAX_TURNOVER for sample in samples)


def _weakest(used: Sequence[Isolation]) -> Isolation | None:
    order: tuple[Literal["estimate", "trend_line", "comparison"], ...] = (
        "estimate", "trend_line", "comparison",
    )  # fmt: skip
    return next((each for each in order if each in used), None)
