"""The scores of `reporting_data` in a database, copied in once and kept for the next run."""

from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg
import msgspec
import numpy as np

from infra.bench.reporting_data import (
    ATTEMPT_COLUMNS,
    FACT_COLUMNS,
    PEOPLE,
    TEAMS,
    RollupRow,
    Tenant,
    attempts_by_tenant,
    copied,
    make_attempts,
    rollups_of,
)
from infra.migrations.migrate import migrations

FORMAT: Final = 1
"""Counts up with each change of the data's form."""

SEED: Final = 20260630

_HEAD: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TAIL: Final = b"\xff\xff"

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """What a kept database holds; anything else is built anew."""

    format: int
    schema: str
    facts: int
    tenant_id: UUID
    """The biggest tenant."""
    teams: tuple[UUID, ...]
    """Its teams."""


def read(path: Path, facts: int) -> Built | None:
    """Return what was built, or None where it must be built anew."""
    if not path.exists():
        return None
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Built)
    except msgspec.MsgspecError:  # half written, or of an older form
        return None
    wanted = (FORMAT, schema(), facts)
    return found if (found.format, found.schema, found.facts) == wanted else None


def schema() -> str:
    """Return a hash of all migrations: another schema needs another build."""
    whole = sha256()
    for name, sql in migrations():
        whole.update(f"{name}\0{sql}\0".encode())
    return whole.hexdigest()


async def build(
    connection: Connection, facts: int, biggest: UUID | None = None, teams: Sequence[UUID] = ()
) -> Built:
    """Write all tenants.

    Args:
        connection: the owner's, who is bound by no row security.
        facts: how many scores in all.
        biggest: a tenant that is there already and becomes the biggest, if there is one.
        teams: its teams.
    """
    random = np.random.default_rng(SEED)
    await connection.execute("set search_path = app, report")
    await connection.execute("drop index if exists report.facts_team")
    tenants = []
    for number, amount in enumerate(attempts_by_tenant(facts)):
        is_given = number == 0 and biggest is not None
        tenant = _tenant(random, amount, biggest if is_given else None, teams if is_given else ())
        if not is_given:
            await _insert(connection, tenant, number)
        await _fill(connection, tenant, random, number)
        tenants.append(tenant)
    await connection.execute(
        "create index facts_team on report.facts (tenant_id, team_id, day)"
        " include (skill, source, person_id, score)"
    )
    for table in ("facts", "attempts", "rollups"):
        await connection.execute(f"vacuum (analyze, freeze) report.{table}")
    return Built(
        format=FORMAT,
        schema=schema(),
        facts=facts,
        tenant_id=tenants[0].tenant_id,
        teams=tenants[0].teams,
    )


def _tenant(
    random: np.random.Generator, attempts: int, tenant_id: UUID | None, teams: Sequence[UUID]
) -> Tenant:
    return Tenant(
        tenant_id=tenant_id or UUID(bytes=random.bytes(16)),
        teams=tuple(teams) or tuple(UUID(bytes=random.bytes(16)) for _ in range(TEAMS)),
        people=tuple(sorted(random.bytes(16) for _ in range(PEOPLE))),
        attempts=attempts,
    )


async def _insert(connection: Connection, tenant: Tenant, number: int) -> None:
    await connection.execute(
        "insert into tenants (tenant_id, slug, created_at) values ($1, $2, now())",
        tenant.tenant_id,
        f"bench-{number}",
    )
    await connection.executemany(
        "insert into teams (tenant_id, team_id, name, created_at) values ($1, $2, '', now())",
        [(tenant.tenant_id, team) for team in tenant.teams],
    )


async def _fill(
    connection: Connection, tenant: Tenant, random: np.random.Generator, number: int
) -> None:
    attempts = make_attempts(random, tenant.attempts)
    parts = list(copied(tenant, attempts, number))
    for table, columns, blobs in (
        ("facts", FACT_COLUMNS, [part.facts for part in parts]),
        ("attempts", ATTEMPT_COLUMNS, [part.attempts for part in parts]),
    ):
        await connection.copy_to_table(
            table,
            schema_name="report",
            columns=columns,
            source=_stream(blobs),
            format="binary",
        )
    await connection.execute(
        "insert into report.rollup_versions (tenant_id, version) values ($1, 1)", tenant.tenant_id
    )
    await connection.copy_records_to_table(
        "rollups",
        schema_name="report",
        columns=RollupRow._fields,
        records=rollups_of(tenant, attempts),
    )


async def _stream(blobs: Sequence[bytes]) -> AsyncIterator[bytes]:
    yield _HEAD
    for blob in blobs:
        yield blob
    yield _TAIL
