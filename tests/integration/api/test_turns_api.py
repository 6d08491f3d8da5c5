"""Turns over HTTP: the exchange, order, repeats, races, and what happens when news is lost."""

import asyncio
import time

from shared.db.pool import Database
from shared.db.tx import tenant_tx
from tests.integration.api.conftest import FakeWorker, Partner


async def test_an_exchange_returns_both_turns(partner: Partner, worker: FakeWorker) -> None:
    simulation = await partner.simulation()

    response = await partner.say(simulation["id"], 0, "I am sorry about that.")

    assert response.status_code == 200
    answer = response.json()
    assert answer["learner_turn"]["seq"] == 1
    assert answer["learner_turn"]["text"] == "I am sorry about that."
    assert answer["learner_turn"]["mind"] is None
    reply = answer["reply"]
    assert (reply["seq"], reply["text"], reply["surface"]) == (2, "reply 2", "answer")
    assert reply["mind"]["fairness"] == 6
    assert reply["causes"] == [{"dimension": "trust", "delta": 3, "why": "apologized"}]
    assert answer["simulation"] == {"status": "open", "end_reason": None, "last_seq": 2}


async def test_a_repeat_finds_the_same_turn(partner: Partner, worker: FakeWorker) -> None:
    simulation = await partner.simulation()
    first = await partner.say(simulation["id"], 0, key="again")

    second = await partner.say(simulation["id"], 0, key="again")

    assert second.status_code == 200
    assert second.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert second.json() == first.json()


async def test_a_key_cannot_serve_two_requests(partner: Partner, worker: FakeWorker) -> None:
    simulation = await partner.simulation()
    await partner.say(simulation["id"], 0, "one", key="reused")

    response = await partner.say(simulation["id"], 0, "two", key="reused")

    assert response.status_code == 422
    assert response.json()["code"] == "idempotency-key-reused"


async def test_fifty_equal_posts_have_one_effect(
    partner: Partner, worker: FakeWorker, database: Database
) -> None:
    simulation = await partner.simulation()

    responses = await asyncio.gather(
        *(partner.say(simulation["id"], 0, key="fifty") for _ in range(50))
    )

    assert {response.status_code for response in responses} == {200}
    assert len({response.json()["reply"]["id"] for response in responses}) == 1
    assert sum("idempotent-replayed" not in response.headers for response in responses) == 1
    turns = await partner.get(f"/v1/simulations/{simulation['id']}/turns")
    assert [turn["seq"] for turn in turns.json()["data"]] == [0, 1, 2]


async def test_two_tabs_racing_one_wins(partner: Partner, worker: FakeWorker) -> None:
    simulation = await partner.simulation()
    worker.delay_s = 0.1
    try:
        responses = await asyncio.gather(
            *(partner.say(simulation["id"], 0, f"tab {tab}") for tab in range(8))
        )
    finally:
        worker.delay_s = 0.0

    codes = sorted(response.status_code for response in responses)
    assert codes == [200] + [409] * 7
    for refused in responses:
        if refused.status_code == 409:
            assert refused.json()["code"] == "turn-in-progress"
            assert refused.headers["retry-after"] == "1"


async def test_a_stale_seq_is_told_where_the_conversation_is(
    partner: Partner, worker: FakeWorker
) -> None:
    simulation = await partner.simulation()
    await partner.say(simulation["id"], 0)

    for seq in (0, 1, 4):
        response = await partner.say(simulation["id"], seq)
        assert response.status_code == 409
        assert response.json()["code"] == "turn-out-of-order"
        assert response.json()["last_seq"] == 2


async def test_lost_news_costs_a_second_not_the_turn(partner: Partner, worker: FakeWorker) -> None:
    simulation = await partner.simulation()
    worker.is_mute = True
    try:
        started = time.monotonic()
        response = await partner.say(simulation["id"], 0)
    finally:
        worker.is_mute = False

    assert response.status_code == 200
    assert time.monotonic() - started < 5.0  # the whole wait


async def test_without_a_reply_the_answer_is_202_and_a_repeat_waits_again(
    partner: Partner, worker: FakeWorker, database: Database
) -> None:
    simulation = await partner.simulation()
    worker.is_deaf = True
    try:
        response = await partner.say(simulation["id"], 0, key="slow")
        pending = await partner.say(simulation["id"], 2)
        end = await partner.post(f"/v1/simulations/{simulation['id']}/end")
    finally:
        worker.is_deaf = False

    assert response.status_code == 202
    location = f"/v1/simulations/{simulation['id']}/turns?after_seq=1"
    assert response.headers["location"] == location
    assert response.json()["reply"] is None
    assert response.json()["simulation"]["last_seq"] == 1
    assert pending.json()["code"] == "turn-in-progress"
    assert end.json()["code"] == "turn-in-progress"

    async with tenant_tx(database, partner.tenant.tenant_id) as connection:
        waiting = await connection.fetchrow(
            "delete from jobs where tenant_id = $1 and kind = 'turn' returning payload",
            partner.tenant.tenant_id,
        )
        assert waiting is not None
        simulation_id = await connection.fetchval(
            "select simulation_id from simulations where tenant_id = $1 and last_seq = 1",
            partner.tenant.tenant_id,
        )
        await worker.write_reply(connection, partner.tenant.tenant_id, simulation_id, 2)
    again = await partner.say(simulation["id"], 0, key="slow")
    assert again.status_code == 200
    assert again.headers["idempotent-replayed"] == "true"
    listed = await partner.get(location)
    assert [turn["seq"] for turn in listed.json()["data"]] == [2]


async def test_an_ended_simulation_takes_no_turn(partner: Partner, worker: FakeWorker) -> None:
    simulation = await partner.simulation()
    await partner.post(f"/v1/simulations/{simulation['id']}/end")

    response = await partner.say(simulation["id"], 0)

    assert response.status_code == 409
    assert response.json()["code"] == "simulation-closed"


async def test_an_autopilot_takes_no_turn(partner: Partner) -> None:
    simulation = await partner.simulation(mode="autopilot", profile="skilled")

    response = await partner.say(simulation["id"], 0)

    assert response.json()["code"] == "conflict"


async def test_turns_rest_sealed(partner: Partner, worker: FakeWorker, database: Database) -> None:
    simulation = await partner.simulation()
    await partner.say(simulation["id"], 0, "a sentence nobody else says")

    async with tenant_tx(database, partner.tenant.tenant_id) as connection:
        rows = await connection.fetch(
            "select text from turns where tenant_id = $1", partner.tenant.tenant_id
        )
    assert all(b"nobody else" not in row["text"] for row in rows)
