"""Retention: what is too old loses its words; nothing that was counted changes. [R-C13]"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.api.context import ProcessContext
from services.orchestrator.retention import enforcing
from services.orchestrator.retention.activities import RetentionActivities
from services.orchestrator.retention.enforcing import SOONEST, Enforcer
from services.orchestrator.retention.pruning import prune
from services.orchestrator.trail.sealer import Sealer
from services.reporting.rebuild import rebuild, verify
from shared.config import Settings
from shared.db.keys import KeyRing, read_hash_key
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import parse_id
from shared.trail.chain import HeadSigner
from shared.trail.entries import SYSTEM, Entry, record
from shared.trail.reading import find_head
from shared.trail.verifying import verify as verify_trail
from tests.integration.api.conftest import IDS, Partner
from tests.integration.api.retention_world import (
    WORDS,
    LaterClock,
    Office,
    furnished_office,
    quotes_of,
)
from tests.support.tenants import TenantFactory


@pytest.fixture(scope="module")
def api_settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, turn_wait_s=5.0, webhook_allow_private=True)


@pytest.fixture
def clock() -> LaterClock:
    return LaterClock()


@pytest.fixture(scope="module")
async def signer(database: Database, settings: Settings) -> HeadSigner:
    return HeadSigner(await read_hash_key(database, settings))


@pytest.fixture
def enforcer(database: Database, keys: KeyRing, clock: LaterClock, signer: HeadSigner) -> Enforcer:
    return Enforcer(database, keys, clock, signer)


@pytest.fixture
async def office(
    http: Any, tenants: TenantFactory, context: ProcessContext, database: Database, worker: Any
) -> Office:
    return await furnished_office(Partner(http, await tenants.new()), context, database)


def _numbers(value: Any) -> Any:
    """An answer without its words: what has to stay."""
    if isinstance(value, dict):
        out = {"evidence", "advice", "text", "quote"}
        return {name: _numbers(each) for name, each in value.items() if name not in out}
    return [_numbers(each) for each in value] if isinstance(value, list) else value


class TestWords:
    async def test_words_go_and_numbers_stay(
        self, office: Office, enforcer: Enforcer, clock: LaterClock, database: Database
    ) -> None:
        await office.set(**WORDS)
        await rebuild(database, office.tenant_id)
        before = await office.assessment()
        rollups = await office.fetch("select * from report.rollups where tenant_id = $1")
        assert quotes_of(before)
        assert all(await office.turns())
        clock.ahead = timedelta(days=31)
        counts = await enforcer.enforce(office.tenant_id)
        assert counts["simulation_transcripts"] >= 2
        assert counts["conversation_transcripts"] >= 1
        assert not any(await office.turns())
        after = await office.assessment()
        assert (quotes_of(after), after["advice"]) == ([], [])
        assert _numbers(after) == _numbers(before)
        assert await verify(database, office.tenant_id) == []
        assert rollups == await office.fetch("select * from report.rollups where tenant_id = $1")

    async def test_nothing_goes_a_day_too_early(
        self, office: Office, enforcer: Enforcer, clock: LaterClock
    ) -> None:
        await office.set(**WORDS)
        clock.ahead = timedelta(days=29)
        counts = await enforcer.enforce(office.tenant_id)
        assert not any(counts[kind] for kind in WORDS)
        assert all(await office.turns())
        assert quotes_of(await office.assessment())

    async def test_details_take_comments_too(
        self, office: Office, enforcer: Enforcer, clock: LaterClock
    ) -> None:
        path = f"/v1/disputes/{office.kept['dispute']}"
        assert (await office.get(path))["comment"] == "I did."
        await office.set(
            simulation_transcripts=None, conversation_transcripts=None, score_details=60
        )
        clock.ahead = timedelta(days=61)
        await enforcer.enforce(office.tenant_id)
        assert not (await office.get(path))["comment"]
        assert quotes_of(await office.assessment()) == []
        assert all(await office.turns())  # kept as long as the learner

    async def test_what_a_model_said_goes_too(
        self, office: Office, enforcer: Enforcer, clock: LaterClock, database: Database
    ) -> None:
        simulation = parse_id("sim", office.kept["simulation"])
        async with tenant_tx(database, office.tenant_id) as connection:
            await connection.execute(
                "insert into llm_calls (tenant_id, call_id, status, task, simulation_id, model, host,"
                " is_installation, prompt_version, parameters, reserved_microusd, expires_at,"
                " started_at, month, answer) values ($1, $2, 'settled', 'wording', $3, 'm', 'h', false,"
                " '1', '{}', 0, now(), now(), date_trunc('month', now()), 'words')",
                office.tenant_id,
                IDS.new(),
                simulation,
            )
        await office.set(**WORDS)
        clock.ahead = timedelta(days=31)
        await enforcer.enforce(office.tenant_id)
        (call,) = await office.fetch("select answer from llm_calls where tenant_id = $1")
        assert call["answer"] is None
        clock.ahead = timedelta(days=401)
        assert (await enforcer.enforce(office.tenant_id))["usage_details"] == 1

    async def test_what_needs_words_is_refused(
        self, office: Office, enforcer: Enforcer, clock: LaterClock
    ) -> None:
        await office.set(**WORDS)
        clock.ahead = timedelta(days=31)
        await enforcer.enforce(office.tenant_id)
        for path, body in (
            (f"/v1/simulations/{office.kept['simulation']}/branches", {"from_seq": 0}),
            (f"/v1/scorings/{office.kept['scoring']}/rescore", {}),
        ):
            response = await office.partner.post(path, body)
            assert (response.status_code, response.json()["code"]) == (409, "transcript-removed")

    async def test_erased_people_hold_nothing_up(
        self, office: Office, enforcer: Enforcer, clock: LaterClock, database: Database
    ) -> None:
        async with tenant_tx(database, office.tenant_id) as connection:
            await connection.execute(
                "delete from learner_keys where tenant_id = $1", office.tenant_id
            )
        clock.ahead = timedelta(days=1200)
        assert (await enforcer.enforce(office.tenant_id))["simulation_transcripts"] >= 2
        assert (await enforcer.enforce(office.tenant_id))["simulation_transcripts"] == 0


class TestPasses:
    async def test_a_second_pass_finds_nothing(
        self, office: Office, enforcer: Enforcer, clock: LaterClock
    ) -> None:
        await office.set(**WORDS)
        clock.ahead = timedelta(days=100)
        assert any((await enforcer.enforce(office.tenant_id)).values())
        assert not any((await enforcer.enforce(office.tenant_id)).values())

    async def test_a_broken_pass_is_gone_on_with(
        self, office: Office, enforcer: Enforcer, clock: LaterClock, monkeypatch: Any
    ) -> None:
        monkeypatch.setattr(enforcing, "PER_BATCH", 1)
        await office.set(**WORDS)
        clock.ahead = timedelta(days=100)
        batches: list[int] = []

        def stop_after_two(size: int) -> None:
            batches.append(size)
            if len(batches) == 2:
                raise RuntimeError

        with pytest.raises(RuntimeError):
            await enforcer.enforce(office.tenant_id, stop_after_two)
        removed = "select count(*) as n from removed_texts r join simulations s on s.tenant_id = $1 and s.simulation_id = r.thing_id where r.tenant_id = $1"
        assert (await office.fetch(removed))[0]["n"] == 2
        await enforcer.enforce(office.tenant_id)
        assert not any(await office.turns())

    async def test_who_is_due(
        self,
        office: Office,
        enforcer: Enforcer,
        clock: LaterClock,
        database: Database,
        tenants: TenantFactory,
    ) -> None:
        activities = RetentionActivities(
            _OnlyClock(clock=clock, database=database),  # type: ignore[arg-type]  # what it uses
            enforcer,
        )
        idle = (await tenants.new()).tenant_id
        assert {idle, office.tenant_id} <= set(await activities.list_due())
        for tenant_id in (idle, office.tenant_id):
            await enforcer.enforce(tenant_id)
        assert not {idle, office.tenant_id} & set(await activities.list_due())
        clock.ahead = timedelta(days=29)
        assert idle not in await activities.list_due()  # nothing in it can be old before
        await office.set(webhook_payloads=1)  # counts at once
        assert office.tenant_id in await activities.list_due()

    async def test_a_busy_tenant_is_looked_at_a_few_times_a_day(
        self, office: Office, enforcer: Enforcer, clock: LaterClock
    ) -> None:
        await office.set(webhook_payloads=1)
        await enforcer.enforce(office.tenant_id)
        (row,) = await office.fetch("select due_at from retention_passes where tenant_id = $1")
        assert row["due_at"] >= clock.now() + SOONEST - timedelta(minutes=1)

    async def test_it_is_written_down(
        self, office: Office, enforcer: Enforcer, clock: LaterClock
    ) -> None:
        await office.set(**WORDS)
        clock.ahead = timedelta(days=31)
        counts = await enforcer.enforce(office.tenant_id)
        (row,) = await office.fetch(
            "select facts from trail where tenant_id = $1 and action = 'retention.enforced'"
        )
        assert msgspec.json.decode(row["facts"]) == {k: n for k, n in counts.items() if n}


class TestDeletions:
    async def test_payloads(self, office: Office, enforcer: Enforcer, clock: LaterClock) -> None:
        async def left() -> int:
            rows = await office.fetch(
                "select 1 from webhook_deliveries where tenant_id = $1 and status <> 'pending'"
            )
            return len(rows)

        await office.fetch(
            "update webhook_deliveries set status = 'succeeded', next_attempt_at = null,"
            " lease_until = null, finished_at = now() where tenant_id = $1 returning 1"
        )
        assert await left()
        await office.set(webhook_payloads=3)
        clock.ahead = timedelta(days=2)
        await enforcer.enforce(office.tenant_id)
        assert await left()
        clock.ahead = timedelta(days=4)
        await enforcer.enforce(office.tenant_id)
        assert not await left()

    async def test_the_audit_log_loses_its_beginning_and_stays_whole(
        self, database: Database, signer: HeadSigner, clock: LaterClock
    ) -> None:
        chain = IDS.new()
        await _trail(database, signer, clock, chain, days_ago=(500, 450, 400, 300, 1))
        before = clock.now() - timedelta(days=365)
        assert await prune(database, signer, chain, before) == 3
        assert await prune(database, signer, chain, before) == 0
        verdict = await verify_trail(database, chain, signer)
        assert (verdict.entries, verdict.findings) == (2, ())
        await _trail(database, signer, clock, chain, days_ago=(0,))  # and goes on
        assert not (await verify_trail(database, chain, signer)).findings

    async def test_the_newest_entry_stays(
        self, database: Database, signer: HeadSigner, clock: LaterClock
    ) -> None:
        chain = IDS.new()
        await _trail(database, signer, clock, chain, days_ago=(500, 499))
        assert await prune(database, signer, chain, clock.now() - timedelta(days=365)) == 1
        async with tenant_tx(database, chain) as connection:
            stored = await find_head(connection, chain)
        assert stored is not None
        assert (stored.head.position, stored.head.pruned_position) == (2, 1)

    async def test_a_clock_that_is_wrong_prunes_nothing_young(
        self, database: Database, signer: HeadSigner, clock: LaterClock
    ) -> None:
        chain = IDS.new()
        await _trail(database, signer, clock, chain, days_ago=(200, 100, 0))
        with pytest.raises(Exception, match="DELETE 0"):
            await prune(database, signer, chain, clock.now() + timedelta(days=1000))
        assert (await verify_trail(database, chain, signer)).entries == 3


async def _trail(
    database: Database,
    signer: HeadSigner,
    clock: LaterClock,
    chain: UUID,
    *,
    days_ago: tuple[int, ...],
) -> None:
    async with tenant_tx(database, chain) as connection:
        for days in days_ago:
            entry = Entry(
                tenant_id=chain,
                actor=SYSTEM,
                action="key.created",
                target="x",
                request_id="",
                at=clock.now() - timedelta(days=days),
            )
            await record(connection, entry)
    while await Sealer(database, clock, signer).seal():
        pass


class _OnlyClock(msgspec.Struct, kw_only=True):
    clock: Any
    database: Any
