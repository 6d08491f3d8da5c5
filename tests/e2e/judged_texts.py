"""Whether every score is of the conversation that is stored: by the hash that the judge wrote down."""

from uuid import UUID

import msgspec

from infra.devstack.credentials import Credentials
from infra.provision import settings_for
from services.scoring_worker.judging.provenance import content_hash
from services.scoring_worker.repository import ScoringRepository
from shared.contracts.scoring import JudgeResult
from shared.db import pool
from shared.db.keys import KeyRing, key_ring
from shared.db.pool import Connection
from shared.db.sealed import UnsealError
from shared.db.sql import Queries
from shared.db.tx import tenant_tx
from shared.ids import format_id
from tests.e2e.partner import Partner

SQL = Queries("services.scoring_worker")


async def misjudged(partner: Partner) -> list[str]:
    """Return what is wrong with the tenant's scores; empty: each is of what is stored."""
    product = partner.product
    secrets = (product.data_dir / "secrets.json").read_bytes()
    master_key = msgspec.json.decode(secrets, type=Credentials).master_key
    settings = settings_for(product.up.database_url, master_key)
    database = await pool.connect(settings, "judged-texts")
    try:
        async with tenant_tx(database, partner.tenant_id) as connection:
            rows = await connection.fetch(
                "select scoring_id from scorings where tenant_id = $1 and status = 'completed'",
                partner.tenant_id,
            )
            keys, found = key_ring(settings), []
            for (scoring_id,) in rows:
                fault = await _fault(connection, keys, partner.tenant_id, scoring_id)
                found += [f"{format_id('scr', scoring_id)}: {fault}"] if fault else []
    finally:
        await database.close()
    return found


async def _fault(
    connection: Connection, keys: KeyRing, tenant_id: UUID, scoring_id: UUID
) -> str | None:
    try:
        return await _other_text(connection, keys, tenant_id, scoring_id)
    except UnsealError:
        return "what was said, or what was judged, is of another row"


async def _other_text(
    connection: Connection, keys: KeyRing, tenant_id: UUID, scoring_id: UUID
) -> str | None:
    row = await connection.fetchrow(SQL["last_judged"], tenant_id, scoring_id)
    if row is None:
        return "no judgment"
    repository = ScoringRepository(connection, tenant_id, await keys.tenant(connection, tenant_id))
    case = await repository.find_case(scoring_id, (row["rubric_id"], row["rubric_version"]))
    if case is None:
        return "no conversation"
    key = await keys.learner(connection, tenant_id, row["learner_id"])
    text = key.open(row["result"], "assessments.result", row["assessment_id"].bytes)
    made_of = msgspec.json.decode(text, type=JudgeResult).provenance
    if made_of is None or made_of.transcript_hash != content_hash(case.transcript):
        return "judged another conversation than the one that is stored"
    return None
