"""Hints, results, branches and comparisons over HTTP."""

from typing import Any

import pytest

from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import parse_id
from tests.integration.api.conftest import HINT, FakeWorker, Partner


async def _talk(partner: Partner, simulation_id: str, *lines: str, seq: int = 0) -> list[Any]:
    """Say the lines one after the other; return the exchanges."""
    exchanges = []
    for line in lines:
        answer = await partner.say(simulation_id, seq, line)
        assert answer.status_code == 200, answer.text
        exchanges.append(answer.json())
        seq += 2
    return exchanges


async def _turns(partner: Partner, simulation_id: str) -> list[dict[str, Any]]:
    return (await partner.get(f"/v1/simulations/{simulation_id}/turns")).json()["data"]


def _content(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Everything but what is the turn's own."""
    own = {"id", "created_at", "hint"}
    return [{name: value for name, value in turn.items() if name not in own} for turn in turns]


async def _branch(partner: Partner, simulation_id: str, **body: Any) -> Any:
    return await partner.post(f"/v1/simulations/{simulation_id}/branches", body)


class TestHints:
    async def test_they_come_where_they_are_on(self, partner: Partner, worker: FakeWorker) -> None:
        simulation = await partner.simulation(hints=True)
        assert simulation["hints"] is True
        (exchange,) = await _talk(partner, simulation["id"], "Hello there")
        assert exchange["reply"]["hint"] == HINT
        assert exchange["learner_turn"]["hint"] is None
        assert [turn["hint"] for turn in await _turns(partner, simulation["id"])] == [
            None, None, HINT,
        ]  # fmt: skip
        result = (await partner.get(f"/v1/simulations/{simulation['id']}/result")).json()
        assert result["hints_given"] == 1

    async def test_they_are_off_by_default(self, partner: Partner, worker: FakeWorker) -> None:
        simulation = await partner.simulation()
        (exchange,) = await _talk(partner, simulation["id"], "Hello there")
        assert exchange["reply"]["hint"] is None
        assert {turn["hint"] for turn in await _turns(partner, simulation["id"])} == {None}
        result = (await partner.get(f"/v1/simulations/{simulation['id']}/result")).json()
        assert result["hints_given"] == 0


class TestResult:
    async def test_it_tells_what_the_conversation_came_to(
        self, partner: Partner, worker: FakeWorker
    ) -> None:
        simulation = await partner.simulation()
        await _talk(partner, simulation["id"], "Hello there")
        result = (await partner.get(f"/v1/simulations/{simulation['id']}/result")).json()
        assert result["simulation_id"] == simulation["id"]
        assert result["outcome"] == "unresolved"
        assert result["mind"]["anxiety"] == 5
        assert result["facts"]
        assert {fact["outcome"] for fact in result["facts"]} == {"undiscovered"}
        assert {fact["text"] for fact in result["facts"]} == {None}
        assert [step["done"] for step in result["steps"]] == [False] * len(result["steps"])
        assert result["simulator_fault"] is None

    async def test_the_customers_last_word_when_the_learner_hangs_up(
        self, partner: Partner
    ) -> None:
        simulation = await partner.simulation()
        assert simulation["closing_line"] is None
        ended = (await partner.post(f"/v1/simulations/{simulation['id']}/end")).json()
        assert ended["end_reason"] == "learner_ended"
        assert ended["closing_line"]
        assert "{" not in ended["closing_line"]

    async def test_a_strangers_is_not_found(self, partner: Partner, stranger: Partner) -> None:
        simulation = await partner.simulation()
        assert (await stranger.get(f"/v1/simulations/{simulation['id']}/result")).status_code == 404


class TestBranches:
    async def test_a_branch_shares_the_turns_before_and_goes_its_own_way(
        self, partner: Partner, worker: FakeWorker
    ) -> None:
        parent = await partner.simulation(seed=7)
        await _talk(partner, parent["id"], "first", "second", "third")
        before = await _turns(partner, parent["id"])

        answer = await _branch(partner, parent["id"], from_seq=2, hints=True)

        assert answer.status_code == 201, answer.text
        branch = answer.json()
        assert (branch["parent_id"], branch["branch_seq"]) == (parent["id"], 2)
        assert (branch["seed"], branch["scenario"]) == (7, parent["scenario"])
        assert (branch["status"], branch["last_seq"], branch["hints"]) == ("open", 2, True)
        assert _content(branch["turns"]) == _content(before[:3])
        assert {turn["id"] for turn in branch["turns"]}.isdisjoint(turn["id"] for turn in before)
        await _talk(partner, branch["id"], "another way", seq=2)
        assert len(await _turns(partner, branch["id"])) == 5
        assert await _turns(partner, parent["id"]) == before

    async def test_a_repeat_finds_the_same_branch(
        self, partner: Partner, worker: FakeWorker
    ) -> None:
        parent = await partner.simulation()
        await _talk(partner, parent["id"], "first")
        path, body = f"/v1/simulations/{parent['id']}/branches", {"from_seq": 0}
        first = await partner.post(path, body, key="again")
        second = await partner.post(path, body, key="again")
        assert first.json()["id"] == second.json()["id"]
        assert second.headers["idempotent-replayed"] == "true"

    @pytest.mark.parametrize("from_seq", [1, 3, 4, 100])
    async def test_only_from_a_turn_of_the_customer(
        self, partner: Partner, worker: FakeWorker, from_seq: int
    ) -> None:
        parent = await partner.simulation()
        await _talk(partner, parent["id"], "first")
        answer = await _branch(partner, parent["id"], from_seq=from_seq)
        assert answer.status_code == 400
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/from_seq"]

    async def test_not_from_the_turn_that_ended_it(
        self, partner: Partner, worker: FakeWorker, database: Database
    ) -> None:
        parent = await partner.simulation()
        worker.surface = "hang_up"
        await _talk(partner, parent["id"], "first")
        worker.surface = "answer"
        await _end(database, partner, parent["id"], "customer_left")
        assert (await _branch(partner, parent["id"], from_seq=2)).status_code == 409
        assert (await _branch(partner, parent["id"], from_seq=0)).status_code == 201

    async def test_an_ended_one_can_be_gone_on_with_where_the_learner_gave_up(
        self, partner: Partner, worker: FakeWorker
    ) -> None:
        parent = await partner.simulation()
        await _talk(partner, parent["id"], "first")
        await partner.post(f"/v1/simulations/{parent['id']}/end")
        branch = await _branch(partner, parent["id"], from_seq=2)
        assert branch.json()["status"] == "open"

    async def test_a_strangers_is_not_found(self, partner: Partner, stranger: Partner) -> None:
        parent = await partner.simulation()
        assert (await _branch(stranger, parent["id"], from_seq=0)).status_code == 404


class TestComparison:
    async def test_a_branch_is_compared_with_its_parent(
        self, partner: Partner, worker: FakeWorker
    ) -> None:
        parent = await partner.simulation()
        await _talk(partner, parent["id"], "first", "second")
        branch = (await _branch(partner, parent["id"], from_seq=2)).json()
        await _talk(partner, branch["id"], "better", "and better", seq=2)

        answer = await partner.get(
            f"/v1/simulations/{parent['id']}/comparison", params={"other": branch["id"]}
        )

        assert answer.status_code == 200, answer.text
        comparison = answer.json()
        left, right = comparison["left"], comparison["right"]
        assert comparison["common_seq"] == 2
        assert left["prefix_hash"] == right["prefix_hash"]
        assert len(left["prefix_hash"]) == 64
        assert (left["result"]["simulation_id"], right["result"]["simulation_id"]) == (
            parent["id"],
            branch["id"],
        )
        assert comparison["difference"]["mind"] == dict.fromkeys(left["result"]["mind"], 0)
        assert comparison["difference"]["overall"] is None
        assert comparison["difference"]["skills"] == {}

    async def test_another_prefix_has_another_hash(
        self, partner: Partner, worker: FakeWorker
    ) -> None:
        """Two starts of one seed share the opening; then they part."""
        one, other = [await partner.simulation(seed=3) for _ in range(2)]
        await _talk(partner, one["id"], "this")
        await _talk(partner, other["id"], "that")
        path = f"/v1/simulations/{one['id']}/comparison"
        apart = (await partner.get(path, params={"other": other["id"]})).json()
        same = (await partner.get(path, params={"other": one["id"]})).json()
        assert (apart["common_seq"], same["common_seq"]) == (0, 2)
        assert apart["left"]["prefix_hash"] == apart["right"]["prefix_hash"]
        assert apart["left"]["prefix_hash"] != same["left"]["prefix_hash"]

    async def test_only_within_one_scenario(self, partner: Partner) -> None:
        scenarios = (await partner.get("/v1/scenarios")).json()["data"]
        one = await partner.simulation(scenario=scenarios[0]["slug"])
        other = await partner.simulation(scenario=scenarios[1]["slug"])
        answer = await partner.get(
            f"/v1/simulations/{one['id']}/comparison", params={"other": other["id"]}
        )
        assert answer.status_code == 409

    async def test_a_strangers_is_not_found(self, partner: Partner, stranger: Partner) -> None:
        mine = await partner.simulation()
        theirs = await stranger.simulation()
        answer = await partner.get(
            f"/v1/simulations/{mine['id']}/comparison", params={"other": theirs["id"]}
        )
        assert answer.status_code == 404


async def _end(database: Database, partner: Partner, simulation_id: str, reason: str) -> None:
    async with tenant_tx(database, partner.tenant.tenant_id) as connection:
        await connection.execute(
            "update simulations set status = 'ended', end_reason = $3, ended_at = now()"
            " where tenant_id = $1 and simulation_id = $2",
            partner.tenant.tenant_id,
            parse_id("sim", simulation_id),
            reason,
        )
