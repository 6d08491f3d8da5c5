"""The copy of everything of a tenant: complete against the map, bounded, sealed, and gone in time. [R-C12]"""

import csv
import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import httpx
import pytest
from litestar.exceptions import LitestarException

from services.api.context import ProcessContext
from services.api.privacy.service import FileGoneError
from services.orchestrator.privacy.worker import PrivacyWorker
from shared.config import Settings
from shared.db.keys import read_master
from shared.db.pool import Database
from shared.db.tx import tenant_snapshot
from shared.ids import parse_id
from shared.keys import SCOPES
from shared.privacy import archive as archiving
from shared.privacy import tenant_exporting
from shared.privacy.archive import PART_BYTES
from shared.privacy.erasure import _take_key
from shared.privacy.map import tables
from shared.privacy.reading import _JSONS, shown
from shared.privacy.rotation import begin_rotation
from shared.privacy.tasks import claim
from shared.privacy.whole import FILES, SECRETS, columns_of, whole
from shared.trail.entries import SYSTEM
from tests.integration.api.conftest import FakeWorker, KeyMaker, Partner
from tests.integration.privacy.conftest import Eyes
from tests.integration.privacy.privacy_world import Person, furnish_person
from tests.support.tenants import TenantFactory

NOT_A_TENANTS = {"app.installation_keys", "app.ops_keys", "app.processes"}
"""Reviewed: tables without a tenant."""

MOVES = {
    "app.events", "app.event_heads", "app.idempotency_claims", "app.operations",
    "app.privacy_tasks", "app.trail", "app.trail_heads", "app.trail_marks", "app.jobs",
    "app.request_rates", "app.load_minutes", "app.api_keys",
}  # fmt: skip
"""The product writes there while the test looks."""


@pytest.fixture(scope="module")
async def person(
    partner: Partner, context: ProcessContext, eyes: Eyes, worker: FakeWorker
) -> Person:
    made = await furnish_person(partner, context, eyes, worker)
    await _write_tenants_words(made, context)
    return made


async def _write_tenants_words(person: Person, context: ProcessContext) -> None:
    """Seal a word of its own into every column that is the tenant's, and a row where there is none."""
    for table in whole():
        rows = await person.eyes.rows(
            f"select *, ctid from {table.name} where tenant_id = $1", person.tenant_id
        )
        for sealed in table.of_key("tenant"):
            if table.mine is not None:
                continue  # the world has done it
            word = person.words.setdefault(
                f"{table.name}.{sealed.name}", f"canary-{table.name}-{sealed.name}"
            )
            plain = json.dumps({"said": word}) if sealed.name in _JSONS else word
            tenant = await context.keys.tenant(person.eyes._connection, person.tenant_id)
            for row in rows:
                value = tenant.seal(plain.encode(), sealed.place, sealed.row_bytes(dict(row)))
                await person.eyes.run(
                    f"update {table.name} set {sealed.name} = $1 where tenant_id = $2 and"
                    + " and ".join(
                        f" {name} = ${number}" for number, (name, _) in enumerate(sealed.row, 3)
                    ),
                    *(value, person.tenant_id, *(row[name] for name, _ in sealed.row)),
                )


@pytest.fixture(scope="module")
async def export(person: Person, privacy: PrivacyWorker) -> dict[str, Any]:
    ordered = await person.partner.post("/v1/tenant_exports")
    assert ordered.status_code == 202, ordered.text
    again = await person.partner.post("/v1/tenant_exports")
    assert again.json()["id"] == ordered.json()["id"], "one at a time"
    early = await person.partner.get(f"/v1/tenant_exports/{ordered.json()['id']}/file")
    assert early.status_code == 409
    assert await privacy.work_off(("tenant_export",)) == 1
    found = await person.partner.get(f"/v1/tenant_exports/{ordered.json()['id']}")
    answer: dict[str, Any] = found.json()
    return answer


@pytest.fixture(scope="module")
async def archive(person: Person, export: dict[str, Any]) -> zipfile.ZipFile:
    assert (export["status"], export["rows_done"] > 100) == ("succeeded", True)
    file = await person.partner.get(export["file"])
    assert file.status_code == 200, file.text
    assert file.headers["content-type"] == "application/zip"
    assert len(file.content) == export["size_bytes"]
    return zipfile.ZipFile(io.BytesIO(file.content))


