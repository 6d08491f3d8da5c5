"""Recovering a range of events, whatever its length."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.api.context import ProcessContext
from services.api.webhooks import recovery
from shared.contracts.events import EventType
from shared.ids import parse_id
from tests.integration.api.conftest import Partner
from tests.integration.api.webhook_desk import Desk
from tests.support.tenants import TenantFactory


@pytest.fixture
async def desk(http: httpx.AsyncClient, tenants: TenantFactory, context: ProcessContext) -> Desk:
    made = Desk(Partner(http, await tenants.new()), context)
    await made.open()
    return made


class TestRecover:
    async def test_what_failed_or_was_never_sent(self, desk: Desk) -> None:
        arrived, failed = await desk.emit(2), await desk.emit(3)
        await desk.fan_out()
        await desk.settle("succeeded", arrived)
        await desk.settle("failed", failed)
        await desk.emit(4)  # never fanned out: as if the endpoint had been disabled

        response = await desk.recover(only_failed=True)

        assert response.status_code == 202, response.text
        assert response.json() == {"deliveries": 7, "next_since": None, "next_after": None}
        made = [each for each in await desk.log() if each["trigger"] == "recover"]
        assert sorted(each["position"] for each in made) == [3, 4, 5, 6, 7, 8, 9]

    async def test_everything_but_what_waits(self, desk: Desk) -> None:
        arrived = await desk.emit(2)
        await desk.fan_out()
        await desk.settle("succeeded", arrived)
        await desk.emit(3)
        await desk.fan_out()
        assert (await desk.recover()).json()["deliveries"] == 2
        await desk.rest()
        assert (await desk.recover()).json()["deliveries"] == 0

    async def test_a_range_and_the_endpoints_filters(self, desk: Desk) -> None:
        await desk.open(event_types=["turn.completed"])
        await desk.emit(2, minutes_ago=30)
        await desk.emit(3, minutes_ago=20)
        await desk.emit(1, minutes_ago=20, event_type=EventType.SIMULATION_ENDED)
        await desk.emit(4, minutes_ago=10)
        now = datetime.now(UTC)

        response = await desk.recover(
            since=(now - timedelta(minutes=25)).isoformat(),
            until=(now - timedelta(minutes=15)).isoformat(),
        )

        assert response.json()["deliveries"] == 3

    async def test_once_a_minute_and_a_repeat_is_free(self, desk: Desk) -> None:
        await desk.emit(2)
        body = {"since": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}
        first = await desk.recover("k", **body)
        again = await desk.recover("k", **body)
        other = await desk.recover("other")

        assert first.json()["deliveries"] == 2
        assert again.json() == first.json()
        assert again.headers["idempotent-replayed"] == "true"
        assert (other.status_code, other.json()["code"]) == (429, "webhook-recovery-too-soon")
        assert 1 <= int(other.headers["retry-after"]) <= 61
        assert other.json()["retryable"] is True
        await desk.rest()
        assert (await desk.recover("other")).status_code == 202

    async def test_a_long_range_in_bounded_parts(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(recovery, "STEP", 10)
        monkeypatch.setattr(recovery, "MAX_RECOVERED", 20)
        for minutes in (50, 40, 30, 20):
            await desk.emit(10, minutes_ago=minutes)
        first = await desk.recover("a")
        replayed = await desk.recover("a", since=json.loads(first.request.content)["since"])
        await desk.settle("succeeded", await desk.event_ids())
        await desk.rest()
        second = await desk.recover(since=first.json()["next_since"], only_failed=True)

        assert first.json()["deliveries"] == 20
        assert replayed.json() == first.json()
        assert second.json() == {"deliveries": 20, "next_since": None, "next_after": None}
        recovered = [each["event_id"] for each in await desk.log(limit=100)]
        assert len(set(recovered)) == 40

    async def test_any_number_one_request_after_the_other(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(recovery, "STEP", 10)
        monkeypatch.setattr(recovery, "MAX_RECOVERED", 20)
        monkeypatch.setattr(recovery, "SLACK", 10)
        made: list[UUID] = []
        for minutes in (50, 40, 45, 30):  # a late commit among them, and many of one moment
            made += await desk.emit(25, minutes_ago=minutes)
        since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        answer: dict[str, Any] = {"next_after": None}
        counts, key = [], 0
        while not counts or answer["next_after"] is not None:
            going_on = {} if answer["next_after"] is None else {"after": answer["next_after"]}
            response = await desk.recover(f"part {key}", since=since, **going_on)
            again = await desk.recover(f"part {key}", since=since, **going_on)
            assert response.status_code == 202, response.text
            answer, key = response.json(), key + 1
            assert again.json() == answer
            counts.append(answer["deliveries"])
            # What is on its way arrives meanwhile: nothing of it may be sent a second time.
            await desk.settle("succeeded", made)

        assert counts == [20, 20, 20, 20, 20]
        recovered = [each["event_id"] for each in await desk.log(limit=100)]
        assert len(recovered) == len(set(recovered)) == 100
        elsewhere = await desk.recover("elsewhere", since=since, after=40)
        assert elsewhere.json()["code"] == "webhook-recovery-too-soon"

    async def test_the_since_to_go_on_with_leaves_no_late_commit_out(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(recovery, "STEP", 10)
        monkeypatch.setattr(recovery, "MAX_RECOVERED", 10)
        await desk.emit(10, minutes_ago=20)
        late = await desk.emit(1, minutes_ago=30)
        first = await desk.recover()
        await desk.rest()
        second = await desk.recover(since=first.json()["next_since"])

        assert (first.json()["deliveries"], second.json()["next_since"]) == (10, None)
        assert str(late[0]) in {str(parse_id("evt", each["event_id"])) for each in await desk.log()}

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"after": -1}, "/after"),
            ({"after": "1"}, "/after"),
            ({"after": 2**63}, "/after"),
            ({"since": "2026-01-01T00:00:00Z"}, "/since"),
            ({"since": "2026-11-01T00:00:00"}, "/since"),
            ({"since": "yesterday"}, "/since"),
            ({"until": "2000-01-01T00:00:00Z"}, "/until"),
            ({"only_failed": "yes"}, "/only_failed"),
        ],
    )
    async def test_what_is_wrong_is_named(
        self, desk: Desk, body: dict[str, Any], pointer: str
    ) -> None:
        response = await desk.recover(**body)
        assert response.status_code == 400
        assert [error["pointer"] for error in response.json()["errors"]] == [pointer]
