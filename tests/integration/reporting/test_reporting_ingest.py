"""Many assessments are folded in pages, with flat memory; the tool that measures it works."""

import asyncpg
import pytest

from infra.bench.assessed import Shape, place, revise, seed
from infra.bench.ingest import ingest
from services.reporting.folding import fold_page
from services.reporting.rebuild import verify
from shared.db.pool import Database
from shared.ids import Uuid7Maker

SHAPE = Shape(1_500, teams=5, people=60, skills=4)


@pytest.fixture
async def owner(database_url: str):
    connection = await asyncpg.connect(database_url, server_settings={"search_path": "app,report"})
    yield connection
    await connection.close()


async def test_everything_that_waits_is_folded_once(
    owner: asyncpg.Connection, database: Database
) -> None:
    tenant_id = Uuid7Maker().new()
    await seed(owner, tenant_id, SHAPE)

    result = await ingest(database, tenant_id, SHAPE.assessments)

    counts = "select (select count(*) from facts where tenant_id = $1), sum(n), count(*)"
    facts, in_rollups, rollups = await owner.fetchrow(
        f"{counts} from rollups where tenant_id = $1", tenant_id
    )
    assert facts == in_rollups == SHAPE.assessments * SHAPE.skills
    assert rollups > SHAPE.teams * SHAPE.skills
    assert result.per_s > 20  # the bench says how fast it is; this says that nothing is quadratic
    assert result.growth_mb < 60

    await revise(owner, tenant_id, (1, 500), 2, SHAPE.skills)
    await place(owner, tenant_id)
    while (folded := await fold_page(database, tenant_id)) is not None and folded.has_more:
        pass
    revised = "select count(*) from attempts where tenant_id = $1 and revision = 2"
    assert await owner.fetchval(revised, tenant_id) == 500
    assert await verify(database, tenant_id) == []


async def test_a_tenant_that_must_be_rebuilt_is_not_measured(
    owner: asyncpg.Connection, database: Database
) -> None:
    tenant_id = Uuid7Maker().new()
    await seed(owner, tenant_id, Shape(10, people=2, teams=1))
    await owner.execute(
        "insert into report_marks (tenant_id, kind) values ($1, 'tenant')", tenant_id
    )
    with pytest.raises(RuntimeError, match="rebuilt"):
        await ingest(database, tenant_id, 10)