def test_every_table_of_a_tenant_is_told_or_named_as_left_out() -> None:
    told = {each.name for each in whole()}
    assert told | FILES.keys() | NOT_A_TENANTS == {each.name for each in tables()}
    for table in whole():
        left = set(table.columns) - set(columns_of(table)) - set(table.wrapped) - set(table.hashes)
        assert {(table.name, name) for name in left} <= SECRETS, table.name
    known = {(table.name, name) for table in tables() for name in table.columns}
    assert known >= SECRETS


async def test_every_row_and_every_readable_column_is_in_it(
    person: Person, archive: zipfile.ZipFile, eyes: Eyes
) -> None:
    assert archive.testzip() is None
    counts = json.loads(archive.read("manifest.json"))["rows"]
    for table in whole():
        short = table.name.partition(".")[2]
        told = json.loads(archive.read(f"data/{short}.json"))
        lines = list(csv.reader(io.StringIO(archive.read(f"csv/{short}.csv").decode())))
        assert lines[0] == list(columns_of(table))
        assert len(lines) - 1 == len(told) == counts[table.name]
        rows = await eyes.rows(f"select * from {table.name} where tenant_id = $1", person.tenant_id)
        if table.name in MOVES:
            continue
        plain = [{name: shown(name, row[name]) for name in table.plain} for row in rows]
        ours = [json.dumps(row, sort_keys=True) for row in plain]
        theirs = [
            json.dumps({name: row[name] for name in table.plain}, sort_keys=True) for row in told
        ]
        assert sorted(theirs) == sorted(ours), table.name
    assert sum(1 for count in counts.values() if count) > 45


async def test_every_word_that_was_sealed_is_in_it_but_no_secret(
    person: Person, archive: zipfile.ZipFile
) -> None:
    missing, present = set(), set()
    for place, word in person.words.items():
        schema, table, column = place.split(".")
        is_there = word in archive.read(f"data/{table}.json").decode()
        (present if is_there else missing).add((f"{schema}.{table}", column))
    rows = json.loads(archive.read("manifest.json"))["rows"]
    unfilled = {each for each in missing if not rows[each[0]]}
    assert missing - unfilled <= SECRETS
    assert not present & SECRETS
    assert len(present) > 30
    for name, column in SECRETS:
        header = archive.read(f"csv/{name.partition('.')[2]}.csv").decode().split("\r\n")[0]
        assert column not in header.split(",")


async def test_it_rests_sealed_and_is_told_of(
    person: Person, archive: zipfile.ZipFile, export: dict[str, Any], eyes: Eyes
) -> None:
    operation_id = parse_id("op", export["id"])
    parts = await eyes.rows(
        "select content from privacy_files where operation_id = $1", operation_id
    )
    assert parts
    assert not [row for row in parts if b"README" in row["content"] or b"data/" in row["content"]]
    told = await eyes.rows("select action from trail where tenant_id = $1", person.tenant_id)
    actions = {row["action"] for row in told}
    assert {"tenant.export_ordered", "tenant.exported"} <= actions


async def test_only_owners_and_nobody_else(
    export: dict[str, Any], stranger: Partner, person: Person
) -> None:
    for path in (f"/v1/tenant_exports/{export['id']}", export["file"]):
        assert (await stranger.get(path)).status_code == 404


async def test_a_changed_key_opens_it_all_the_same(
    person: Person,
    archive: zipfile.ZipFile,
    export: dict[str, Any],
    privacy: PrivacyWorker,
    settings: Settings,
    context: ProcessContext,
    eyes: Eyes,
) -> None:
    before = (await person.partner.get(export["file"])).content
    await begin_rotation(privacy._shop, read_master(settings), person.tenant_id, SYSTEM)
    await eyes.run(
        "update tenant_keys set active_from = now() - interval '1 hour' where tenant_id = $1 and key_id > 1",
        person.tenant_id,
    )
    await eyes.run(
        "update privacy_tasks set not_before = now() - interval '1 hour' where tenant_id = $1",
        person.tenant_id,
    )
    assert await privacy.work_off(("key_rotation",)) == 1
    context.keys.forget(person.tenant_id)
    assert (await person.partner.get(export["file"])).content == before


