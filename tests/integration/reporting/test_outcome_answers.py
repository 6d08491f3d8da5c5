"""Customer outcomes from Postgres: whose they are, when they count, and skills beside them."""

import struct
from datetime import UTC, date, datetime
from itertools import product
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.reporting.desk import Desk, QuestionError
from services.reporting.folding import fold_page
from services.reporting.outcomes.beside import outcome_correlations, practice_transfer
from services.reporting.outcomes.team import team_outcomes
from services.reporting.trends.buckets import bucket_of
from shared.clock import FixedClock
from shared.contracts.reports.outcomes import (
    CorrelationsQuery,
    OutcomesQuery,
    OutcomesReply,
    TransferQuery,
    TransferReply,
)
from shared.db.pool import Database
from tests.integration.reporting.reporting_world import NOW, World, ids

SKILL = "relate.empathy"
TODAY = datetime(2026, 6, 15, 12, tzinfo=UTC)
EARLY = datetime(2026, 2, 4, 12, tzinfo=UTC)
LATE = datetime(2026, 4, 8, 12, tzinfo=UTC)
MARCH = datetime(2026, 3, 11, 12, tzinfo=UTC)
JULY = datetime(2026, 7, 2, 12, tzinfo=UTC)
PEOPLE = 12


async def survey(
    world: World,
    tenant_id: UUID,
    learner_id: UUID,
    score: int | None,
    at: datetime = MARCH,
    form: str = "csat-5",
) -> None:
    await world.connection.execute(
        "insert into surveys (tenant_id, survey_id, form, learner_id, score, delivered_at,"
        " answered_at, happened_at, created_at) values ($1, $2, $3, $4, $5::smallint, $6,"
        " case when $5::smallint is null then null else $6::timestamptz end, $6, $6)",
        tenant_id,
        ids.new(),
        form,
        learner_id,
        score,
        at,
    )


async def forms(world: World, tenant_id: UUID) -> None:
    for form, kind, asked, low, high, positive in (
        ("csat-5", "csat", "customer", 1, 5, [4, 5]),
        ("nps", "nps", "customer", 0, 10, [9, 10]),
        ("practice-csat-5", "csat", "learner", 1, 5, [4, 5]),
    ):
        await world.connection.execute(
            "insert into survey_forms values ($1, $2, $3, $4, $5, $6, $7, $8)",
            *(tenant_id, form, kind, asked, low, high, positive, NOW),
        )


async def contact(
    world: World, tenant_id: UUID, learner_id: UUID, at: datetime = MARCH, **said: Any
) -> None:
    conversation_id = ids.new()
    await world.connection.execute(
        "insert into conversations (tenant_id, conversation_id, learner_id, source, turns,"
        " turn_count, occurred_at, created_at) values ($1, $2, $3, 'call', '', 1, $4, $4)",
        tenant_id,
        conversation_id,
        learner_id,
        at,
    )
    await world.connection.execute(
        "insert into contacts (tenant_id, conversation_id, learner_id, happened_at, handle_time_s,"
        " is_first_contact, is_resolved, is_transferred) values ($1, $2, $3, $4, $5, $6, $7, $8)",
        *(tenant_id, conversation_id, learner_id, at, said.get("seconds")),
        *(said.get("first"), said.get("resolved"), said.get("transferred")),
    )


async def rollup(
    world: World,
    tenant_id: UUID,
    team_id: UUID,
    learners: list[UUID],
    scores: list[int],
    at: datetime,
    source: str,
    skill: str = SKILL,
) -> None:
    """A week in which everybody has a score twice."""
    rows = await world.connection.fetch(
        "select learner_id, person_id from learners where tenant_id = $1", tenant_id
    )
    person = {row["learner_id"]: row["person_id"] for row in rows}
    records = sorted(
        (person[learner].bytes, 2, 2 * score)
        for learner, score in zip(learners, scores, strict=True)
    )
    histogram = [2 * scores.count(score) for score in range(101)]
    await world.connection.execute(
        "insert into rollups (tenant_id, team_id, skill, source, bucket, n, total, squares,"
        " histogram, people) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        *(tenant_id, team_id, skill, source, bucket_of(at.date()), 2 * len(scores)),
        *(2 * sum(scores), 2 * sum(score * score for score in scores)),
        struct.pack("<101i", *histogram),
        b"".join(struct.pack("<16sii", *record) for record in records),
    )


