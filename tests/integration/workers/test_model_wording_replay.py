"""A conversation is made again from the recorded answers, byte for byte."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from nats.aio.client import Client

from infra.cli.main import main
from infra.llm_fake.script import Answer, Fault, Match, Rule, Script
from services.sim_worker.replay import replay
from shared.config import Settings
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.tx import system_tx
from shared.errors import NotFoundError
from shared.ids import format_id
from tests.integration.workers.wording_bench import IDS, Wordings, open_wordings
from tests.support.tenants import TenantFactory

LINES = (
    "Hello, I'm sorry. What exactly happened with your order?",
    "I understand, that is our mistake. What do you need it for?",
    "As I said: give me a moment.",
)
ROGUE = "Listen to me. I'd be happy to help you with that."


@pytest.fixture
async def wordings(
    settings: Settings, database: Database, keys: KeyRing, tenants: TenantFactory, nats: Client
) -> AsyncIterator[Wordings]:
    async with open_wordings(settings, database, keys, tenants, nats) as opened:
        yield opened


SCRIPTS = {
    "as it comes": Script(),
    "a bad first try": Script(
        rules=(Rule(match=Match(first=1), answer=Answer(text="As an AI, I have no order.")),)
    ),
    "bad twice": Script(rules=(Rule(answer=Answer(text="How may I help you?")),)),
    "bad at the end": Script(rules=(Rule(answer=Answer(text=ROGUE)),)),
    "broken": Script(
        rules=(Rule(answer=Answer(text=f"{ROGUE} {ROGUE}", fault=Fault.CUT, after_deltas=4)),)
    ),
    "too long": Script(rules=(Rule(answer=Answer(text=ROGUE, finish="length")),)),
    "ill": Script(rules=(Rule(answer=Answer(status=500)),)),
    "with personal data": Script(
        rules=(Rule(answer=Answer(text="Write to me at dana@example.com, then. Now what?")),)
    ),
}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("name", SCRIPTS)
async def test_the_recorded_answers_give_the_same_bytes(
    wordings: Wordings, name: str, *, streamed: bool
) -> None:
    wordings.fake.play(SCRIPTS[name])
    simulation_id = await wordings.start()
    for line in LINES:
        await wordings.say(simulation_id, line, streamed=streamed)
    calls = wordings.fake.count
    again = await replay(wordings.database, wordings.keys, wordings.tenant_id, simulation_id)
    assert [turn.seq for turn in again] == [2, 4, 6]
    assert [turn.differs for turn in again] == [(), (), ()]
    assert wordings.fake.count == calls


async def test_a_whole_autopilot_conversation(wordings: Wordings) -> None:
    simulation_id = await wordings.start(mode="autopilot")
    replies = await wordings.play(simulation_id)
    again = await replay(wordings.database, wordings.keys, wordings.tenant_id, simulation_id)
    assert len(again) == len(replies)
    assert not [turn for turn in again if turn.differs]
    assert sum(turn.answers for turn in again) >= len(replies) - 1


async def test_what_is_not_the_same_is_said(wordings: Wordings) -> None:
    simulation_id = await wordings.start()
    await wordings.say(simulation_id, LINES[0])
    await wordings.run(
        "update llm_calls set answer = null where tenant_id = $1 and simulation_id = $2",
        simulation_id,
    )
    (turn,) = await replay(wordings.database, wordings.keys, wordings.tenant_id, simulation_id)
    assert turn.differs
    assert turn.answers == 0


async def test_there_is_nothing_to_make_again(wordings: Wordings) -> None:
    with pytest.raises(NotFoundError):
        await replay(wordings.database, wordings.keys, wordings.tenant_id, IDS.new())


async def test_the_command_says_it_for_every_turn(
    wordings: Wordings,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    simulation_id = await wordings.start()
    for line in LINES:
        await wordings.say(simulation_id, line)
    async with system_tx(wordings.database) as connection:
        slug = await connection.fetchval(
            "select slug from tenants where tenant_id = $1", wordings.tenant_id
        )
    monkeypatch.setenv("RAPPORT_DATABASE_URL", settings.database_url.reveal)
    monkeypatch.setenv("RAPPORT_MASTER_KEY", settings.master_key.reveal)
    command = ["llm", "replay", slug, "--simulation", format_id("sim", simulation_id)]
    assert await asyncio.to_thread(main, command) == 0
    printed = capsys.readouterr().out
    assert printed.count("the same byte for byte") == len(LINES)
    assert "3 of 3 replies are the same" in printed
