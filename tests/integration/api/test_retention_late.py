"""Retention of what came late: comments on old scores, disputes, and why things were refused. [R-C13]"""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from services.api.context import ProcessContext
from services.orchestrator.retention.enforcing import Enforcer
from shared.config import Settings
from shared.db.keys import KeyRing, read_hash_key
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import parse_id
from shared.retention import first_id
from shared.trail.chain import HeadSigner
from tests.integration.api.conftest import Partner
from tests.integration.api.retention_world import WORDS, LaterClock, Office, furnished_office
from tests.support.tenants import TenantFactory

LATE = timedelta(days=100)
"""When somebody writes about a score whose details are gone already."""


@pytest.fixture(scope="module")
def api_settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, turn_wait_s=5.0, webhook_allow_private=True)


@pytest.fixture
def clock() -> LaterClock:
    return LaterClock()


@pytest.fixture
async def enforcer(
    database: Database, keys: KeyRing, clock: LaterClock, settings: Settings
) -> Enforcer:
    return Enforcer(database, keys, clock, HeadSigner(await read_hash_key(database, settings)))


@pytest.fixture
async def office(
    http: Any, tenants: TenantFactory, context: ProcessContext, database: Database, worker: Any
) -> Office:
    return await furnished_office(Partner(http, await tenants.new()), context, database)


async def _comment_late(office: Office, clock: LaterClock) -> None:
    at = clock.now()
    assert await office.fetch(
        "insert into review_entries (tenant_id, scoring_id, sequence, kind, assessment_id, comment, at)"
        " select $1, scoring_id, 99, 'acknowledged', assessment_id, 'words', $2 from assessments"
        " where tenant_id = $1 and assessment_id = $3 returning 1",
        at,
        parse_id("asm", office.kept["assessment"]),
    )


async def _dispute_late(office: Office, clock: LaterClock, keys: KeyRing) -> bytes:
    """Open and settle a dispute; return its sealed comment."""
    dispute_id = first_id(clock.now())
    (row,) = await office.fetch(
        "select scoring_id, learner_id from assessments where tenant_id = $1 and assessment_id = $2",
        parse_id("asm", office.kept["assessment"]),
    )
    async with tenant_tx(office._database, office.tenant_id) as connection:
        own = await keys.learner(connection, office.tenant_id, row["learner_id"])
    sealed = own.seal_text("late words", "disputes.comment", dispute_id.bytes)
    assert await office.fetch(
        "insert into disputes (tenant_id, dispute_id, scoring_id, learner_id, assessment_id, status,"
        " reason_code, criteria, comment, key_id, opened_at, due_at, resolved_at)"
        " select $1, $2, scoring_id, learner_id, assessment_id, 'upheld', 'other', '{}', $3, $2, $4, $4,"
        " $4 from assessments where tenant_id = $1 and assessment_id = $5 returning 1",
        *(dispute_id, sealed, clock.now(), parse_id("asm", office.kept["assessment"])),
    )
    return sealed


async def test_what_is_written_later_goes_by_its_own_time(
    office: Office, enforcer: Enforcer, clock: LaterClock, keys: KeyRing
) -> None:
    await office.set(**WORDS)
    clock.ahead = LATE
    await enforcer.enforce(office.tenant_id)
    await _comment_late(office, clock)
    sealed = await _dispute_late(office, clock, keys)
    comments = "select comment from review_entries where tenant_id = $1 and comment is not null"
    disputes = "select comment from disputes where tenant_id = $1 and comment = $2"

    clock.ahead = LATE + timedelta(days=59)
    await enforcer.enforce(office.tenant_id)
    assert len(await office.fetch(comments)) == 1
    assert len(await office.fetch(disputes, sealed)) == 1
    (due,) = await office.fetch("select due_at from retention_passes where tenant_id = $1")
    assert due["due_at"] <= clock.now() + timedelta(days=1, minutes=1)

    clock.ahead = LATE + timedelta(days=61)
    await enforcer.enforce(office.tenant_id)
    assert await office.fetch(comments) == []
    assert await office.fetch(disputes, sealed) == []


async def test_a_later_comment_waits_for_an_open_dispute(
    office: Office, enforcer: Enforcer, clock: LaterClock
) -> None:
    await office.set(**WORDS)
    clock.ahead = LATE
    await enforcer.enforce(office.tenant_id)
    await _comment_late(office, clock)
    clock.ahead = LATE + timedelta(days=61)
    await office.fetch(
        "update disputes set status = 'open', resolved_at = null, due_at = $2"
        " where tenant_id = $1 and dispute_id in (select dispute_id from disputes d"
        " where d.tenant_id = $1 and d.scoring_id = (select scoring_id from review_entries"
        " where tenant_id = $1 and comment is not null) limit 1) returning 1",
        clock.now() + timedelta(days=1),
    )
    comments = "select comment from review_entries where tenant_id = $1 and comment is not null"
    await enforcer.enforce(office.tenant_id)
    waiting = await office.fetch(comments)
    clock.ahead = LATE + timedelta(days=63)
    await enforcer.enforce(office.tenant_id)
    assert len(waiting) == 1
    assert await office.fetch(comments) == []


@pytest.mark.parametrize(("kept", "days"), [(None, 30), (7, 7), (730, 30)])
async def test_why_things_were_refused_goes_within_thirty_days(
    office: Office, enforcer: Enforcer, clock: LaterClock, kept: int | None, days: int
) -> None:
    await office.set(conversation_transcripts=kept)
    await office.fetch(
        "insert into refused_conversations (tenant_id, operation_id, item, errors)"
        " values ($1, $2, 7, 'words') returning 1",
        parse_id("op", office.kept["scoring_batch"]),
    )
    refused = "select 1 from refused_conversations where tenant_id = $1 and errors = 'words'"
    clock.ahead = timedelta(days=days, hours=-1)
    await enforcer.enforce(office.tenant_id)
    assert len(await office.fetch(refused)) == 1
    (due,) = await office.fetch("select due_at from retention_passes where tenant_id = $1")
    assert due["due_at"] <= clock.now() + timedelta(hours=6, minutes=1)
    clock.ahead = timedelta(days=days, hours=1)
    counts = await enforcer.enforce(office.tenant_id)
    assert await office.fetch(refused) == []
    assert counts["refused_conversations"] >= 1
