"""A conversation that was read: judged by the rules, and again with what a model says of it."""

from collections.abc import Callable
from functools import cached_property
from typing import Literal

from services.scoring_worker.judging import aggregate
from services.scoring_worker.judging.aggregate import Measured
from services.scoring_worker.judging.feedback.advice import advise
from services.scoring_worker.judging.feedback.practice import recommend
from services.scoring_worker.judging.measuring import Measurer
from services.scoring_worker.judging.metrics import measure
from services.scoring_worker.judging.model.adopting import Adopter, is_bare_no
from services.scoring_worker.judging.model.cascade import is_guarded, unsure
from services.scoring_worker.judging.model.checking import Checker
from services.scoring_worker.judging.model.comparing import Form, doubts
from services.scoring_worker.judging.model.opinions import Heard, opinions, record
from services.scoring_worker.judging.model.planning import Plan, plan
from services.scoring_worker.judging.model.prompt import is_too_long
from services.scoring_worker.judging.model.questions import questions
from services.scoring_worker.judging.provenance import provenance
from services.scoring_worker.judging.reading import Reading, read
from services.scoring_worker.judging.results import (
    Setting,
    criterion_result,
    not_asked,
    standard_skill,
)
from services.scoring_worker.judging.review import UNSUPPORTED_LANGUAGE, is_supported, needs_review
from services.scoring_worker.judging.version import ENGINE_VERSION
from shared.contracts.llm import Judging, WhyEmbedded
from shared.contracts.rubric import RubricSpec
from shared.contracts.scenario import Step
from shared.contracts.scoring import (
    CriterionResult,
    JudgeResult,
    ModelJudging,
    SkillScore,
    Transcript,
)
from shared.scorecard.conditions import is_enabled
from shared.scorecard.form import total
from shared.scorecard.skills import roots, skills

Change = Callable[[Measured], Measured]
"""Puts another answer in place of what was measured, or leaves it."""

Engine = Literal["embedded", "cascade", "model"]


