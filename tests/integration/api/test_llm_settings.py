"""Settings of the language model: what is set is shown, secrets never are, and no key changes hosts."""

from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from services.api.context import ProcessContext
from shared.config import Secret, Settings
from shared.contracts.llm import Judging, Task
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.llm.settings import TenantSettings
from tests.integration.api.conftest import KeyMaker, Partner
from tests.support.tenants import Tenant, TenantFactory

PATH = "/v1/settings/llm"
SECRET = "sk-canary-7f3a-never-shown"
HEADER_SECRET = "hdr-canary-99-never-shown"
ENDPOINT = {"base_url": "https://api.example.com/v1"}


@pytest.fixture
async def partner(http: Any, tenants: TenantFactory) -> Partner:
    """A tenant of its own for each test."""
    return Partner(http, await tenants.new())


async def put(partner: Partner, revision: int = 0, status: int = 200, **fields: Any) -> Any:
    response = await partner.put(PATH, {"expected_revision": revision, **fields})
    assert response.status_code == status, response.text
    return response.json()


async def book(
    settings: Settings, database: Database, keys: KeyRing, **changes: Any
) -> TenantSettings:
    return TenantSettings(msgspec.structs.replace(settings, **changes), database, keys)


class TestReading:
    async def test_nothing_set_shows_the_defaults(self, partner: Partner) -> None:
        shown = (await partner.get(PATH)).json()
        assert shown["revision"] == 0
        assert shown["source"] == "none"
        assert shown["endpoint"] is None
        assert shown["max_hostility"] == 3
        assert shown["is_redacted"] is True
        assert shown["budgets"] == {
            "monthly_usd": None, "simulation_usd": None, "scoring_usd": None,
        }  # fmt: skip

    async def test_what_is_put_is_shown(self, partner: Partner) -> None:
        fields = {
            "models": {"wording": "gpt-4o-mini", "judging": "gpt-4o"},
            "default_model": "gpt-4.1",
            "disabled": ["authoring"],
            "temperature": 0.7,
            "language": "de",
            "max_hostility": 1,
            "is_redacted": False,
            "judging": "cascade",
            "samples": 3,
            "max_in_flight": 7,
        }
        budgets = {"monthly_usd": "12.5", "simulation_usd": "0.000031", "scoring_usd": None}
        prices = {"gpt-4o": {"input": "2.5", "output": "10", "cached": None}}
        shown = await put(
            partner, endpoint=ENDPOINT, api_key=SECRET, budgets=budgets, prices=prices, **fields
        )
        assert shown == (await partner.get(PATH)).json()
        models = {
            "wording": "gpt-4o-mini",
            "judging": "gpt-4o",
            "appraisal": None,
            "authoring": None,
        }
        assert shown["models"] == models
        assert {name: shown[name] for name in fields if name != "models"} == {
            name: value for name, value in fields.items() if name != "models"
        }
        assert shown["budgets"] == budgets
        assert shown["prices"] == prices
        assert shown["source"] == "own"
        assert shown["endpoint"] == {
            "base_url": "https://api.example.com/v1",
            "api_version": "",
            "header_names": [],
            "api_key_is_set": True,
        }

    async def test_what_is_left_out_has_its_default_again(self, partner: Partner) -> None:
        await put(partner, language="de", budgets={"monthly_usd": "1"})
        shown = await put(partner, 1)
        assert shown["language"] == "en"
        assert shown["budgets"]["monthly_usd"] is None


