"""Keys that change beside the running product: a tenant's own, and the installation's. [R-C10]"""

import base64
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.api.context import ProcessContext
from services.orchestrator.privacy.worker import PrivacyWorker
from shared.config import Secret, Settings
from shared.db import keys as keys_module
from shared.db.keys import REFRESH_S, USED_S, KeyRing, read_hash_key, read_master
from shared.db.pool import Database
from shared.db.sealed import MasterKey, UnknownKeyError, UnsealError
from shared.db.tx import tenant_tx
from shared.errors import NotFoundError
from shared.privacy import rotation
from shared.privacy.map import HAS_LEARNER, tables
from shared.trail.entries import SYSTEM
from tests.integration.api.conftest import FakeWorker, Partner
from tests.integration.privacy.conftest import Eyes
from tests.integration.privacy.privacy_world import Person, furnish_person
from tests.support.tenants import TenantFactory
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
async def person(
    partner: Partner, context: ProcessContext, eyes: Eyes, worker: FakeWorker
) -> Person:
    return await furnish_person(partner, context, eyes, worker)


async def _plain(person: Person, ring: KeyRing, database: Database) -> dict[str, list[bytes]]:
    """Everything of the tenant that is sealed with its own key, opened; by `table.column`."""
    async with tenant_tx(database, person.tenant_id) as connection:
        tenant = await ring.tenant(connection, person.tenant_id)
    found: dict[str, list[bytes]] = {}
    for table in tables():
        for sealed in table.of_key("tenant", "either"):
            mine = f" and not ({HAS_LEARNER[table.mine or '']})" if sealed.whose == "either" else ""
            rows = await person.eyes.rows(
                f"select * from {table.name} where tenant_id = $1 and {sealed.name} is not null{mine}",
                person.tenant_id,
            )
            found[f"{table.name}.{sealed.name}"] = sorted(
                tenant.open(row[sealed.name], sealed.place, sealed.row_bytes(dict(row)))
                for row in rows
            )
    return found


async def _key_ids(person: Person) -> list[int]:
    rows = await person.eyes.rows(
        "select key_id from tenant_keys where tenant_id = $1 order by 1", person.tenant_id
    )
    return [row["key_id"] for row in rows]