class Hearing:
    """One transcript under one rubric; the same input gives the same bytes."""

    def __init__(
        self,
        transcript: Transcript,
        rubric: RubricSpec,
        *,
        required_steps: tuple[Step, ...] = (),
        flags: tuple[str, ...] = (),
    ) -> None:
        """Read the conversation; the arguments are those of `judge`."""
        self._transcript = transcript
        self._rubric = rubric
        self._reading = read(transcript)
        self._setting = Setting(
            transcript=transcript,
            agent_turns=len(self._reading.agent),
            is_supported=is_supported(transcript),
        )
        self._measurer = Measurer(transcript, self._reading, required_steps)
        self._flags = _flags(self._reading, self._setting, flags)

    def plan(self, mode: Judging, samples: int) -> Plan:
        """Say what a model is to be asked.

        Raises:
            UnknownIndicatorError: the rubric asks for an indicator that no detector answers.
        """
        nothing = Plan(mode=mode)
        if mode is Judging.EMBEDDED or not self._is_judged:
            return nothing
        if mode is Judging.CASCADE and is_guarded(self._flags):
            return nothing
        alone = self._alone
        if mode is Judging.CASCADE:
            items = tuple(unsure(alone))
        else:
            items = tuple(item for found in alone.measured.values() for item in found)
        wanted = questions(items)
        if wanted and is_too_long(self._transcript):
            return Plan(mode=mode, asked=wanted, why=WhyEmbedded.TOO_LONG)
        return plan(mode, wanted, samples)

    def result(self, heard: Heard | None = None) -> JudgeResult:
        """Return the result, with the model's answers in it where it was asked.

        Raises:
            UnknownIndicatorError: the rubric asks for an indicator that no detector answers.
        """
        alone = self._alone
        if heard is None:
            return self._told(alone, "embedded")
        found = opinions(heard, Checker(self._transcript, self._reading))
        judging = record(heard, found, alone.measured.values())
        adopter = Adopter(self._reading)

        def change(item: Measured) -> Measured:
            opinion = found.get(item.indicator.key)
            return item if opinion is None else adopter.adopt(item, opinion)

        form = self._judged(change) if found else alone
        measured = {item.indicator.key: item for items in alone.measured.values() for item in items}
        bare = sum(
            is_bare_no(measured[key], opinion) for key, opinion in found.items() if key in measured
        )
        reasons = doubts(alone, form, self._rubric, judging, bare=bare)
        return self._told(form, _engine(heard), judging, heard.why, tuple(reasons))

    @cached_property
    def _alone(self) -> Form:
        """What the embedded judge says."""
        return self._judged(lambda item: item)

    @property
    def _is_judged(self) -> bool:
        """Whether there is enough to compare with other conversations."""
        enough = self._setting.agent_turns >= aggregate.MIN_AGENT_TURNS
        return self._setting.is_supported and enough

    def _judged(self, change: Change) -> Form:
        """Judge criterion by criterion in the order of the form: conditions need it."""
        measured: dict[str, tuple[Measured, ...]] = {}
        results: dict[str, CriterionResult] = {}
        for section in self._rubric.sections:
            for criterion in section.criteria:
                if is_enabled(criterion.enable_if, results):
                    items = tuple([change(item) for item in self._measurer.criterion(criterion)])
                    measured[criterion.key] = items
                    result = criterion_result(criterion, items, self._setting)
                else:
                    result = not_asked(criterion)
                results[criterion.key] = result
        return Form(measured, tuple(results.values()), total(self._rubric, results))

    def _told(
        self,
        form: Form,
        engine: Engine,
        model: ModelJudging | None = None,
        why: WhyEmbedded | None = None,
        doubted: tuple[str, ...] = (),
    ) -> JudgeResult:
        by_key = {result.key: result for result in form.results}
        found = skills(
            self._rubric, by_key, lambda key: standard_skill(key, self._measurer, self._setting)
        )
        scored = {key: each for key, each in form.measured.items() if by_key[key].score is not None}
        advice = advise(form.results, scored, self._transcript, self._reading)
        made_of = provenance(self._transcript, self._rubric, engine=engine)
        practice = recommend(
            _of_the_rubric(found),
            spoken_of=[item.skill for item in advice if item.kind == "improvement"],
            role=self._rubric.slug,
            salt=made_of.transcript_hash,
        )
        shown = form.measured if self._setting.is_supported else None
        reasons = (*needs_review(form.total, form.results, self._flags), *doubted)
        return JudgeResult(
            overall=form.total.overall,
            interval=form.total.interval,
            confidence=form.total.confidence,
            criteria=form.results,
            skills=found,
            roots=roots(found),
            form=form.total.form,
            behaviors=self._measurer.strengths.scores() if self._is_judged else (),
            metrics=measure(self._reading, self._transcript, shown),
            advice=advice,
            engine=engine,
            engine_version=ENGINE_VERSION,
            next_practice=None if practice is None else practice.text,
            practice=practice,
            needs_review=tuple(dict.fromkeys(reasons)),
            flags=self._flags,
            provenance=made_of,
            why=why,
            model=model,
        )


def _engine(heard: Heard) -> Engine:
    """Name who judged: without a single answer it was the embedded judge.

    Of a cascade that had nothing to ask as well: that it was sure is what a cascade says.
    """
    if heard.plan.mode is Judging.CASCADE and not heard.plan.asked:
        return "cascade"
    if heard.plan.mode is Judging.EMBEDDED or not heard.answers:
        return "embedded"
    return "cascade" if heard.plan.mode is Judging.CASCADE else "model"


def _flags(reading: Reading, setting: Setting, known: tuple[str, ...]) -> tuple[str, ...]:
    language = () if setting.is_supported else (UNSUPPORTED_LANGUAGE,)
    return tuple(dict.fromkeys((*reading.flags, *known, *language)))


def _of_the_rubric(found: tuple[SkillScore, ...]) -> tuple[SkillScore, ...]:
    return tuple(skill for skill in found if skill.basis == "rubric")
