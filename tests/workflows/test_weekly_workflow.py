"""WeeklyReportsWorkflow with fake activities, on a real Temporal server."""

from shared.workflows import activity_api, weekly_reports
from shared.workflows.activity_api import DueReports
from tests.workflows.fake_activities import due
from tests.workflows.ladder import IDS, Ladder

WEEK = "2026-11-16"


def _tenants(number: int) -> tuple[DueReports, ...]:
    return tuple(DueReports(tenant_id=IDS.new(), week=WEEK) for _ in range(number))


async def _run(ladder: Ladder) -> weekly_reports.WeeklyReportsReport:
    async with ladder.worker():
        return await (await ladder.start_weekly(str(IDS.new()))).result()


async def test_without_due_tenants_nothing_is_made(ladder: Ladder) -> None:
    report = await _run(ladder)
    assert (report.done, report.failed) == (0, 0)
    assert ladder.fakes.names == [activity_api.LIST_DUE_REPORTS]


async def test_every_due_tenant_is_made_once(ladder: Ladder) -> None:
    tenants = _tenants(weekly_reports.AT_ONCE * 2 + 1)
    ladder.fakes.on[activity_api.LIST_DUE_REPORTS] = due(*tenants)
    report = await _run(ladder)
    assert (report.done, report.failed) == (len(tenants), 0)
    asked = ladder.fakes.asked(activity_api.MAKE_REPORTS)
    assert sorted(asked, key=lambda one: one.tenant_id) == sorted(
        tenants, key=lambda one: one.tenant_id
    )


async def test_a_tenant_in_trouble_does_not_stop_the_others(skipping_ladder: Ladder) -> None:
    ladder, tenants = skipping_ladder, _tenants(3)

    async def make(one: DueReports) -> None:
        if one == tenants[0]:
            raise OSError("reporting is away")

    ladder.fakes.on[activity_api.LIST_DUE_REPORTS] = due(*tenants)
    ladder.fakes.on[activity_api.MAKE_REPORTS] = make
    report = await _run(ladder)
    assert (report.done, report.failed) == (2, 1)
    tried = [one for one in ladder.fakes.asked(activity_api.MAKE_REPORTS) if one == tenants[0]]
    assert len(tried) == 4  # a bounded number of times: the next pass begins anew