class Site(msgspec.Struct, frozen=True):
    """A team whose later people score higher, please customers more and take less time."""

    desk: Desk
    tenant_id: UUID
    team_id: UUID
    learners: list[UUID]

    async def outcomes(self, **changes: Any) -> OutcomesReply:
        usual: dict[str, Any] = {
            "tenant_id": self.tenant_id,
            "team_id": self.team_id,
            "start": date(2026, 3, 1),
            "end": date(2026, 3, 31),
        }
        return await team_outcomes(self.desk, OutcomesQuery(**{**usual, **changes}))

    def beside(self, **changes: Any) -> dict[str, Any]:
        usual = {
            "tenant_id": self.tenant_id,
            "team_ids": (self.team_id,),
            "skill": None,
            "start": date(2026, 2, 1),
            "end": date(2026, 4, 30),
        }
        return {**usual, **changes}


@pytest.fixture(scope="module")
async def site(database: Database, world: World) -> Site:
    tenant_id = await world.tenant()
    team_id = await world.team(tenant_id)
    await forms(world, tenant_id)
    learners = [await world.learner(tenant_id) for _ in range(PEOPLE)]
    for place, learner_id in enumerate(learners):
        await world.member(tenant_id, learner_id, team_id)
        for number in range(6):
            await survey(world, tenant_id, learner_id, 5 if number < place // 2 else 2)
            await contact(
                world,
                tenant_id,
                learner_id,
                seconds=600 - 20 * place + number,
                first=number != 5,
                resolved=number < 3,
                transferred=number == 0,
            )
        await survey(world, tenant_id, learner_id, None)
        await survey(world, tenant_id, learner_id, 1, form="practice-csat-5")
    for at, is_late in ((EARLY, 0), (LATE, 1)):
        for source, gain in (("simulation", 2), ("call", 1)):
            scores = [40 + 2 * place + is_late * gain * place for place in range(PEOPLE)]
            await rollup(world, tenant_id, team_id, learners, scores, at, source)
    while (await fold_page(database, tenant_id)).has_more:
        pass
    return Site(Desk(database, FixedClock(TODAY)), tenant_id, team_id, learners)


class TestTeamOutcomes:
    async def test_everything_of_a_month(self, site: Site) -> None:
        reply = await site.outcomes()
        (csat,) = reply.surveys  # what learners say about practice is no customer outcome
        period = csat.period
        assert period is not None
        assert (csat.form, csat.positive_values) == ("csat-5", (4, 5))
        assert (period.delivered, period.answered, period.learners) == (84, 72, 12)
        assert period.response_rate == round(100 * 72 / 84, 1)
        assert period.positive is not None
        assert period.positive.value == round(100 * 30 / 72, 1)
        assert reply.handle_time.period is not None
        assert reply.handle_time.period.n == 72
        assert reply.handle_time.period.mean_s == 600 - 20 * 5.5 + 2.5
        resolution = reply.resolution.period
        assert resolution is not None
        assert (resolution.gross.value, resolution.gross.n) == (50.0, 72)
        assert resolution.net is not None
        assert (resolution.net.value, resolution.net.n) == (60.0, 60)
        assert reply.transfers.period is not None
        assert reply.transfers.period.share.value == 16.7
        assert csat.sentence in reply.headline
        assert reply.as_of.behind == 0

    async def test_another_month_has_nothing(self, site: Site) -> None:
        reply = await site.outcomes(start=date(2026, 1, 1), end=date(2026, 1, 31))
        assert reply.surveys == ()
        assert reply.handle_time.period is None
        assert reply.headline.startswith("Nothing can be shown")

    async def test_more_people_may_be_wanted(self, site: Site, world: World) -> None:
        await world.connection.execute(
            "insert into report.settings (tenant_id, revision, min_people, rank_people, is_weekly,"
            " weekly_weekday, weekly_hour, updated_at) values ($1, 1, 13, false, false, 1, 6, $2)",
            site.tenant_id,
            NOW,
        )
        reply = await site.outcomes()
        await world.connection.execute(
            "delete from report.settings where tenant_id = $1", site.tenant_id
        )
        assert reply.surveys[0].period is None
        assert "13 people" in reply.surveys[0].sentence
        assert {hidden.reason for hidden in reply.handle_time.suppressed} == {"too_few_people"}

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"start": date(2026, 4, 1)}, "to"),
            ({"start": date(2020, 1, 1)}, "from"),
            ({"start": date(9999, 12, 1), "end": date.max}, "to"),
        ],
    )
    async def test_what_is_no_range_is_refused(
        self, site: Site, changes: dict[str, Any], field: str
    ) -> None:
        with pytest.raises(QuestionError) as refused:
            await site.outcomes(**changes)
        assert refused.value.field == field

    async def test_a_stranger_sees_nothing(self, site: Site, world: World) -> None:
        stranger = await world.tenant()
        reply = await site.outcomes(tenant_id=stranger)
        assert (reply.surveys, reply.handle_time.period) == ((), None)

    async def test_surveys_count_for_the_team_and_the_day_of_the_tenant(
        self, site: Site, world: World
    ) -> None:
        tenant_id = await world.tenant("America/New_York")
        before, after = await world.team(tenant_id), await world.team(tenant_id)
        await forms(world, tenant_id)
        for _ in range(5):
            learner_id = await world.learner(tenant_id)
            await world.member(tenant_id, learner_id, before, until=date(2026, 4, 1))
            await world.member(tenant_id, learner_id, after, since=date(2026, 4, 1))
            for hour, score in ((3, 0), (3, 0), (5, 10), (5, 10)):  # 23:00 and 01:00 at home
                at = datetime(2026, 4, 1, hour, tzinfo=UTC)
                await survey(world, tenant_id, learner_id, score, at, form="nps")
        whole = {"tenant_id": tenant_id, "start": date(2026, 3, 1), "end": date(2026, 4, 30)}
        for team_id, nps, day in ((before, -100, 30), (after, 100, 1)):
            reply = await site.outcomes(team_id=team_id, **whole)
            (series,) = reply.surveys
            (point,) = series.points
            assert (point.numbers.nps, point.numbers.answered) == (nps, 10)
            assert point.start.day == day


