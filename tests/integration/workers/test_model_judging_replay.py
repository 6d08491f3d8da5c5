"""An assessment is made again from the recorded answers, byte for byte."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from nats.aio.client import Client

from infra.cli.main import main
from infra.llm_fake.script import Answer, Match, Rule, Script
from services.scoring_worker.replay import replay
from shared.config import Settings
from shared.contracts.llm import Judging
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.tx import system_tx
from shared.errors import NotFoundError
from shared.ids import format_id
from tests.integration.workers.model_bench import IDS, Bench, open_bench
from tests.support.tenants import TenantFactory


@pytest.fixture
async def bench(
    database: Database, keys: KeyRing, tenants: TenantFactory, settings: Settings, nats: Client
) -> AsyncIterator[Bench]:
    async with open_bench(database, keys, tenants, settings, nats) as opened:
        yield opened


@pytest.mark.parametrize("judging", list(Judging))
async def test_the_recorded_answers_give_the_same_bytes(bench: Bench, judging: Judging) -> None:
    await bench.use(judging, samples=2)
    message, scoring_id = await bench.hand_in()
    await bench.worker.handle(message)
    calls = bench.fake.count
    again = await replay(bench.database, bench.keys, bench.tenant_id, scoring_id)
    assert (again.is_same, again.why) == (True, "")
    assert again.answers == calls == bench.fake.count
    await bench.judge_again(scoring_id)  # everything from the cache
    again = await replay(bench.database, bench.keys, bench.tenant_id, scoring_id)
    assert (again.is_same, again.answers) == (True, calls)


async def test_with_failures_and_repairs_too(bench: Bench) -> None:
    await bench.use(Judging.MODEL)
    rules = (
        Rule(match=Match(first=1), answer=Answer(text="Not JSON.")),
        Rule(match=Match(after=2, first=1), answer=Answer(refusal="No.")),
    )
    bench.fake.play(Script(rules=rules))
    message, scoring_id = await bench.hand_in()
    await bench.worker.handle(message)
    again = await replay(bench.database, bench.keys, bench.tenant_id, scoring_id)
    assert (again.is_same, again.why) == (True, "")


async def test_what_is_gone_or_changed_is_said(bench: Bench) -> None:
    await bench.use(Judging.MODEL)
    message, scoring_id = await bench.hand_in()
    await bench.worker.handle(message)
    await bench.run("update llm_calls set answer = null where tenant_id = $1")
    again = await replay(bench.database, bench.keys, bench.tenant_id, scoring_id)
    assert not again.is_same
    assert "recorded answers are gone" in again.why
    with pytest.raises(NotFoundError):
        await replay(bench.database, bench.keys, bench.tenant_id, IDS.new())


async def test_the_command_says_it_in_words(
    bench: Bench,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await bench.use(Judging.MODEL)
    message, scoring_id = await bench.hand_in()
    await bench.worker.handle(message)
    monkeypatch.setenv("RAPPORT_DATABASE_URL", settings.database_url.reveal)
    monkeypatch.setenv("RAPPORT_MASTER_KEY", settings.master_key.reveal)
    async with system_tx(bench.database) as connection:
        slug = await connection.fetchval(
            "select slug from tenants where tenant_id = $1", bench.tenant_id
        )
    command = ["llm", "replay", slug, "--scoring", format_id("scr", scoring_id)]
    assert await asyncio.to_thread(main, command) == 0
    assert "the same byte for byte" in capsys.readouterr().out
    assert await asyncio.to_thread(main, [*command[:-1], "scr_nothing"]) != 0