class TestATenantsKey:
    async def test_it_changes_and_nobody_notices(
        self, person: Person, settings: Settings, database: Database, privacy: PrivacyWorker,
        context: ProcessContext, monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        master = read_master(settings)
        before = await _plain(person, context.keys, database)
        assert sum(map(len, before.values())) > 15
        shop = privacy._shop
        external_id = (await person.partner.get(f"/v1/learners/{person.learner}")).text

        operation_id = await rotation.begin_rotation(
            shop, master, person.tenant_id, SYSTEM, grace=timedelta(0)
        )
        again = await rotation.begin_rotation(
            shop, master, person.tenant_id, SYSTEM, grace=timedelta(0)
        )
        assert again == operation_id
        assert await _key_ids(person) == [0, 1, 2]

        # A process that has not heard of the new key goes on with the old one; both are read.
        stale = await person.partner.team("Before")
        context.keys.forget(person.tenant_id)
        fresh = await person.partner.team("After")
        sealed = dict(
            await person.eyes.rows(
                "select team_id, get_byte(name, 1) from teams where tenant_id = $1",
                person.tenant_id,
            )
        )
        assert max(sealed.values()) == 2
        for team in (stale, fresh):
            assert (await person.partner.get(f"/v1/teams/{team}")).status_code == 200

        assert await privacy.work_off() >= 1
        assert await _key_ids(person) == [0, 2]
        for table in tables():
            for each in table.of_key("tenant"):
                left = await person.eyes.value(
                    f"select count(*) from {table.name} where tenant_id = $1 and get_byte({each.name}, 1) <> 2",
                    person.tenant_id,
                )
                assert left == 0, f"{table.name}.{each.name}"
        ring = KeyRing(master)
        after = await _plain(person, ring, database)
        for name, values in before.items():
            assert set(values) <= set(after[name]), name
        assert (await person.partner.get(f"/v1/learners/{person.learner}")).text == external_id

    async def test_lookups_find_what_was_hashed_before(self, person: Person) -> None:
        learner = (await person.partner.get(f"/v1/learners/{person.learner}")).json()
        # The word that the test wrote is not what was hashed: the hash is of the first external id.
        made = await person.partner.learner(external_id="after-the-change")
        for external_id, expected in (("after-the-change", made),):
            found = await person.partner.get("/v1/learners", params={"external_id": external_id})
            assert [each["id"] for each in found.json()["data"]] == [expected]
        assert learner["id"] == person.learner
        again = await person.partner.post("/v1/learners", {"external_id": "after-the-change"})
        assert again.status_code == 409

    async def test_it_can_change_once_more(
        self, person: Person, settings: Settings, privacy: PrivacyWorker, context: ProcessContext
    ) -> None:
        master = read_master(settings)
        await rotation.begin_rotation(
            privacy._shop, master, person.tenant_id, SYSTEM, grace=timedelta(0)
        )
        context.keys.forget(person.tenant_id)
        assert await privacy.work_off() >= 1
        assert await _key_ids(person) == [0, 3]
        found = await person.partner.get("/v1/learners", params={"external_id": "after-the-change"})
        assert len(found.json()["data"]) == 1
        assert (await person.partner.get(f"/v1/learners/{person.learner}")).status_code == 200

    async def test_a_new_key_seals_only_when_its_time_has_come(
        self, tenants: TenantFactory, settings: Settings, database: Database, privacy: PrivacyWorker
    ) -> None:
        tenant = await tenants.new()
        await rotation.begin_rotation(
            privacy._shop, read_master(settings), tenant.tenant_id, SYSTEM
        )
        async with tenant_tx(database, tenant.tenant_id) as connection:
            ring = await KeyRing(read_master(settings)).tenant(connection, tenant.tenant_id)
        assert ring.key_id == 1
        assert set(ring._ciphers) == {1, 2}, "what another process seals already opens"
        assert await privacy.work_off() == 0, "nothing is sealed anew before everybody has had time"

    async def test_a_process_that_meets_an_unknown_key_reads_again(
        self, tenants: TenantFactory, settings: Settings, database: Database, privacy: PrivacyWorker
    ) -> None:
        tenant = await tenants.new()
        ring = KeyRing(read_master(settings))
        old = await ring.warm(database, tenant.tenant_id)
        await rotation.begin_rotation(
            privacy._shop, read_master(settings), tenant.tenant_id, SYSTEM, grace=timedelta(0)
        )
        new = await KeyRing(read_master(settings)).warm(database, tenant.tenant_id)
        sealed = new.seal(b"x", "teams.name", b"row")
        with pytest.raises(UnknownKeyError, match="key 2"):
            old.open(sealed, "teams.name", b"row")
        assert (await ring.warm(database, tenant.tenant_id)).open(
            sealed, "teams.name", b"row"
        ) == b"x"

    async def test_a_key_that_is_gone_is_forgotten_within_a_minute(
        self, tenants: TenantFactory, settings: Settings, database: Database, eyes: Eyes
    ) -> None:
        now = 0.0
        tenant = await tenants.new()
        ring = KeyRing(read_master(settings), lambda: now)
        await ring.warm(database, tenant.tenant_id)
        await eyes.run("delete from tenant_keys where tenant_id = $1", tenant.tenant_id)
        now = 59.0
        await ring.warm(database, tenant.tenant_id)
        now = 60.1
        with pytest.raises(NotFoundError):
            await ring.warm(database, tenant.tenant_id)

    async def test_looks_in_the_background_spare_a_turn_the_reading(
        self, tenants: TenantFactory, settings: Settings, database: Database, privacy: PrivacyWorker,
    ) -> None:  # fmt: skip
        now = 0.0
        tenant, idle = await tenants.new(), await tenants.new()
        ring = KeyRing(read_master(settings), lambda: now)
        old = await ring.warm(database, tenant.tenant_id)
        await ring.warm(database, idle.tenant_id)
        while now < 100.0:
            now += 20.0
            await ring.refresh(database)
        assert await ring.tenant(_NOWHERE, tenant.tenant_id) is old, "read without a connection"
        await rotation.begin_rotation(
            privacy._shop, read_master(settings), tenant.tenant_id, SYSTEM
        )
        now = 120.0
        await ring.refresh(database)
        learned = await ring.tenant(_NOWHERE, tenant.tenant_id)
        assert set(learned._ciphers) == {1, 2}, "a look finds the coming key"
        assert learned.key_id == 1
        assert ring._pause_s() == REFRESH_S
        now = 120.0 + 110.0
        await ring.refresh(database)
        assert ring._pause_s() < REFRESH_S, "the next look is when the new key begins to seal"
        now = 100.0 + USED_S
        await ring.refresh(database)
        with pytest.raises(AttributeError):  # nobody asked for it for an hour
            await ring.tenant(_NOWHERE, idle.tenant_id)

    async def test_a_look_finds_that_a_tenant_has_left(
        self, tenants: TenantFactory, settings: Settings, database: Database, eyes: Eyes
    ) -> None:
        now = 0.0
        tenant = await tenants.new()
        ring = KeyRing(read_master(settings), lambda: now)
        await ring.warm(database, tenant.tenant_id)
        await eyes.run("delete from tenant_keys where tenant_id = $1", tenant.tenant_id)
        now = 20.0
        await ring.refresh(database)
        with pytest.raises(NotFoundError):
            await ring.warm(database, tenant.tenant_id)

    async def test_the_looks_go_on_by_themselves_until_they_are_stopped(
        self, tenants: TenantFactory, settings: Settings, database: Database, eyes: Eyes,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        monkeypatch.setattr(keys_module, "REFRESH_S", 0.01)
        tenant = await tenants.new()
        ring = KeyRing(read_master(settings)).start(database)
        await ring.warm(database, tenant.tenant_id)
        await eyes.run("delete from tenant_keys where tenant_id = $1", tenant.tenant_id)
        await eventually(lambda: _is_forgotten(ring, tenant.tenant_id))
        await ring.stop()


async def _is_forgotten(ring: KeyRing, tenant_id: UUID) -> bool:
    return tenant_id not in ring._tenants


_NOWHERE: Any = None
"""A connection that answers nothing."""


class TestTheMasterKey:
    NEW = bytes(range(32))

    async def test_it_changes_in_one_command_that_can_be_repeated(
        self, person: Person, settings: Settings, database: Database, eyes: Eyes
    ) -> None:
        old = base64.b64decode(settings.master_key.reveal)
        both = _with_keys(settings, self.NEW, old)
        hash_key = await read_hash_key(database, settings)
        assert hash_key == old == await read_hash_key(database, both), (
            "before and during the change"
        )
        count = await eyes.value("select count(*) from tenant_keys")

        assert await rotation.rewrap_all(database, read_master(both), hash_key=hash_key) == count
        assert await rotation.rewrap_all(database, read_master(both), hash_key=hash_key) == 0
        assert await read_hash_key(database, both) == old

        alone = _with_keys(settings, self.NEW, None)
        assert await read_hash_key(database, alone) == old, (
            "hashed keys and origins are found as before"
        )
        opened = await _plain(person, KeyRing(read_master(alone)), database)
        assert sum(map(len, opened.values())) > 15

        with pytest.raises(UnknownKeyError, match="RAPPORT_MASTER_KEY is not the one"):
            await KeyRing(read_master(settings)).warm(database, person.tenant_id)
        with pytest.raises(UnknownKeyError):
            await rotation.rewrap_all(database, MasterKey(b"z" * 32), hash_key=hash_key)

        # Back again, so that the other tests find what they know.
        back = MasterKey(old, previous=self.NEW)
        assert await rotation.rewrap_all(database, back, hash_key=hash_key) == count
        assert await KeyRing(read_master(settings)).warm(database, person.tenant_id)

    async def test_a_wrapped_key_opens_for_its_own_tenant_only(self, settings: Settings) -> None:
        master = read_master(settings)
        one, other = UUID(int=7), UUID(int=8)
        for key_id in (1, 2):
            wrapped = master.new_tenant_key(one, key_id)
            with pytest.raises(UnsealError):
                master._unwrap(other, key_id, wrapped)
            with pytest.raises(UnsealError):
                master._unwrap(one, key_id + 1, wrapped)


def _with_keys(settings: Settings, key: bytes, previous: bytes | None) -> Settings:
    def text(value: bytes | None) -> Any:
        return Secret("" if value is None else base64.b64encode(value).decode())

    return msgspec.structs.replace(
        settings, master_key=text(key), master_key_previous=text(previous)
    )
