"""Webhook endpoints over HTTP: made, changed, deleted; their secrets; who may do so."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from services.api.webhooks import service
from services.api.webhooks.repository import EndpointRepository
from shared.contracts.webhooks import MAX_ENDPOINTS
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import format_id, parse_id
from shared.keys import SCOPES
from tests.integration.api.conftest import IDS, KeyMaker, Partner
from tests.support.tenants import TenantFactory

URL = "https://hooks.example.com/in?token=c4nary"
PATH = "/v1/webhook_endpoints"


@pytest.fixture
async def owner(http: httpx.AsyncClient, tenants: TenantFactory) -> Partner:
    """A tenant without endpoints."""
    return Partner(http, await tenants.new())


async def make(partner: Partner, **fields: Any) -> dict[str, Any]:
    response = await partner.post(PATH, {"url": URL, **fields})
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


async def patch(partner: Partner, endpoint_id: str, **fields: Any) -> httpx.Response:
    return await partner.http.patch(f"{PATH}/{endpoint_id}", headers=partner.headers, json=fields)


def pointers(response: httpx.Response) -> list[tuple[str, str]]:
    return [(error["pointer"], error["code"]) for error in response.json()["errors"]]


class TestMaking:
    async def test_with_defaults(self, owner: Partner) -> None:
        response = await owner.post(PATH, {"url": URL})
        made = response.json()

        assert response.status_code == 201
        assert response.headers["location"] == f"{PATH}/{made['id']}"
        assert response.headers["cache-control"] == "no-store"
        assert made["id"].startswith("whe_")
        assert made["secret"].startswith("whsec_")
        assert len(base64.b64decode(made["secret"].removeprefix("whsec_"))) == 32
        assert made["payload"] == "thin"
        assert made["status"] == "enabled"
        assert [made[name] for name in ("event_types", "team_ids", "rate_per_s")] == [None] * 3
        shown = (await owner.get(f"{PATH}/{made['id']}")).json()
        assert "secret" not in shown
        assert shown == {name: value for name, value in made.items() if name != "secret"}

    async def test_with_everything(self, owner: Partner) -> None:
        team = await owner.team()
        fields = {
            "description": "The LMS",
            "metadata": {"env": "prod"},
            "event_types": ["scoring.completed", "scoring.failed"],
            "team_ids": [team],
            "payload": "fat",
            "rate_per_s": 50,
        }

        made = await make(owner, **fields)

        assert {name: made[name] for name in fields} == fields

    async def test_what_people_wrote_rests_sealed(self, owner: Partner, database: Database) -> None:
        await make(owner, description="c4nary", metadata={"c4nary": "c4nary"})
        async with tenant_tx(database, owner.tenant.tenant_id) as connection:
            rows = [
                *await connection.fetch("select * from webhook_endpoints"),
                *await connection.fetch("select * from webhook_secrets"),
                *await connection.fetch("select * from idempotency_claims"),
            ]
        assert rows
        assert [row for row in rows if b"c4nary" in _bytes(row)] == []

    async def test_a_repeat_makes_one_and_shows_no_secret(self, owner: Partner) -> None:
        first = await owner.post(PATH, {"url": URL}, key="one")
        again = await owner.post(PATH, {"url": URL}, key="one")
        other = await owner.post(PATH, {"url": URL, "rate_per_s": 5}, key="one")

        assert again.status_code == 201
        assert again.headers["idempotent-replayed"] == "true"
        assert again.json() == first.json() | {"secret": None}
        assert len((await owner.get(PATH)).json()["data"]) == 1
        assert other.status_code == 422

    async def test_sixteen_are_the_most(self, owner: Partner) -> None:
        for _ in range(MAX_ENDPOINTS):
            last = await make(owner)
        refused = await owner.post(PATH, {"url": URL}, key="seventeenth")

        assert (refused.status_code, refused.json()["code"]) == (409, "webhook-endpoints-full")
        assert (await owner.delete(f"{PATH}/{last['id']}")).status_code == 200
        assert (await owner.post(PATH, {"url": URL}, key="seventeenth")).status_code == 201

    async def test_many_at_once_are_still_sixteen(self, owner: Partner) -> None:
        answers = await asyncio.gather(
            *(owner.post(PATH, {"url": f"{URL}&n={number}"}) for number in range(20))
        )
        statuses = [answer.status_code for answer in answers]
        assert (statuses.count(201), statuses.count(409)) == (16, 4)
        assert len((await owner.get("/v1/webhook_keys")).json()["data"]) == 1

    async def test_one_key_at_once_makes_one(self, owner: Partner) -> None:
        answers = await asyncio.gather(
            *(owner.post(PATH, {"url": URL}, key="same") for _ in range(8))
        )
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert len([1 for answer in answers if answer.json()["secret"]]) == 1

    async def test_the_list(self, owner: Partner) -> None:
        made = [await make(owner, description=f"number {n}") for n in range(3)]
        first = (await owner.get(PATH, params={"limit": 2})).json()
        rest = (await owner.get(PATH, params={"cursor": first["next_cursor"]})).json()
        listed = [*first["data"], *rest["data"]]
        assert [each["id"] for each in listed] == [each["id"] for each in made]
        assert rest["next_cursor"] is None


class TestBadInput:
    @pytest.mark.parametrize(
        "url",
        [
            "http://hooks.example.com/",
            "https://user:pass@hooks.example.com/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://169.254.169.254/latest/meta-data",
            "https://hooks.example.com:8080/",
            "https://hooks.example.com/#part",
            "https:///path",
            "https://hooks.example.com:99999/",
        ],
    )
    async def test_urls_that_are_not_allowed(self, owner: Partner, url: str) -> None:
        response = await owner.post(PATH, {"url": url})
        assert response.status_code == 400, response.text
        assert pointers(response) == [("/url", "not-allowed")]

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ({"url": "ftp://x"}, ("/url", "format")),
            ({"url": "https://a/ b"}, ("/url", "format")),
            ({"url": "https://a.example/" + "x" * 2048}, ("/url", "too-long")),
            ({"url": 5}, ("/url", "type")),
            ({"event_types": []}, ("/event_types", "too-short")),
            (
                {"event_types": ["turn.completed", "turn.eaten"]},
                ("/event_types/1", "unknown-value"),
            ),
            ({"team_ids": ["team_x"]}, ("/team_ids/0", "format")),
            ({"payload": "huge"}, ("/payload", "unknown-value")),
            ({"rate_per_s": 0}, ("/rate_per_s", "out-of-range")),
            ({"rate_per_s": 1001}, ("/rate_per_s", "out-of-range")),
            ({"description": " "}, ("/description", "blank")),
            ({"metadata": {"x" * 41: ""}}, ("/metadata/" + "x" * 41, "too-long")),
            ({"metadata": {f"k{n}": "" for n in range(51)}}, ("/metadata", "too-long")),
            ({"secret": "mine"}, ("/secret", "unknown-field")),
        ],
    )
    async def test_fields_that_are_wrong(
        self, owner: Partner, fields: dict[str, Any], expected: tuple[str, str]
    ) -> None:
        response = await owner.post(PATH, {"url": URL} | fields)
        assert response.status_code == 400
        assert pointers(response) == [expected]

    async def test_a_team_that_does_not_exist(self, owner: Partner, stranger: Partner) -> None:
        mine, theirs = await owner.team(), await stranger.team()
        response = await owner.post(PATH, {"url": URL, "team_ids": [mine, theirs]})
        assert response.status_code == 404
        assert pointers(response) == [("/team_ids/1", "not-found")]

    async def test_a_refused_key_can_be_used_again(self, owner: Partner) -> None:
        refused = await owner.post(PATH, {"url": URL, "team_ids": [_unknown("team")]}, key="k")
        assert refused.status_code == 404
        assert (await owner.post(PATH, {"url": URL}, key="k")).status_code == 201


class TestChanging:
    async def test_what_is_absent_stays(self, owner: Partner) -> None:
        made = await make(owner, description="a", event_types=["turn.completed"], rate_per_s=5)
        del made["secret"]

        changed = await patch(owner, made["id"], rate_per_s=None)

        assert changed.status_code == 200, changed.text
        expected = made | {"rate_per_s": None, "updated_at": changed.json()["updated_at"]}
        assert changed.json() == expected
        cleared = await patch(owner, made["id"], description=None, event_types=None, url=URL + "2")
        assert [cleared.json()[name] for name in ("description", "event_types")] == [None, None]
        assert cleared.json()["url"] == URL + "2"

    async def test_metadata_is_merged(self, owner: Partner) -> None:
        made = await make(owner, metadata={"a": "1", "b": "2"})
        changed = await patch(owner, made["id"], metadata={"a": None, "c": "3"})
        assert changed.json()["metadata"] == {"b": "2", "c": "3"}

    async def test_a_url_is_checked_again(self, owner: Partner) -> None:
        made = await make(owner)
        response = await patch(owner, made["id"], url="https://10.0.0.1/")
        assert pointers(response) == [("/url", "not-allowed")]

    async def test_disabling_and_enabling(self, owner: Partner, database: Database) -> None:
        made = await make(owner)
        off = (await patch(owner, made["id"], status="disabled")).json()
        again = (await patch(owner, made["id"], status="disabled")).json()
        on = (await patch(owner, made["id"], status="enabled")).json()
        later = (await owner.get(f"{PATH}/{made['id']}")).json()

        assert (off["status"], off["disabled_reason"]) == ("disabled", "caller")
        assert off["recover_since"] == off["disabled_at"] == again["disabled_at"]
        assert (on["status"], on["disabled_reason"], on["disabled_at"]) == ("enabled", None, None)
        assert on["recover_since"] == off["disabled_at"]
        assert later["recover_since"] is None

    async def test_enabling_what_failed_hints_at_the_first_failure(
        self, owner: Partner, database: Database
    ) -> None:
        made = await make(owner)
        since = datetime.now(UTC) - timedelta(days=5)
        async with tenant_tx(database, owner.tenant.tenant_id) as connection:
            await connection.execute(
                "update webhook_endpoints set status = 'disabled', disabled_reason = 'failing',"
                " disabled_at = now(), failing_since = $2, failures = 12 where tenant_id = $1",
                owner.tenant.tenant_id,
                since,
            )
        on = (await patch(owner, made["id"], status="enabled")).json()
        assert datetime.fromisoformat(on["recover_since"]) == since
        assert on["failing_since"] is None

    async def test_deleting(self, owner: Partner) -> None:
        made = await make(owner)
        path = f"{PATH}/{made['id']}"
        gone = await owner.delete(path)
        assert (gone.status_code, gone.json()) == (200, {"id": made["id"]})
        assert (await owner.get(path)).status_code == 404
        assert (await owner.delete(path)).status_code == 404
        assert (await patch(owner, made["id"], rate_per_s=1)).status_code == 404

    @pytest.mark.parametrize(("deadlocks", "status"), [(2, 200), (3, 503)])
    async def test_deleting_beside_a_sender(
        self, owner: Partner, monkeypatch: pytest.MonkeyPatch, deadlocks: int, status: int
    ) -> None:
        made, delete = await make(owner), EndpointRepository.delete
        left = [deadlocks]

        async def busy(self: EndpointRepository, endpoint_id: UUID) -> None:
            if left[0]:
                left[0] -= 1
                raise asyncpg.DeadlockDetectedError
            await delete(self, endpoint_id)

        monkeypatch.setattr(EndpointRepository, "delete", busy)
        assert (await owner.delete(f"{PATH}/{made['id']}")).status_code == status


class TestSecrets:
    async def test_a_rotation_keeps_the_old_one_for_a_day(
        self, owner: Partner, database: Database
    ) -> None:
        made = await make(owner)
        path = f"{PATH}/{made['id']}/rotate_secret"
        rotated = (await owner.post(path, {}, key="r")).json()
        again = await owner.post(path, {}, key="r")

        assert rotated["secret"] not in (None, made["secret"])
        left = datetime.fromisoformat(rotated["previous_expires_at"]) - datetime.now(UTC)
        assert timedelta(hours=23, minutes=59) < left <= timedelta(hours=24)
        assert again.json() == rotated | {"secret": None}
        assert again.headers["idempotent-replayed"] == "true"
        assert await _count_secrets(database, owner) == 2

    async def test_revoking_at_once(self, owner: Partner, database: Database) -> None:
        made = await make(owner)
        path = f"{PATH}/{made['id']}/rotate_secret"
        await owner.post(path, {})
        rotated = (await owner.post(path, {"revoke_now": True})).json()
        assert rotated["previous_expires_at"] is None
        assert await _count_secrets(database, owner) == 1

    async def test_too_many_at_once(self, owner: Partner) -> None:
        path = f"{PATH}/{(await make(owner))['id']}/rotate_secret"
        statuses = [(await owner.post(path, {})).status_code for _ in range(5)]
        assert statuses == [200] * 4 + [409]
        assert (await owner.post(path, {"revoke_now": True})).status_code == 200

    async def test_public_keys(self, owner: Partner) -> None:
        assert (await owner.get("/v1/webhook_keys")).json() == {"data": []}
        await make(owner)
        await make(owner)
        (key,) = (await owner.get("/v1/webhook_keys")).json()["data"]
        assert key["public_key"].startswith("whpk_")
        assert len(base64.b64decode(key["public_key"].removeprefix("whpk_"))) == 32
        assert key["expires_at"] is None


class TestWhoMay:
    async def test_strangers_find_nothing(self, owner: Partner, stranger: Partner) -> None:
        path = f"{PATH}/{(await make(owner))['id']}"
        answers = [
            await stranger.get(path),
            await stranger.delete(path),
            await stranger.http.patch(path, headers=stranger.headers, json={}),
            await stranger.post(f"{path}/rotate_secret", {}),
            await stranger.post(f"{path}/test"),
            await stranger.get(f"{path}/deliveries"),
            await stranger.post(f"{path}/recover", {"since": datetime.now(UTC).isoformat()}),
        ]
        assert {answer.status_code for answer in answers} == {404}

    @pytest.mark.parametrize("bound", ["team_ids", "learner_id"])
    async def test_bound_keys_have_no_webhooks(
        self, owner: Partner, key_maker: KeyMaker, bound: str
    ) -> None:
        team, learner = await owner.team(), await owner.learner()
        value = {"team_ids": [parse_id("team", team)], "learner_id": parse_id("lrn", learner)}
        text = await key_maker.new(owner.tenant.tenant_id, scopes=SCOPES, **{bound: value[bound]})
        path = f"{PATH}/{(await make(owner))['id']}"
        key = owner.as_key(text)
        answers = [
            await key.get(PATH),
            await key.get(path),
            await key.post(PATH, {"url": URL}),
            await key.delete(path),
            await key.post(f"{path}/test"),
            await key.get(f"{path}/deliveries"),
        ]
        assert {answer.json()["code"] for answer in answers} == {"scope-missing"}

    async def test_nobody_has_sent_what_the_key_may_not_read(
        self, owner: Partner, key_maker: KeyMaker
    ) -> None:
        text = await key_maker.new(owner.tenant.tenant_id, scopes=["webhooks:write"])
        key = owner.as_key(text)
        thin = await key.post(PATH, {"url": URL})
        fat = await key.post(PATH, {"url": URL, "payload": "fat"})
        widened = await patch(key, thin.json()["id"], payload="fat")
        assert thin.status_code == 201
        assert [fat.status_code, widened.status_code] == [403, 403]

    async def test_a_fat_payload_is_audited(
        self, owner: Partner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        noted: list[tuple[str, dict[str, Any]]] = []

        class Log:
            def info(self, event: str, **fields: Any) -> None:
                noted.append((event, fields))

        monkeypatch.setattr(service, "log", Log())
        made = await make(owner, payload="fat")
        await patch(owner, made["id"], rate_per_s=3)
        await patch(owner, made["id"], payload="thin")
        await make(owner)

        assert [(event, fields["payload"]) for event, fields in noted] == [
            ("webhook.payload_chosen", "fat"),
            ("webhook.payload_chosen", "thin"),
        ]
        assert noted[0][1]["key_id"]


async def _count_secrets(database: Database, partner: Partner) -> int:
    async with tenant_tx(database, partner.tenant.tenant_id) as connection:
        count: int = await connection.fetchval("select count(*) from webhook_secrets")
        return count


def _bytes(row: asyncpg.Record) -> bytes:
    return b" ".join(
        value if isinstance(value, bytes) else str(value).encode() for value in row.values()
    )


def _unknown(prefix: str) -> str:
    return format_id(prefix, IDS.new())