class TestWriting:
    async def test_an_old_revision_is_refused(self, partner: Partner) -> None:
        await put(partner, samples=2)
        refused = await put(partner, 0, status=409, samples=3)
        assert refused["errors"][0]["pointer"] == "/expected_revision"
        assert (await put(partner, 1, samples=3))["revision"] == 2

    async def test_a_revision_never_comes_again(self, partner: Partner) -> None:
        await put(partner, samples=2)
        for _ in range(2):  # the second one changes nothing
            assert (await partner.delete(PATH)).status_code == 200
        shown = (await partner.get(PATH)).json()
        assert (shown["revision"], shown["samples"], shown["updated_at"]) == (0, 1, None)
        assert (await put(partner, 0, samples=3))["revision"] == 3
        await put(partner, 1, status=409, samples=4)  # by whoever read the first settings

    async def test_the_same_again_changes_nothing(self, partner: Partner) -> None:
        first = await put(partner, endpoint=ENDPOINT, api_key=SECRET)
        assert await put(partner, endpoint=ENDPOINT, api_key=SECRET) == first

    async def test_the_key_stays_when_it_is_left_out(
        self, partner: Partner, settings: Settings, database: Database, keys: KeyRing
    ) -> None:
        headers = {"X-Team": HEADER_SECRET}
        await put(partner, endpoint={**ENDPOINT, "headers": headers}, api_key=SECRET)
        moved = {"base_url": "https://api.example.com/v2"}
        shown = await put(partner, 1, endpoint=moved)
        assert shown["endpoint"]["header_names"] == ["X-Team"]
        found = await (await book(settings, database, keys)).find(partner.tenant.tenant_id)
        assert found is not None
        assert found.endpoint.key == Secret(SECRET)
        assert found.endpoint.headers == {"X-Team": Secret(HEADER_SECRET)}

    @pytest.mark.parametrize(
        "base_url",
        ["https://api.example.net/v1", "https://api.example.com:8443/v1", "https://example.com"],
    )
    async def test_a_key_is_never_sent_to_another_host(
        self, base_url: str, partner: Partner
    ) -> None:
        await put(partner, endpoint={**ENDPOINT, "headers": {"X-A": "b"}}, api_key=SECRET)
        refused = await put(partner, 1, status=400, endpoint={"base_url": base_url})
        assert refused["errors"][0]["pointer"] == "/api_key"
        shown = await put(partner, 1, endpoint={"base_url": base_url}, api_key=None)
        assert shown["endpoint"]["api_key_is_set"] is False
        assert shown["endpoint"]["header_names"] == []

    @pytest.mark.parametrize(
        "base_url",
        [
            "http://api.example.com/v1",
            "https://127.0.0.1/v1",
            "https://10.0.0.8/v1",
            "https://169.254.169.254/latest",
            "https://[::1]/v1",
            "https://user:pass@api.example.com/v1",
            "https://api.example.com/v1?key=1",
            "https://api.example.com:22/v1",
        ],
    )
    async def test_an_address_that_must_not_be_called_is_refused(
        self, base_url: str, partner: Partner
    ) -> None:
        refused = await put(partner, status=400, endpoint={"base_url": base_url}, api_key="k")
        assert [each["pointer"] for each in refused["errors"]] == ["/endpoint/base_url"]
        assert (await partner.get(PATH)).json()["revision"] == 0

    async def test_every_wrong_field_is_named(self, partner: Partner) -> None:
        refused = await put(
            partner,
            status=400,
            endpoint={"base_url": "ftp://x", "headers": {"Authorization": "x"}},
            budgets={"monthly_usd": "1.0000001", "simulation_usd": 3, "scoring_usd": "-1"},
            samples=8,
            disabled=["wording", "nothing"],
        )
        pointers = {each["pointer"] for each in refused["errors"]}
        assert {"/endpoint/base_url", "/samples", "/disabled/1"} <= pointers
        assert {f"/budgets/{name}_usd" for name in ("monthly", "simulation", "scoring")} <= pointers

    async def test_a_key_without_an_endpoint_is_refused(self, partner: Partner) -> None:
        refused = await put(partner, status=400, api_key=SECRET)
        assert refused["errors"][0]["pointer"] == "/api_key"
        assert SECRET not in str(refused)

    async def test_a_line_end_after_a_key_is_no_part_of_it(
        self, partner: Partner, settings: Settings, database: Database, keys: KeyRing
    ) -> None:
        endpoint = {"base_url": "https://api.example.com/v1/\n", "headers": {"X-A": "b\n"}}
        shown = await put(partner, endpoint=endpoint, api_key=f"{SECRET}\n")
        assert shown["endpoint"]["base_url"] == "https://api.example.com/v1"
        found = await (await book(settings, database, keys)).find(partner.tenant.tenant_id)
        assert found is not None
        assert found.endpoint.key == Secret(SECRET)
        assert found.endpoint.headers == {"X-A": Secret("b")}

    async def test_deleting_forgets_everything_also_twice(
        self, partner: Partner, settings: Settings, database: Database, keys: KeyRing
    ) -> None:
        await put(partner, endpoint=ENDPOINT, api_key=SECRET)
        for _ in range(2):
            response = await partner.delete(PATH)
            assert (response.status_code, response.json()) == (200, {"deleted": True})
        assert (await partner.get(PATH)).json()["revision"] == 0
        assert await (await book(settings, database, keys)).find(partner.tenant.tenant_id) is None


