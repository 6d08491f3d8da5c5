"""The answer of a program's report, and the question behind it."""

import msgspec

from services.api.fields import public
from services.api.principal import Principal
from services.api.programs.records import People, Program, ProgramMetric
from shared.contracts.reports.base import AsOf
from shared.contracts.reports.roi import (
    Cohort,
    HandedIn,
    ImpactLevel,
    Inputs,
    Metric,
    Reaction,
    ReactionLevel,
    ReturnLevel,
    RoiQuery,
    RoiReply,
    SkillLevel,
)


class RoiView(msgspec.Struct, frozen=True, kw_only=True):
    """What a program brought; what was not proven comes first."""

    program_id: str | None
    name: str
    not_proven: tuple[str, ...]
    headline: str
    as_of: AsOf
    currency: str
    inputs: Inputs
    reaction: ReactionLevel
    learning: SkillLevel
    application: SkillLevel
    impact: ImpactLevel
    returns: ReturnLevel


def roi_view(program: Program, reply: RoiReply) -> RoiView:
    """Return the public form."""
    levels = {name: getattr(reply, name) for name in RoiReply.__struct_fields__}
    return RoiView(program_id=public("prog", program.program_id), name=program.worth.name, **levels)


def roi_query(principal: Principal, program: Program) -> RoiQuery:
    """Return the question about a program."""
    course, worth, other = program.course, program.worth, program.comparison
    said = worth.reaction
    return RoiQuery(
        tenant_id=principal.tenant_id,
        treated=_cohort(program.treated),
        comparison=None if other is None else _cohort(other),
        baseline_from=course.baseline_from,
        starts_on=course.starts_on,
        ends_on=course.ends_on,
        measured_to=course.measured_to,
        isolation=course.isolation,
        metrics=tuple(_metric(each) for each in worth.metrics),
        intangibles=worth.intangibles,
        costs=sum(item.total for item in worth.costs),
        currency=worth.currency,
        reaction=None
        if said is None
        else Reaction(invited=said.invited, answered=said.answered, positive=said.positive),
        reaction_form=course.reaction_form,
    )


def _cohort(people: People) -> Cohort:
    return Cohort(team_ids=people.team_ids, learner_ids=people.learner_ids)


def _metric(metric: ProgramMetric) -> Metric:
    handed = metric.handed_in
    return Metric(
        key=metric.key,
        label=metric.label,
        measure=metric.measure,
        skill=metric.skill,
        form=metric.form,
        better=metric.direction,
        unit=metric.unit,
        unit_value=metric.unit_value,
        units_per_year=metric.units_per_year,
        isolation_share=metric.isolation_share,
        confidence_share=metric.confidence_share,
        handed_in=None if handed is None else HandedIn(**msgspec.structs.asdict(handed)),
    )
