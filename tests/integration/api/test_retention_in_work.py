"""Retention and what goes on meanwhile: work in hand, disputes, verdicts, bills. [R-C13]"""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from services.api.context import ProcessContext
from services.orchestrator.retention import enforcing
from services.orchestrator.retention.enforcing import Enforcer
from shared.config import Settings
from shared.db.keys import KeyRing, read_hash_key
from shared.db.pool import Database
from shared.retention import made_at
from shared.trail.chain import HeadSigner
from tests.integration.api.conftest import IDS, Partner
from tests.integration.api.retention_world import (
    WORDS,
    LaterClock,
    Office,
    furnished_office,
    quotes_of,
)
from tests.support.tenants import TenantFactory

_SCORED = (
    "select conversation_id from scorings"
    " where tenant_id = $1 and conversation_id is not null and status = 'completed' limit 1"
)
_WITH_WORDS = (
    "select thing from (select simulation_id as thing from simulations where tenant_id = $1"
    " union all select conversation_id from conversations where tenant_id = $1) all_things"
    " where thing not in (select thing_id from removed_texts where tenant_id = $1)"
)


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


class TestWork:
    @pytest.mark.parametrize(
        ("which", "work"),
        [
            (
                "select simulation_id from simulations where tenant_id = $1 order by 1 limit 1",
                (
                    "update simulations set status = 'open', ended_at = null, end_reason = null"
                    " where tenant_id = $1 and simulation_id = $2"
                ),
            ),
            (
                _SCORED,
                (
                    "update scorings set status = 'running', assessment_id = null, finished_at = null,"
                    " overall = null where tenant_id = $1 and conversation_id = $2"
                ),
            ),
            (
                _SCORED,
                (
                    "insert into jobs (tenant_id, job_id, kind, payload, next_publish_at, created_at)"
                    " select $1, gen_random_uuid(), 'score', jsonb_build_object('type', 'rescore',"
                    " 'scoring_id', scoring_id), now(), now()"
                    " from scorings where tenant_id = $1 and conversation_id = $2"
                ),
            ),
        ],
        ids=["open", "being judged", "judged again"],
    )
    async def test_what_is_in_work_keeps_its_words_and_holds_up_no_other(
        self,
        office: Office,
        enforcer: Enforcer,
        clock: LaterClock,
        monkeypatch: Any,
        which: str,
        work: str,
    ) -> None:
        monkeypatch.setattr(enforcing, "PER_BATCH", 1)
        await office.set(**WORDS)
        held = (await office.fetch(which))[0][0]
        assert await office.fetch(f"{work} returning 1", held)
        clock.ahead = timedelta(days=31)
        for _ in range(2):  # the next passes come back for it
            await enforcer.enforce(office.tenant_id)
            assert [row["thing"] for row in await office.fetch(_WITH_WORDS)] == [held]
        await office.rest()
        await enforcer.enforce(office.tenant_id)
        assert await office.fetch(_WITH_WORDS) == []

    async def test_a_kind_in_trouble_holds_up_no_other_and_what_was_done_is_told_of(
        self, office: Office, enforcer: Enforcer, clock: LaterClock, monkeypatch: Any
    ) -> None:
        await office.set(**WORDS)
        clock.ahead = timedelta(days=31)

        async def fail(*_arguments: object) -> None:
            raise OSError

        walks = enforcing._WALKS
        following, oldest, _ = walks["simulation_transcripts"]
        monkeypatch.setitem(walks, "simulation_transcripts", (following, oldest, fail))
        with pytest.raises(OSError):  # noqa: PT011 - any
            await enforcer.enforce(office.tenant_id)
        assert not quotes_of(await office.assessment())  # of a conversation
        (row,) = await office.fetch(
            "select facts from trail where tenant_id = $1 and action = 'retention.enforced'"
        )
        assert msgspec.json.decode(row["facts"])["conversation_transcripts"] >= 1
        (due,) = await office.fetch("select due_at from retention_passes where tenant_id = $1")
        assert due["due_at"] < clock.now()

    async def test_a_dispute_keeps_the_quotes_until_its_answer_is_due(
        self, office: Office, enforcer: Enforcer, clock: LaterClock
    ) -> None:
        await office.set(**WORDS)
        moved = "update disputes set due_at = now() + interval '50 days' where tenant_id = $1"
        assert await office.fetch(f"{moved} and status = 'open' returning 1")
        clock.ahead = timedelta(days=31)
        await enforcer.enforce(office.tenant_id)
        assert quotes_of(await office.assessment())
        clock.ahead = timedelta(days=51)
        await enforcer.enforce(office.tenant_id)
        assert not quotes_of(await office.assessment())

    async def test_what_was_judged_a_moment_later_goes_with_the_words(
        self, office: Office, enforcer: Enforcer, clock: LaterClock
    ) -> None:
        await office.set(**WORDS)
        (scored,) = await office.fetch(_SCORED)
        said = made_at(scored["conversation_id"], clock.now())
        await office.fetch(
            "insert into llm_verdicts (tenant_id, learner_id, content, answer, created_at)"
            " select $1, learner_id, sha256('x'), 'words', $3::timestamptz + interval '1 minute'"
            " from conversations where tenant_id = $1 and conversation_id = $2 returning 1",
            *(scored["conversation_id"], said),
        )
        clock.ahead = said + timedelta(days=30, milliseconds=500) - datetime.now(UTC)
        await enforcer.enforce(office.tenant_id)
        assert await office.fetch("select 1 from llm_verdicts where tenant_id = $1") == []

    async def test_calls_of_this_month_and_the_last_stay_for_the_bill(
        self, office: Office, enforcer: Enforcer, clock: LaterClock
    ) -> None:
        this = clock.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        last = (this - timedelta(days=1)).replace(day=1)
        clock.ahead = this.replace(day=28, hour=12) - datetime.now(UTC)
        for at in (last, last - timedelta(seconds=1)):
            await office.fetch(
                "insert into llm_calls (tenant_id, call_id, status, task, model, host,"
                " is_installation, prompt_version, parameters, reserved_microusd, expires_at,"
                " started_at, month) values ($1, $2, 'settled', 'wording', 'm', 'h', false, '1', '{}',"
                " 0, now(), $3, date_trunc('month', $3::timestamptz)) returning 1",
                *(IDS.new(), at),
            )
        await office.set(usage_details=30)
        assert (await enforcer.enforce(office.tenant_id))["usage_details"] == 1
        (left,) = await office.fetch("select started_at from llm_calls where tenant_id = $1")
        assert left["started_at"] == last