async def test_who_is_erased_takes_the_file_along(
    person: Person,
    archive: zipfile.ZipFile,
    export: dict[str, Any],
    privacy: PrivacyWorker,
    eyes: Eyes,
) -> None:
    leaver = await person.partner.learner()
    assert (await person.partner.post(f"/v1/learners/{leaver}/erasure")).status_code == 202
    assert await privacy.work_off(("learner_erasure",)) == 1
    found = (await person.partner.get(f"/v1/tenant_exports/{export['id']}")).json()
    assert (found["status"], found["file"]) == ("succeeded", None)
    assert (await person.partner.get(export["file"])).status_code == 404


async def test_who_is_erased_meanwhile_is_not_in_it(
    tenants: TenantFactory, http: httpx.AsyncClient, privacy: PrivacyWorker, eyes: Eyes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    own = Partner(http, await tenants.new())
    leaver = await own.learner(name="Leaves Just Now")
    ordered = (await own.post("/v1/tenant_exports")).json()
    write = tenant_exporting._Writing.write

    async def slow(writing: Any) -> Any:
        size = await write(writing)
        await own.post(f"/v1/learners/{leaver}/erasure")
        assert await privacy.work_off(("learner_erasure",)) == 1
        return size

    with monkeypatch.context() as patch:
        patch.setattr(tenant_exporting._Writing, "write", slow)
        assert await privacy.work_off(("tenant_export",)) == 0
    await eyes.run(
        "update privacy_tasks set lease_until = null where tenant_id = $1 and is_open",
        own.tenant.tenant_id,
    )
    assert await privacy.work_off(("tenant_export",)) == 1
    found = (await own.get(f"/v1/tenant_exports/{ordered['id']}")).json()
    file = await own.get(found["file"])
    learners = json.loads(zipfile.ZipFile(io.BytesIO(file.content)).read("data/learners.json"))
    assert [row["name"] for row in learners if row["learner_id"] == leaver] == [None]
    assert b"Leaves Just Now" not in file.content


async def test_a_file_that_lost_a_part_is_made_anew(
    tenants: TenantFactory,
    http: httpx.AsyncClient,
    privacy: PrivacyWorker,
    eyes: Eyes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An erasure that began before sweeps while it is made."""
    own = Partner(http, await tenants.new())
    ordered = (await own.post("/v1/tenant_exports")).json()
    write = tenant_exporting._Writing.write

    async def swept(writing: Any) -> Any:
        written = await write(writing)
        await eyes.run("delete from privacy_files where tenant_id = $1", own.tenant.tenant_id)
        return written

    with monkeypatch.context() as patch:
        patch.setattr(tenant_exporting._Writing, "write", swept)
        assert await privacy.work_off(("tenant_export",)) == 0
    await eyes.run(
        "update privacy_tasks set lease_until = null where tenant_id = $1 and is_open",
        own.tenant.tenant_id,
    )
    assert await privacy.work_off(("tenant_export",)) == 1
    found = (await own.get(f"/v1/tenant_exports/{ordered['id']}")).json()
    assert len((await own.get(found["file"])).content) == found["size_bytes"]


async def test_it_takes_no_more_memory_than_some_rows(
    tenants: TenantFactory, http: httpx.AsyncClient, privacy: PrivacyWorker, eyes: Eyes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    own = Partner(http, await tenants.new())
    await eyes.run(
        "insert into teams (tenant_id, team_id, name, created_at)"
        " select $1, gen_random_uuid(), '', now() from generate_series(1, 30000)",
        own.tenant.tenant_id,
    )
    ordered = (await own.post("/v1/tenant_exports")).json()
    most = 0
    store = tenant_exporting._Writing._store

    async def watched(writing: Any, part: int, content: bytes) -> None:
        nonlocal most
        most = max(most, len(content) + len(writing._parts.pipe.ready))
        await store(writing, part, content)

    monkeypatch.setattr(tenant_exporting._Writing, "_store", watched)
    assert await privacy.work_off(("tenant_export",)) == 1
    found = (await own.get(f"/v1/tenant_exports/{ordered['id']}")).json()
    assert found["rows_done"] >= 30000
    assert found["size_bytes"] > PART_BYTES
    assert most < 2 * PART_BYTES
    file = (await own.get(found["file"])).content
    assert len(json.loads(zipfile.ZipFile(io.BytesIO(file)).read("data/teams.json"))) == 30000


async def test_who_is_just_being_erased_is_not_in_it(
    tenants: TenantFactory, http: httpx.AsyncClient, privacy: PrivacyWorker, eyes: Eyes
) -> None:
    """The key is gone, but rows that the tenant's key seals are still there."""
    own = Partner(http, await tenants.new())
    leaver = await own.learner()
    ordered = (await own.post("/v1/tenant_exports")).json()
    erasure = parse_id("op", (await own.post(f"/v1/learners/{leaver}/erasure")).json()["id"])
    task = await claim(privacy._shop, own.tenant.tenant_id, erasure)
    assert task is not None
    await _take_key(privacy._shop, task, parse_id("lrn", leaver))

    assert await privacy.work_off(("tenant_export",)) == 0
    anew = "update privacy_tasks set lease_until = null where tenant_id = $1 and is_open"
    await eyes.run(anew, own.tenant.tenant_id)
    assert await privacy.work_off(("learner_erasure",)) == 1
    assert await privacy.work_off(("tenant_export",)) == 1
    found = (await own.get(f"/v1/tenant_exports/{ordered['id']}")).json()
    assert found["file"] is not None


async def test_a_repeat_of_who_asked_meanwhile_finds_the_same(
    tenants: TenantFactory, http: httpx.AsyncClient, privacy: PrivacyWorker
) -> None:
    own = Partner(http, await tenants.new())
    first = (await own.post("/v1/tenant_exports")).json()
    leaver = await own.learner()
    path = f"/v1/learners/{leaver}/erasure"
    erasure = (await own.post(path)).json()
    for asked, made in (("/v1/tenant_exports", first), (path, erasure)):
        for _ in range(2):
            again = await own.post(asked, key=f"joins-{made['id']}")
            assert (again.status_code, again.json().get("id")) == (202, made["id"])
    assert await privacy.work_off() == 2


async def test_reading_everything_may_pause(context: ProcessContext, person: Person) -> None:
    """What a page holds is packed and stored between two pages."""
    async with tenant_snapshot(context.database, person.tenant_id) as connection:
        pause = await connection.fetchval(
            "select current_setting('idle_in_transaction_session_timeout')::interval"
        )
    assert pause >= timedelta(minutes=2)


async def test_a_file_that_goes_while_it_is_fetched_breaks_off(
    tenants: TenantFactory, http: httpx.AsyncClient, privacy: PrivacyWorker, eyes: Eyes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Its end must not look like the end of a whole one."""
    own = Partner(http, await tenants.new())
    ordered = (await own.post("/v1/tenant_exports")).json()
    with monkeypatch.context() as patch:
        patch.setattr(archiving, "PART_BYTES", 4096)
        assert await privacy.work_off(("tenant_export",)) == 1
    await eyes.run(
        "delete from privacy_files where tenant_id = $1 and part > 1", own.tenant.tenant_id
    )
    with pytest.raises(LitestarException, match="after response started") as broken:
        await own.get(f"/v1/tenant_exports/{ordered['id']}/file")
    cause = broken.value.__cause__
    assert isinstance(cause, ExceptionGroup)
    assert cause.subgroup(FileGoneError) is not None


async def test_a_test_key_does_not_take_along_what_is_live(
    tenants: TenantFactory, http: httpx.AsyncClient, database: Database
) -> None:
    own = Partner(http, await tenants.new())
    for environment, status in (("test", 403), ("live", 202)):
        key = await KeyMaker(database).new(
            own.tenant.tenant_id, scopes=SCOPES, environment=environment
        )
        assert (await own.as_key(key).post("/v1/tenant_exports")).status_code == status
