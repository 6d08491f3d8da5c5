"""Through the gateway to the scripted endpoint: what leaves, what is kept, what it costs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from infra.tenant_llm import ModelChange, ModelRegistry
from shared.clock import SystemClock
from shared.config import Settings
from shared.contracts.llm import Message, Prompt, Task, WhyEmbedded
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.sealed import SealKey
from shared.db.tx import tenant_tx
from shared.ids import Uuid7Maker
from shared.llm.gateway import Gateway, gateway
from shared.llm.ports import ChatRequest, ModelFailedError, Purpose
from shared.llm.records import ANSWER_COLUMN
from tests.support.llm import FakeLlm, answering, endpoint, with_endpoint
from tests.support.tenants import TenantFactory

IDS = Uuid7Maker()
KEY = "sk-canary-4b1c-never-stored"
MAIL = "zoe.canary@example.com"
PHONE = "+43 664 1234567"
NAME = "Zoe Canary"
SAID = f"I am {NAME}, write to {MAIL} or call {PHONE}; the order is 4471-2098."


@pytest.fixture
async def fake() -> AsyncIterator[FakeLlm]:
    async with endpoint() as running:
        yield running


@pytest.fixture
async def model(
    fake: FakeLlm, settings: Settings, database: Database, keys: KeyRing
) -> AsyncIterator[Gateway]:
    made = gateway(with_endpoint(settings, fake.url), database, keys, clock=SystemClock(), ids=IDS)
    yield made
    await made.close()


@pytest.fixture
async def tenant_id(
    fake: FakeLlm, tenants: TenantFactory, database: Database, keys: KeyRing
) -> UUID:
    found = (await tenants.new()).tenant_id
    change = ModelChange(base_url=fake.url, api_key=KEY, model="gpt-4o-mini")
    await ModelRegistry(database, keys).change(found, change)
    return found


def request(tenant_id: UUID, key: SealKey, **changes: Any) -> ChatRequest:
    messages = (
        Message(role="system", content="You are the customer."),
        Message(role="user", content=SAID),
    )
    purpose = Purpose(tenant_id=tenant_id, task=Task.WORDING, environment="live")
    return ChatRequest(
        **{
            "purpose": purpose,
            "prompt": Prompt(messages=messages, version="0123456789ab"),
            "key": key,
            "max_output_tokens": 100,
            "deadline_s": 10.0,
            "names": (NAME,),
            **changes,
        }
    )


@pytest.fixture
async def key(tenant_id: UUID, database: Database, keys: KeyRing) -> SealKey:
    return await keys.warm(database, tenant_id)


def sent(fake: FakeLlm) -> str:
    return str(fake.asked[-1].json()["messages"])


class TestLeaving:
    async def test_marks_leave_and_words_come_back(
        self, fake: FakeLlm, model: Gateway, tenant_id: UUID, key: SealKey
    ) -> None:
        fake.play(answering(text="Is [EMAIL_1] yours, [NAME_1]?"))
        answer = await model.chat(request(tenant_id, key))
        assert answer.text == f"Is {MAIL} yours, {NAME}?"
        for words in (MAIL, PHONE, NAME):
            assert words not in sent(fake)
        assert "4471-2098" in sent(fake)

    async def test_where_the_tenant_wants_it_words_leave_as_they_are(
        self,
        fake: FakeLlm,
        model: Gateway,
        tenant_id: UUID,
        key: SealKey,
        database: Database,
        keys: KeyRing,
    ) -> None:
        await ModelRegistry(database, keys).change(tenant_id, ModelChange(is_redacted=False))
        fake.play(answering(text="Yes."))
        await model.chat(request(tenant_id, key))
        assert SAID in sent(fake)

    async def test_facts_of_the_scenario_leave_as_they_are(
        self, fake: FakeLlm, model: Gateway, tenant_id: UUID, key: SealKey
    ) -> None:
        fake.play(answering(text="Yes."))
        await model.chat(request(tenant_id, key, kept=(PHONE,)))
        assert PHONE in sent(fake)
        assert MAIL not in sent(fake)

    async def test_the_learners_name_leaves_as_a_mark_though_nobody_named_it(
        self, fake: FakeLlm, model: Gateway, tenant_id: UUID, database: Database, keys: KeyRing
    ) -> None:
        learner_id, own = await _learner(database, keys, tenant_id)
        fake.play(answering(text="Good day, [NAME_1]."))
        purpose = Purpose(
            tenant_id=tenant_id, task=Task.WORDING, environment="live", learner_id=learner_id
        )
        answer = await model.chat(request(tenant_id, own, purpose=purpose, names=()))
        assert answer.text == f"Good day, {NAME}."
        assert NAME not in sent(fake)


async def _learner(database: Database, keys: KeyRing, tenant_id: UUID) -> tuple[UUID, SealKey]:
    learner_id, tenant = IDS.new(), await keys.warm(database, tenant_id)
    wrapped = tenant.new_learner_key(learner_id)
    own = tenant.learner_key(learner_id, wrapped)
    async with tenant_tx(database, tenant_id) as connection:
        await connection.execute(
            "insert into learners (tenant_id, learner_id, person_id, name, external_id,"
            " external_id_hash, created_at) values ($1, $2, $2, $3, $4, $4, now())",
            tenant_id,
            learner_id,
            own.seal_text(NAME, "learners.name", learner_id.bytes),
            learner_id.bytes,
        )
        await connection.execute(
            "insert into learner_keys (tenant_id, learner_id, wrapped) values ($1, $2, $3)",
            tenant_id,
            learner_id,
            wrapped,
        )
    return learner_id, own


class TestStaying:
    async def test_nothing_rests_in_clear_and_the_answer_can_be_read_again(
        self,
        fake: FakeLlm,
        model: Gateway,
        tenant_id: UUID,
        key: SealKey,
        database: Database,
        database_url: str,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        fake.play(answering(text="Is [EMAIL_1] yours, canary-answer?"))
        answer = await model.chat(request(tenant_id, key))
        printed = capsys.readouterr()
        async with tenant_tx(database, tenant_id) as connection:
            row = await connection.fetchrow(
                "select * from llm_calls where tenant_id = $1 and call_id = $2",
                tenant_id,
                answer.call.call_id,
            )
        assert row is not None
        kept = key.open_text(row["answer"], ANSWER_COLUMN, answer.call.call_id.bytes)
        assert "canary-answer" in kept
        assert row["cost_microusd"] == answer.call.cost_microusd > 0
        assert row["status"] == "settled"
        secrets = (KEY, MAIL, PHONE, NAME, "canary-answer")
        assert not [each for each in secrets if each in printed.out + printed.err]
        text = await _everything(database_url)
        assert not [each for each in secrets if each in text or each.encode().hex() in text]


async def _everything(database_url: str) -> str:
    connection = await asyncpg.connect(database_url)
    try:
        tables = await connection.fetch(
            "select format('%I.%I', schemaname, tablename) as name from pg_tables"
            " where schemaname in ('app', 'report') and tablename like any (array['llm%', 'jobs',"
            " 'events', 'operations'])"
        )
        parts = []
        for table in tables:
            rows = await connection.fetch(f"select t::text as text from {table['name']} t")
            parts += [row["text"] for row in rows]
        return "\n".join(parts)
    finally:
        await connection.close()


class TestMoney:
    async def test_without_budget_nothing_is_asked(
        self,
        fake: FakeLlm,
        model: Gateway,
        tenant_id: UUID,
        key: SealKey,
        database: Database,
        keys: KeyRing,
    ) -> None:
        await ModelRegistry(database, keys).change(tenant_id, ModelChange(monthly_usd="0.000001"))
        with pytest.raises(ModelFailedError) as raised:
            await model.chat(request(tenant_id, key))
        assert raised.value.why is WhyEmbedded.BUDGET
        assert fake.count == 0

    async def test_two_hundred_at_once_never_spend_more_than_the_budget(
        self,
        fake: FakeLlm,
        model: Gateway,
        tenant_id: UUID,
        key: SealKey,
        database: Database,
        keys: KeyRing,
    ) -> None:
        change = ModelChange(monthly_usd="0.005", max_in_flight=20)
        await ModelRegistry(database, keys).change(tenant_id, change)
        fake.play(answering(text="word " * 100))

        async def ask() -> int | WhyEmbedded:
            try:
                return (await model.chat(request(tenant_id, key))).call.cost_microusd
            except ModelFailedError as error:
                return error.why

        answers: list[int | WhyEmbedded] = []
        for _ in range(8):
            answers += await asyncio.gather(*(ask() for _ in range(25)))
        costs = [each for each in answers if isinstance(each, int)]
        refused = {each for each in answers if not isinstance(each, int)}
        assert 0 < sum(costs) <= 5000
        assert len(costs) == fake.count
        assert refused == {WhyEmbedded.BUDGET, WhyEmbedded.BUSY}
        async with tenant_tx(database, tenant_id) as connection:
            row = await connection.fetchrow(
                "select spent_microusd, reserved_microusd, in_flight from llm_months"
                " where tenant_id = $1",
                tenant_id,
            )
        assert row is not None
        assert dict(row) == {
            "spent_microusd": sum(costs), "reserved_microusd": 0, "in_flight": 0,
        }  # fmt: skip

    async def test_a_test_key_asks_nothing(
        self, fake: FakeLlm, model: Gateway, tenant_id: UUID, key: SealKey
    ) -> None:
        purpose = Purpose(tenant_id=tenant_id, task=Task.WORDING, environment="test")
        with pytest.raises(ModelFailedError) as raised:
            await model.chat(request(tenant_id, key, purpose=purpose))
        assert raised.value.why is WhyEmbedded.TEST_KEY
        assert fake.count == 0