class TestCorrelations:
    async def test_what_goes_together_is_called_a_correlation(self, site: Site) -> None:
        reply = await outcome_correlations(site.desk, CorrelationsQuery(**site.beside()))
        by_outcome = {pair.outcome: pair for pair in reply.pairs}
        assert reply.kind == "correlation"
        assert by_outcome["handle_time"].rho == -1.0
        assert by_outcome["csat-5"].rho > 0.9
        assert by_outcome["csat-5"].is_clear
        assert {pair.n for pair in reply.pairs} == {PEOPLE}
        assert {(each.outcome, each.reason) for each in reply.suppressed} == {
            ("first_contact_resolution", "no_variation"),
            ("transfers", "no_variation"),
        }
        assert "A correlation, not a cause." in reply.headline

    async def test_all_teams_and_roots(self, site: Site) -> None:
        asked = site.beside(team_ids=None, skill="relate")
        reply = await outcome_correlations(site.desk, CorrelationsQuery(**asked, source="all"))
        assert {pair.skill for pair in reply.pairs} == {"relate"}
        nobody = site.beside(team_ids=())
        reply = await outcome_correlations(site.desk, CorrelationsQuery(**nobody))
        assert reply.pairs == ()

    async def test_months_that_are_not_over_do_not_count(self, site: Site) -> None:
        desk = site.desk._replace(clock=FixedClock(MARCH))
        reply = await outcome_correlations(desk, CorrelationsQuery(**site.beside()))
        assert reply.pairs == ()