class TestSecrets:
    async def test_they_rest_sealed_and_are_in_no_answer_and_no_log(
        self, partner: Partner, database_url: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        endpoint = {**ENDPOINT, "headers": {"X-Team": HEADER_SECRET}}
        answers = [
            await partner.put(
                PATH, {"expected_revision": 0, "endpoint": endpoint, "api_key": SECRET}
            ),
            await partner.get(PATH),
            await partner.put(PATH, {"expected_revision": 9, "api_key": SECRET, "samples": 99}),
            await partner.put(
                PATH,
                {"expected_revision": 1, "api_key": SECRET, "endpoint": {"base_url": "https://x"}},
            ),
            await partner.delete(PATH),
        ]
        printed = capsys.readouterr()
        await put(partner, endpoint=endpoint, api_key=SECRET)
        for secret in (SECRET, HEADER_SECRET):
            assert all(secret not in answer.text for answer in answers)
            assert secret not in printed.out + printed.err
        connection = await asyncpg.connect(database_url)
        try:
            tables = await connection.fetch(
                "select format('%I.%I', schemaname, tablename) as name from pg_tables"
                " where schemaname in ('app', 'report')"
            )
            for table in tables:
                rows = await connection.fetch(
                    f"select row_to_json(t)::text as text from {table['name']} t"
                )
                for row in rows:
                    text = row["text"]
                    for secret in (SECRET, HEADER_SECRET, "api.example.com"):
                        assert secret not in text
                        assert secret.encode().hex() not in text
        finally:
            await connection.close()

    async def test_settings_never_print(
        self, partner: Partner, settings: Settings, database: Database, keys: KeyRing
    ) -> None:
        await put(partner, endpoint={**ENDPOINT, "headers": {"X-T": HEADER_SECRET}}, api_key=SECRET)
        found = await (await book(settings, database, keys)).find(partner.tenant.tenant_id)
        assert SECRET not in repr(found)
        assert HEADER_SECRET not in repr(found)


class TestBook:
    async def test_without_an_own_endpoint_the_installations_is_taken(
        self, partner: Partner, settings: Settings, database: Database, keys: KeyRing
    ) -> None:
        found = await book(
            settings,
            database,
            keys,
            llm_base_url="https://house.example.com/v1",
            llm_api_key=Secret("house"),
            llm_model="house-model",
            llm_monthly_budget_usd=2.5,
        )
        await put(partner, judging="model", budgets={"monthly_usd": "1"})
        model = await found.find(partner.tenant.tenant_id)
        assert model is not None
        assert not model.is_own
        assert model.endpoint.host == "house.example.com"
        assert model.policy.judging == Judging.MODEL
        assert model.policy.model_for(Task.JUDGING, model.fallback_model) == "house-model"
        assert model.bounds.installation_microusd == 2_500_000
        assert model.bounds.monthly_microusd == 1_000_000

    async def test_the_installations_model_is_not_asked_for_at_an_own_endpoint(
        self, partner: Partner, settings: Settings, database: Database, keys: KeyRing
    ) -> None:
        await put(partner, endpoint=ENDPOINT, api_key=SECRET)
        found = await book(
            settings, database, keys, llm_base_url="https://house.example.com", llm_model="house"
        )
        model = await found.find(partner.tenant.tenant_id)
        assert model is not None
        assert model.is_own
        assert model.fallback_model is None
        assert model.bounds.installation_microusd is None

    async def test_own_prices_count_at_the_own_endpoint_only(
        self,
        partner: Partner,
        context: ProcessContext,
        settings: Settings,
        database: Database,
        keys: KeyRing,
    ) -> None:
        free = {"gpt-4o": {"input": "0", "output": "0"}}
        await put(partner, endpoint=ENDPOINT, api_key=SECRET, prices=free)
        found = await book(settings, database, keys)
        model = await found.find(partner.tenant.tenant_id)
        assert model is not None
        now = context.clock.now()
        assert model.prices.price("gpt-4o", "x", now).most_microusd(1000, 1000) == 0
        assert model.prices.price("gpt-4.1", "x", now).most_microusd(1000, 1000) > 0

    async def test_a_change_is_seen_after_five_seconds_and_reading_is_remembered(
        self, partner: Partner, settings: Settings, database: Database, keys: KeyRing
    ) -> None:
        now = 0.0
        found = TenantSettings(settings, database, keys, now_s=lambda: now)
        tenant_id: UUID = partner.tenant.tenant_id
        assert await found.find(tenant_id) is None
        await put(partner, endpoint=ENDPOINT, api_key=SECRET)
        now = 4.9
        assert await found.find(tenant_id) is None
        now = 5.1
        assert await found.find(tenant_id) is not None


class TestRights:
    async def test_a_bound_key_has_no_settings(
        self, partner: Partner, key_maker: KeyMaker, http: Any
    ) -> None:
        text = await key_maker.new(
            partner.tenant.tenant_id,
            scopes=["settings:read", "settings:write"],
            team_ids=[partner.tenant.tenant_id],
        )
        bound = Partner(http, Tenant(partner.tenant.tenant_id, partner.tenant.slug, text))
        for response in (
            await bound.get(PATH),
            await bound.put(PATH, {"expected_revision": 0}),
            await bound.delete(PATH),
        ):
            assert response.status_code == 403

    async def test_a_test_key_reads_and_changes_nothing(
        self, partner: Partner, tenants: TenantFactory, http: Any
    ) -> None:
        await put(partner, samples=2)
        text = await tenants.key(partner.tenant, environment="test")
        testing = Partner(http, Tenant(partner.tenant.tenant_id, partner.tenant.slug, text))
        assert (await testing.get(PATH)).json()["samples"] == 2
        assert (await testing.put(PATH, {"expected_revision": 1})).status_code == 403
        assert (await testing.delete(PATH)).status_code == 403
        assert (await partner.get(PATH)).json()["revision"] == 1

    async def test_another_tenant_sees_nothing_of_it(
        self, partner: Partner, stranger: Partner
    ) -> None:
        await put(partner, endpoint=ENDPOINT, api_key=SECRET)
        assert (await stranger.get(PATH)).json()["endpoint"] is None
