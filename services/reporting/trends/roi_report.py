"""The whole report of a program, level by level, from what was read."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from services.reporting.trends.limits import Kind
from services.reporting.trends.roi import (
    Effect,
    benefits_of,
    handed_in_effect,
    returns,
    weigh,
)
from services.reporting.trends.roi_levels import Plan, Scene, metric_effect, skill_level
from services.reporting.trends.roi_tally import (
    Cohorts,
    PersonRow,
    Spot,
    tally_of_people,
    tally_of_rollups,
)
from services.reporting.trends.roi_words import (
    Place,
    headline,
    inputs_sentence,
    intangible_skill,
    reaction_sentence,
    return_sentence,
    unproven,
)
from services.reporting.trends.stats.proportions import wilson
from services.reporting.trends.words import SkillWords
from shared.contracts.reports.base import AsOf
from shared.contracts.reports.roi import (
    EffectInterval,
    ImpactLevel,
    Inputs,
    Metric,
    MetricEffect,
    Reaction,
    ReactionLevel,
    ReturnLevel,
    RoiQuery,
    RoiReply,
    SkillLevel,
)


class Findings(NamedTuple):
    """Everything that was read for a program."""

    cohorts: Cohorts
    plan: Plan
    rollups: Mapping[Kind, Sequence[tuple[Spot, bytes]]]
    practice: Sequence[PersonRow]
    outcomes: Sequence[PersonRow]
    reactions: Sequence[PersonRow]
    words: SkillWords
    fresh: AsOf


def report(query: RoiQuery, findings: Findings) -> RoiReply:
    """Return levels 0 to 5, and before them what was not proven."""
    practice, calls = (
        Scene(
            *tally_of_rollups(_shown(findings, kind), findings.cohorts),
            findings.plan,
        )
        for kind in ("practice", "real")
    )
    learning, application = (
        skill_level(practice, "practice", findings.words),
        skill_level(calls, "real calls", findings.words),
    )
    outcomes = Scene(*tally_of_people(findings.outcomes, findings.cohorts), findings.plan)
    effects = [(each, _effect(query, each, calls, outcomes)) for each in query.metrics]
    metrics = tuple(weigh(metric, effect) for metric, effect in effects)
    level = _returns(query, effects)
    reaction = _reaction(query, findings)
    return RoiReply(
        not_proven=unproven(reaction, learning, application, metrics),
        headline=headline(metrics, level),
        as_of=findings.fresh,
        currency=query.currency,
        inputs=_inputs(query, findings),
        reaction=reaction,
        learning=learning,
        application=application,
        impact=ImpactLevel(
            metrics=metrics,
            intangibles=_intangibles(query, findings.words, metrics, learning, application),
        ),
        returns=level,
    )


def _effect(query: RoiQuery, metric: Metric, calls: Scene, outcomes: Scene) -> Effect | None:
    if metric.handed_in is not None:
        return handed_in_effect(metric.handed_in, query.isolation)
    if metric.measure == "skill":
        return metric_effect(calls, metric.skill or "", min_answers=0)
    return metric_effect(outcomes, metric.form or metric.measure)


def _returns(query: RoiQuery, effects: Sequence[tuple[Metric, Effect | None]]) -> ReturnLevel:
    proven, estimated, cautious = (returns(each, query.costs) for each in benefits_of(effects))
    return ReturnLevel(
        proven=proven,
        with_estimates=estimated,
        cautious=cautious,
        sentence=return_sentence(proven, estimated, query.currency),
    )


def _inputs(query: RoiQuery, findings: Findings) -> Inputs:
    scene = Scene(*tally_of_people(findings.practice, findings.cohorts), findings.plan)
    found = scene.volume("practice")
    people, practices = (None, None) if found is None else (found.people, found.n)
    per_person = None if people is None else round(query.costs / people, 2)
    return Inputs(
        people=people,
        practices=practices,
        cost_per_person=per_person,
        sentence=inputs_sentence(people, practices, query.costs, query.currency),
    )


def _reaction(query: RoiQuery, findings: Findings) -> ReactionLevel:
    said = query.reaction
    if said is None and query.reaction_form is not None:
        scene = Scene(*tally_of_people(findings.reactions, findings.cohorts), findings.plan)
        found = scene.volume(query.reaction_form)
        if found is not None:
            said = Reaction(invited=0, answered=found.n, positive=round(found.total / 100))
    if said is None or said.answered < findings.plan.min_people:
        return ReactionLevel(basis="not_measured", sentence=reaction_sentence(None))
    share = wilson(said.positive, said.answered)
    level = ReactionLevel(
        basis="measured",
        answered=said.answered,
        response_rate=round(said.answered / said.invited * 100, 1) if said.invited else None,
        positive_rate=round(share.value * 100, 1),
        interval=EffectInterval(low=round(share.low * 100, 1), high=round(share.high * 100, 1)),
        sentence="",
    )
    return ReactionLevel(
        basis=level.basis,
        answered=level.answered,
        response_rate=level.response_rate,
        positive_rate=level.positive_rate,
        interval=level.interval,
        sentence=reaction_sentence(level),
    )


def _intangibles(
    query: RoiQuery,
    words: SkillWords,
    metrics: Sequence[MetricEffect],
    learning: SkillLevel,
    application: SkillLevel,
) -> tuple[str, ...]:
    """Return what has no price: as the program says, and what is proven without one."""
    priceless = [each.sentence for each in metrics if each.benefit is None and each.is_proven]
    places: tuple[tuple[Place, SkillLevel], ...] = (
        ("practice", learning),
        ("real calls", application),
    )
    skills = [
        intangible_skill(each, place, words)
        for place, level in places
        for each in level.skills
        if each.is_proven
    ]
    return (*query.intangibles, *priceless, *skills)


def _shown(findings: Findings, kind: Kind) -> Sequence[tuple[Spot, bytes]]:
    hidden, rollups = findings.words.hidden, findings.rollups[kind]
    return [each for each in rollups if each[0].key not in hidden] if hidden else rollups