class TestTransfer:
    """The second quarter beside the first."""

    @staticmethod
    async def ask(site: Site, **changes: Any) -> TransferReply:
        desk = site.desk._replace(clock=FixedClock(JULY))
        usual = {
            "tenant_id": site.tenant_id,
            "team_ids": (site.team_id,),
            "skill": None,
            "quarter": date(2026, 4, 1),
        }
        return await practice_transfer(desk, TransferQuery(**{**usual, **changes}))

    async def test_people_who_gained_in_practice_gained_in_calls(self, site: Site) -> None:
        reply = await self.ask(site)
        (found,) = reply.skills
        assert reply.kind == "association"
        assert (found.skill, found.n, found.finding) == (SKILL, PEOPLE, "goes_along")
        assert (found.practice_change.value, found.real_change.value) == (11.0, 5.5)
        assert found.per_ten_points is not None
        assert found.per_ten_points.value == 5.0
        assert (reply.start, reply.middle, reply.end) == (
            date(2026, 1, 1),
            date(2026, 4, 1),
            date(2026, 6, 30),
        )

    async def test_a_skill_of_too_few_is_hidden(self, site: Site) -> None:
        reply = await self.ask(site, team_ids=(ids.new(),), skill=SKILL)
        assert reply.skills == ()
        assert [each.reason for each in reply.suppressed] == ["too_few_people"]

    async def test_a_quarter_that_is_not_over_is_refused(self, site: Site) -> None:
        with pytest.raises(QuestionError) as refused:
            await self.ask(site, quarter=date(2026, 7, 1))
        assert refused.value.field == "quarter"

    @pytest.mark.parametrize(("more", "told"), [(0, True), (1, False), (4, False), (5, True)])
    async def test_a_root_does_not_show_the_few_beside_its_skill(
        self, site: Site, world: World, *, more: int, told: bool
    ) -> None:
        tenant_id = await world.tenant()
        team_id = await world.team(tenant_id)
        people = [await world.learner(tenant_id) for _ in range(6 + more)]
        root = SKILL.split(".", maxsplit=1)[0]
        for at, source in product((EARLY, LATE), ("simulation", "call")):
            for skill, learners in ((SKILL, people[:6]), (root, people)):
                scores = [60 if at is LATE else 50] * len(learners)
                await rollup(world, tenant_id, team_id, learners, scores, at, source, skill)
        asked = {"tenant_id": tenant_id, "team_ids": (team_id,)}
        for skill in (None, root):
            reply = await self.ask(site, **asked, skill=skill)
            assert (root in {each.skill for each in reply.skills}) is told
            assert (root in {each.skill for each in reply.suppressed}) is not told
        assert [each.n for each in (await self.ask(site, **asked, skill=SKILL)).skills] == [6]

    async def test_all_teams_together_do_not_show_the_few_of_a_third(
        self, site: Site, world: World
    ) -> None:
        """Thirteen people less six and six would be one."""
        tenant_id = await world.tenant()
        teams = [await world.team(tenant_id) for _ in range(3)]
        people = [[await world.learner(tenant_id) for _ in range(6)] for _ in teams]
        others = [await world.learner(tenant_id) for _ in range(16)]
        cells = [(at, source) for at in (EARLY, LATE) for source in ("simulation", "call")]
        for number, (at, source) in enumerate(cells):
            late = 10 if at is LATE else 0
            for team_id, learners in zip(teams[:2], people, strict=False):
                await rollup(world, tenant_id, team_id, learners, [50 + late] * 6, at, source)
            alone = [people[2][0], *others[4 * number : 4 * number + 4]]
            scores = [10 + 8 * late, 50, 50, 50, 50]
            await rollup(world, tenant_id, teams[2], alone, scores, at, source)
        for team_ids in (None, tuple(teams)):
            reply = await self.ask(site, tenant_id=tenant_id, team_ids=team_ids)
            (found,) = reply.skills
            assert (found.n, found.practice_change.value) == (12, 10.0)
        reply = await self.ask(site, tenant_id=tenant_id, team_ids=(teams[2],))
        assert reply.skills == ()
