"""Statements on their way to a store that fails, forgets and refuses: each is there once. [R-F1]"""

from datetime import timedelta
from typing import Any

import pytest

from services.orchestrator.xapi.pusher import Pusher
from services.orchestrator.xapi.repository import LEASE, take_batch
from shared.config import Settings
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.webhooks.outbound import Outbound
from shared.xapi.stores import delete_store
from tests.integration.orchestrator.xapi_world import NOW, Sending, lrs, sending
from tests.support.waiting import eventually
from tests.support.xapi_rules import broken_rules

__all__ = ["lrs", "sending"]
"""Fixtures."""


async def test_a_store_gets_what_happens_from_now_on(sending: Sending) -> None:
    await sending.practice()
    await sending.set_store()
    assert not await sending.is_due()
    await sending.practice()
    assert await sending.is_due()

    assert await sending.send()

    statements = list(sending.lrs.statements.values())
    assert [each["verb"]["display"]["en-US"] for each in statements] == [
        "attempted", "completed", "scored", "failed",
    ]  # fmt: skip
    for statement in statements:
        assert broken_rules(statement) == []
    (request,) = sending.lrs.requests
    assert request[":path"] == "/xapi/statements"
    assert request["x-experience-api-version"] == "2.0.0"
    assert request["authorization"] == "Basic cmFwcG9ydDpwYTpzcw=="
    assert not await sending.is_due()
    assert (await sending.standing()).last_success_at == NOW


async def test_a_lost_answer_doubles_nothing(sending: Sending) -> None:
    await sending.set_store()
    await sending.practice()
    sending.lrs.forgets_answers = True

    assert not await sending.send()
    assert not await sending.is_due()
    sending.clock.at += timedelta(seconds=5)
    sending.lrs.forgets_answers = False
    assert await sending.is_due()
    assert await sending.send()

    assert sending.lrs.stored == len(sending.lrs.statements) == 4
    assert len(sending.lrs.requests) >= 2
    assert (await sending.standing()).failures == 0


async def test_a_sender_that_died_before_it_noted_success(
    sending: Sending, database: Database
) -> None:
    await sending.set_store()
    await sending.practice()
    assert await sending.send()
    async with tenant_tx(database, sending.tenant_id) as connection:
        await connection.execute(
            "update consumer_positions set position = 0 where tenant_id = $1 and consumer = 'xapi'",
            sending.tenant_id,
        )

    assert await sending.send()

    assert sending.lrs.stored == len(sending.lrs.statements) == 4


async def test_waits_grow_and_are_rows_not_tasks(sending: Sending) -> None:
    await sending.set_store()
    await sending.practice()
    sending.lrs.behavior = lambda _statements: 503
    waits = []
    for _ in range(8):
        before = sending.clock.at
        assert not await sending.send()
        assert not await sending.is_due()
        sending.clock.at = (await sending.standing()).next_attempt_at
        waits.append((sending.clock.at - before).total_seconds())

    assert waits == [5, 15, 60, 300, 900, 3600, 3600, 3600]
    standing = await sending.standing()
    assert (standing.failures, standing.last_error) == (8, "status-503")
    sending.lrs.behavior = lambda _statements: None
    assert await sending.send()
    assert len(sending.lrs.statements) == 4


async def test_a_store_may_ask_for_a_pause(sending: Sending) -> None:
    await sending.set_store()
    await sending.practice()
    sending.lrs.behavior = lambda _statements: 429
    sending.lrs.answer_headers = "Retry-After: 120\r\n"

    assert not await sending.send()

    assert (await sending.standing()).next_attempt_at == NOW + timedelta(seconds=120)


async def test_what_is_known_with_other_words_counts_as_there(sending: Sending) -> None:
    await sending.set_store()
    await sending.practice()
    assert await sending.send()
    one = next(iter(sending.lrs.statements.values()))
    one["actor"] = {"mbox": "mailto:somebody@else.example"}
    await sending.set_store(version="1.0.3")
    await sending.world.execute(
        "update consumer_positions set position = 0 where tenant_id = $1 and consumer = 'xapi'"
    )
    await sending.practice()

    assert await sending.send()

    assert len(sending.lrs.statements) == 8
    assert one["actor"] == {"mbox": "mailto:somebody@else.example"}
    assert (await sending.standing()).rejected == 0


async def test_one_bad_statement_does_not_hold_up_the_others(sending: Sending) -> None:
    await sending.set_store()
    await sending.practice()

    def picky(statements: list[dict[str, Any]]) -> int | None:
        is_bad = any(each["verb"]["id"].endswith("scored") for each in statements)
        return 400 if is_bad else None

    sending.lrs.behavior = picky
    assert await sending.send()

    assert len(sending.lrs.statements) == 3
    assert (await sending.standing()).rejected == 1
    assert not await sending.is_due()


@pytest.mark.parametrize("status", [401, 403, 404, 500, 302])
async def test_nothing_is_given_up_over_a_wrong_key_or_address(
    sending: Sending, status: int
) -> None:
    await sending.set_store()
    await sending.practice()
    sending.lrs.behavior = lambda _statements: status

    assert not await sending.send()

    standing = await sending.standing()
    assert (standing.rejected, standing.last_error) == (0, f"status-{status}")
    await sending.set_store()
    sending.lrs.behavior = lambda _statements: None
    assert await sending.send()
    assert len(sending.lrs.statements) == 4


async def test_a_long_backlog_goes_in_batches(sending: Sending) -> None:
    await sending.set_store()
    for _ in range(20):
        await sending.practice()

    rounds = 0
    while await sending.is_due():
        assert await sending.send()
        rounds += 1

    assert rounds == 2
    assert len(sending.lrs.statements) == 80


async def test_disabled_and_deleted_stores_get_nothing(
    sending: Sending, database: Database
) -> None:
    await sending.set_store(enabled=False)
    await sending.practice()
    assert not await sending.is_due()
    assert not await sending.send()
    async with tenant_tx(database, sending.tenant_id) as connection:
        await delete_store(connection, sending.tenant_id)
    assert not await sending.send()

    assert sending.lrs.requests == []


async def test_two_senders_share_by_lease(sending: Sending) -> None:
    await sending.set_store()
    await sending.practice()
    taken = await take_batch(sending.context, sending.keys, sending.tenant_id)
    assert taken is not None

    assert not await sending.send()
    assert sending.lrs.requests == []
    sending.clock.at += LEASE  # whoever took it has died
    assert await sending.send()

    assert len(sending.lrs.statements) == 4


async def test_the_loop_finds_what_is_due(sending: Sending) -> None:
    await sending.set_store()
    sending.pusher.start()
    await sending.practice()

    await eventually(lambda: len(sending.lrs.statements) == 4)


async def test_of_erased_people_nothing_is_said(sending: Sending, database: Database) -> None:
    await sending.set_store()
    await sending.practice()
    async with tenant_tx(database, sending.tenant_id) as connection:
        await connection.execute("delete from learner_keys where tenant_id = $1", sending.tenant_id)

    assert await sending.send()

    assert sending.lrs.requests == []
    assert not await sending.is_due()


async def test_private_addresses_are_refused_outside_development(
    sending: Sending, settings: Settings
) -> None:
    await sending.set_store()
    await sending.practice()
    strict = Pusher(sending.context, sending.keys, Outbound(settings, connections=1))

    assert not await strict.send(sending.tenant_id)
    await strict.stop()

    assert sending.lrs.requests == []
    assert (await sending.standing()).last_error in {"blocked-url", "blocked-address"}
