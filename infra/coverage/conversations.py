"""Conversations of known quality: every scenario with every scripted learner, several times."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Literal

from services.scoring_worker.judging.judge import judge
from services.sim_worker.engine.learners import PROFILES, next_line
from services.sim_worker.engine.playing import NextLine, Trace, play
from shared.contracts.base import Record
from shared.contracts.scenario import ScenarioSpec
from shared.contracts.scoring import (
    Interval,
    JudgeResult,
    SkillScore,
    SkillStatus,
    Transcript,
    TranscriptTurn,
)
from shared.contracts.simulation import Line, PersonaState
from shared.intake.taking import clean_turns
from shared.library import load_scenarios
from shared.library.rubrics import load_rubrics

BLEND = "skilled+average"
"""A learner who is both, line by line in turn: many of its totals lie near the pass mark."""

LEARNERS = (*PROFILES, BLEND)
"""The scripted learners, and the blend."""


ROLES: tuple[Literal["customer"], Literal["agent"]] = ("customer", "agent")
"""Who speaks in even and in odd turns; the customer begins."""


class SkillAnswer(Record, frozen=True, kw_only=True):
    """What the judge said about one skill."""

    skill: str
    status: SkillStatus
    score: int | None
    confidence: int


class Sample(Record, frozen=True, kw_only=True):
    """What the judge said about one conversation."""

    scenario: str
    profile: str
    seed: int
    target: int
    overall: int | None
    interval: Interval | None
    confidence: int
    passed: bool | None
    """None: the judge leaves it to a person."""
    needs_review: tuple[str, ...]
    skills: tuple[SkillAnswer, ...]

    @property
    def kind(self) -> tuple[str, str]:
        """The scenario and the learner; conversations of one kind differ by their seed alone."""
        return self.scenario, self.profile


def play_library(
    seeds: Iterable[int], *, workers: int, profiles: Iterable[str] = LEARNERS
) -> list[Sample]:
    """Return every scenario x profile x seed, in this order, however many processes played."""
    work = partial(_play_scenario, profiles=tuple(profiles), seeds=tuple(seeds))
    slugs = [scenario.slug for scenario in load_scenarios()]
    if workers == 1:
        return [sample for slug in slugs for sample in work(slug)]
    with ProcessPoolExecutor(workers) as pool:
        return [sample for samples in pool.map(work, slugs) for sample in samples]


def _play_scenario(slug: str, profiles: tuple[str, ...], seeds: tuple[int, ...]) -> list[Sample]:
    scenario = next(each for each in load_scenarios() if each.slug == slug)
    return list(play_scenario(scenario, profiles=profiles, seeds=seeds))


def play_scenario(
    scenario: ScenarioSpec, *, profiles: Iterable[str], seeds: tuple[int, ...]
) -> Iterator[Sample]:
    """Yield the conversations of a scenario, judged by its rubric."""
    rubric = next(each for each in load_rubrics() if each.slug == scenario.rubric)
    for profile in profiles:
        for seed in seeds:
            transcript = _transcript(play(scenario, _learner(profile, scenario, seed), seed=seed))
            result = judge(transcript, rubric, required_steps=scenario.steps)
            yield _sample(scenario.slug, profile, seed, rubric.target, result)


def _learner(profile: str, scenario: ScenarioSpec, seed: int) -> NextLine:
    """Return a scripted learner; of several, joined by `+`, each line is the next one's."""
    parts = profile.split("+")

    def line(state: PersonaState, lines: Sequence[Line]) -> str | None:
        part = parts[(seed + len(lines) // 2) % len(parts)]
        return next_line(part, scenario, state, lines, seed=seed)

    return line


def _transcript(trace: Trace) -> Transcript:
    """Return the conversation as a scoring of it would read it."""
    turns = (
        TranscriptTurn(id=f"t{seq}", role=ROLES[seq % 2], text=line.text)
        for seq, line in enumerate(trace.lines())
    )
    return Transcript(turns=clean_turns(tuple(turns))[0], source="simulation")


def _sample(scenario: str, profile: str, seed: int, target: int, result: JudgeResult) -> Sample:
    return Sample(
        scenario=scenario,
        profile=profile,
        seed=seed,
        target=target,
        overall=result.overall,
        interval=result.interval,
        confidence=result.confidence,
        passed=None if result.form is None else result.form.passed,
        needs_review=result.needs_review,
        skills=tuple(_answer(skill) for skill in result.skills),
    )


def _answer(skill: SkillScore) -> SkillAnswer:
    return SkillAnswer(
        skill=skill.skill, status=skill.status, score=skill.score, confidence=skill.confidence
    )
