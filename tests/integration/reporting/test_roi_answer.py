"""What a program brought, out of scored conversations, surveys and facts of calls in Postgres."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
import pytest

from services.reporting.desk import Desk, QuestionError
from services.reporting.folding import fold_page
from services.reporting.roi.answer import program_roi
from shared.clock import FixedClock
from shared.contracts.reports.roi import Cohort, Metric, RoiQuery, RoiReply
from shared.db.pool import Database
from tests.integration.reporting.reporting_world import World, ids

SKILL = "relate.empathy"
NOW = datetime(2026, 10, 1, tzinfo=UTC)
DAYS = tuple(
    datetime(2026, month, day, 12, tzinfo=UTC) for month in (1, 2, 3, 5, 6, 7) for day in (6, 20)
)
AFTER = datetime(2026, 5, 1, tzinfo=UTC)


class Site(msgspec.Struct, frozen=True):
    """A tenant with a treated and a comparison team, and what their people did."""

    tenant_id: UUID
    treated: UUID
    compared: UUID
    learners: dict[UUID, list[UUID]]

    def query(self, **changes: Any) -> RoiQuery:
        usual = {
            "tenant_id": self.tenant_id,
            "treated": Cohort(team_ids=(self.treated,)),
            "comparison": Cohort(team_ids=(self.compared,)),
            "baseline_from": date(2026, 1, 1),
            "starts_on": date(2026, 4, 1),
            "ends_on": date(2026, 4, 30),
            "measured_to": date(2026, 7, 31),
            "isolation": "comparison",
            "metrics": (HANDLE_TIME,),
            "costs": 10_000.0,
            "currency": "EUR",
        }
        return RoiQuery(**{**usual, **changes})


HANDLE_TIME = Metric(
    key="handle-time",
    label="Handle time",
    measure="handle_time",
    better="down",
    unit="s",
    unit_value=0.01,
    units_per_year=100_000.0,
    confidence_share=0.9,
)
CSAT = Metric(
    key="csat", label="Satisfied customers", measure="csat", form="after-call", unit_value=100.0
)


@pytest.fixture(scope="module")
async def site(database: Database, world: World) -> Site:
    """Treated people gain 12 points in calls and save 40 seconds; practice stays as it was."""
    random = np.random.default_rng(3)
    tenant_id = await world.tenant()
    treated, compared = await world.team(tenant_id), await world.team(tenant_id)
    await _forms(world, tenant_id)
    learners: dict[UUID, list[UUID]] = {}
    for team in (treated, compared):
        learners[team] = [await world.learner(tenant_id) for _ in range(7)]
        for learner in learners[team]:
            await world.member(tenant_id, learner, team, date(2025, 1, 1))
            own = random.normal(60, 8)
            for at in DAYS:
                gain = 12 if team == treated and at >= AFTER else 0
                score = round(float(np.clip(own + gain + random.normal(0, 4), 0, 100)))
                await world.scoring(tenant_id, learner, at, {SKILL: score}, "call")
                await _contact(world, tenant_id, learner, at, 400 - gain * 40 / 12 + own / 10)
                await _survey(world, tenant_id, learner, at, 5 if random.random() < 0.5 else 2)
                flat = round(float(np.clip(own + random.normal(0, 4), 0, 100)))
                await world.scoring(tenant_id, learner, at, {SKILL: flat}, "simulation")
    while (folded := await fold_page(database, tenant_id)) is not None and folded.has_more:
        pass
    return Site(tenant_id, treated, compared, learners)


async def _forms(world: World, tenant_id: UUID) -> None:
    for form, asked in (("after-call", "customer"), ("after-class", "learner")):
        await world.connection.execute(
            "insert into survey_forms values ($1, $2, 'csat', $3, 1, 5, '{4,5}', $4)",
            tenant_id,
            form,
            asked,
            NOW,
        )


async def _survey(
    world: World,
    tenant_id: UUID,
    learner: UUID,
    at: datetime,
    score: int,
    form: str = "after-call",
) -> None:
    await world.connection.execute(
        "insert into surveys (tenant_id, survey_id, form, learner_id, score, delivered_at,"
        " answered_at, happened_at, created_at) values ($1, $2, $3, $4, $5, $6, $6, $6, $6)",
        tenant_id,
        ids.new(),
        form,
        learner,
        score,
        at,
    )


async def _contact(
    world: World, tenant_id: UUID, learner: UUID, at: datetime, seconds: float
) -> None:
    # The conversation that it belongs to is of no interest here.
    async with world._without_foreign_keys():
        await world.connection.execute(
            "insert into contacts (tenant_id, conversation_id, learner_id, happened_at,"
            " handle_time_s, is_first_contact, is_resolved) values ($1, $2, $3, $4, $5, true,"
            " $6)",
            tenant_id,
            ids.new(),
            learner,
            at,
            round(seconds),
            at.day == 6,
        )


async def ask(database: Database, query: RoiQuery) -> RoiReply:
    return await program_roi(Desk(database, FixedClock(NOW)), query)


async def test_every_level_of_a_program_that_worked(database: Database, site: Site):
    found = await ask(database, site.query(reaction_form="after-class"))
    (call,) = found.application.skills
    assert call.interval.low < 12 < call.interval.high
    assert call.is_proven
    assert found.learning.basis == "measured"
    assert not any(each.is_proven for each in found.learning.skills)
    (metric,) = found.impact.metrics
    assert (metric.is_proven, metric.isolation) == (True, "comparison")
    assert metric.effect == pytest.approx(-40, abs=1)
    assert metric.benefit == pytest.approx(-metric.effect * 0.01 * 100_000 * 0.9, rel=0.01)
    returns = found.returns.proven
    assert returns.benefits == pytest.approx(metric.benefit)
    assert returns.roi_percent == pytest.approx((returns.benefits - 10_000) / 100, abs=0.1)
    assert returns.payback_months == pytest.approx(12 * 10_000 / returns.benefits, abs=0.1)
    assert found.inputs.people == 7
    assert found.inputs.practices == 7 * 6
    assert found.returns.cautious.benefits <= returns.benefits
    assert found.not_proven[0] == "Level 1, reaction: not measured."
    assert any("no improvement is proven" in each for each in found.not_proven)
    assert any("real calls" in each for each in found.impact.intangibles)
    assert found.as_of.behind == 0


async def test_what_did_not_move_pays_nothing(database: Database, site: Site):
    found = await ask(database, site.query(metrics=(CSAT,)))
    (metric,) = found.impact.metrics
    assert metric.basis == "measured"
    assert (metric.is_proven, metric.benefit) == (False, 0.0)
    assert found.headline.startswith("Not proven: 1 of 1")
    assert found.returns.proven.roi_percent == -100.0
    assert any("Satisfied customers: not proven" in each for each in found.not_proven)


async def test_without_a_comparison_it_is_an_estimate(database: Database, site: Site):
    shared = msgspec.structs.replace(HANDLE_TIME, isolation_share=0.5)
    query = site.query(comparison=None, isolation="estimate", metrics=(shared,))
    found = await ask(database, query)
    assert found.returns.proven.benefits == 0
    assert found.returns.with_estimates.benefits == pytest.approx(
        40 * 0.01 * 100_000 * 0.5 * 0.9, rel=0.05
    )
    assert found.returns.sentence.startswith("No financial return is proven")


async def test_learners_as_cohorts(database: Database, site: Site):
    query = site.query(
        treated=Cohort(learner_ids=tuple(site.learners[site.treated])),
        comparison=Cohort(learner_ids=tuple(site.learners[site.compared])),
    )
    assert (await ask(database, query)).application == (
        await ask(database, site.query())
    ).application


async def test_few_of_a_team_are_not_told_apart(database: Database, site: Site):
    query = site.query(
        treated=Cohort(learner_ids=tuple(site.learners[site.treated][:5])), comparison=None
    )
    found = await ask(database, msgspec.structs.replace(query, isolation="estimate"))
    assert found.application.skills == ()
    assert [each.reason for each in found.application.suppressed] == ["too_few_people"]
    assert found.impact.metrics[0].basis == "not_measured"
    assert found.inputs.people is None


async def test_more_people_wanted_than_there_are(database: Database, world: World, site: Site):
    await world.connection.execute(
        "insert into report.settings (tenant_id, revision, min_people, rank_people, is_weekly,"
        " weekly_weekday, weekly_hour, updated_at) values ($1, 1, 8, false, false, 1, 6, $2)",
        site.tenant_id,
        NOW,
    )
    try:
        found = await ask(database, site.query())
    finally:
        await world.connection.execute(
            "delete from report.settings where tenant_id = $1", site.tenant_id
        )
    assert found.application.basis == "not_measured"
    assert found.returns.proven.benefits == 0


async def test_first_contact_resolution_and_reaction(database: Database, world: World, site: Site):
    resolved = msgspec.structs.replace(
        HANDLE_TIME, key="fcr", measure="first_contact_resolution", better="up"
    )
    for learner in site.learners[site.treated]:
        await _survey(world, site.tenant_id, learner, AFTER + timedelta(days=5), 5, "after-class")
    found = await ask(database, site.query(metrics=(resolved,), reaction_form="after-class"))
    assert found.impact.metrics[0].before == 50.0
    assert (found.reaction.answered, found.reaction.positive_rate) == (7, 100.0)
    assert found.reaction.interval is not None
    assert found.reaction.interval.low < 100


async def test_another_tenant_sees_nothing(database: Database, world: World, site: Site):
    other = await world.tenant()
    found = await ask(database, msgspec.structs.replace(site.query(), tenant_id=other))
    assert found.application.basis == "not_measured"
    assert found.application.suppressed == ()


async def test_days_out_of_order_are_refused(database: Database, site: Site):
    with pytest.raises(QuestionError):
        await ask(database, site.query(measured_to=date(2026, 4, 1)))
