"""The data that trends are measured on is what the product itself would have counted."""

from pathlib import Path

import asyncpg
import msgspec

from infra.bench.reporting_data import SKILLS, TENANTS, attempts_by_tenant
from infra.bench.reporting_load import build, read
from services.reporting import rollup_repository
from shared.db.pool import Database
from shared.db.tx import tenant_tx

FACTS = 24_000


async def test_rollups_are_those_of_the_facts(
    database: Database, database_url: str, tmp_path: Path
):
    connection = await asyncpg.connect(database_url)
    try:
        built = await build(connection, FACTS)
        amounts = await connection.fetch(
            "select count(*) as facts, count(distinct scoring_id) as attempts from report.facts"
            " group by tenant_id order by facts desc"
        )
        attempts = await connection.fetchval("select count(*) from report.attempts")
        strays = await connection.fetchval(
            "select count(*) from report.facts f left join report.attempts a"
            " on a.tenant_id = f.tenant_id and a.scoring_id = f.scoring_id and a.day = f.day"
            " and a.person_id = f.person_id and a.team_id = f.team_id and a.source = f.source"
            " where a.scoring_id is null"
        )
    finally:
        await connection.close()
    assert len(amounts) == TENANTS
    assert [row["attempts"] for row in amounts] == attempts_by_tenant(FACTS)
    assert all(row["facts"] == len(SKILLS) * row["attempts"] for row in amounts)
    assert (attempts, strays) == (sum(attempts_by_tenant(FACTS)), 0)
    for team in built.teams[:5]:
        async with tenant_tx(database, built.tenant_id) as tenant:
            stored = await rollup_repository.of_team(tenant, built.tenant_id, team)
            assert stored
            assert stored == await rollup_repository.counted(tenant, built.tenant_id, team)
    path = tmp_path / "built.json"
    path.write_bytes(msgspec.json.encode(built))
    assert read(path, FACTS) == built
    assert read(path, FACTS + 1) is None
    assert read(tmp_path / "nothing.json", FACTS) is None
    path.write_bytes(b'{"format": 1}')
    assert read(path, FACTS) is None


def test_a_few_tenants_are_big():
    amounts = attempts_by_tenant(10_000_000)
    assert sum(amounts) * len(SKILLS) == 10_000_000 or abs(sum(amounts) * 12 - 10_000_000) < 1000
    assert 1_690_000 < amounts[0] * 12 < 1_730_000
    assert 52_000 < amounts[50] * 12 < 54_000
