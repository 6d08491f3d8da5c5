"""The copy of everything of a person: complete against the map, sealed, and gone in time. [R-C12]"""

import csv
import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest

from services.api.context import ProcessContext
from services.orchestrator.privacy.worker import PrivacyWorker
from shared.ids import parse_id
from shared.privacy.archive import cells
from shared.privacy.reading import exported, shown
from shared.privacy.tasks import forget_files
from tests.integration.api.conftest import FakeWorker, Partner
from tests.integration.privacy.conftest import Eyes
from tests.integration.privacy.privacy_world import Person, furnish_person


@pytest.fixture(scope="module")
async def person(
    partner: Partner, context: ProcessContext, eyes: Eyes, worker: FakeWorker
) -> Person:
    return await furnish_person(partner, context, eyes, worker)


@pytest.fixture(scope="module")
async def export(person: Person, privacy: PrivacyWorker) -> dict[str, Any]:
    ordered = await person.partner.post(f"/v1/learners/{person.learner}/export")
    assert ordered.status_code == 202, ordered.text
    early = await person.partner.get(f"/v1/learner_exports/{ordered.json()['id']}/file")
    assert early.status_code == 409
    assert await privacy.work_off() == 1
    found = await person.partner.get(f"/v1/learner_exports/{ordered.json()['id']}")
    answer: dict[str, Any] = found.json()
    return answer


@pytest.fixture(scope="module")
async def archive(person: Person, export: dict[str, Any]) -> zipfile.ZipFile:
    file = await person.partner.get(export["file"])
    assert file.status_code == 200, file.text
    assert file.headers["content-type"] == "application/zip"
    assert len(file.content) == export["size_bytes"] > 1000
    return zipfile.ZipFile(io.BytesIO(file.content))


async def test_every_word_that_was_sealed_is_in_it(
    person: Person, archive: zipfile.ZipFile
) -> None:
    missing = []
    for place, word in person.words.items():
        schema, table, _ = place.split(".")
        text = archive.read(f"data/{table}.json").decode()
        if word not in text:
            missing.append(place)
        assert schema in {"app", "report"}
    assert missing == []
    assert len(person.words) > 20


async def test_every_row_and_every_readable_column_is_in_it(
    person: Person, archive: zipfile.ZipFile
) -> None:
    files = set(archive.namelist())
    assert archive.testzip() is None
    for table in exported():
        if table.name == "app.privacy_tasks":
            continue  # the export itself has moved on since
        rows = await person.rows(table)
        if table.name == "app.operations":
            rows = [row for row in rows if row["kind"] != "learner_export"]
        short = table.name.partition(".")[2]
        assert f"data/{short}.json" in files, f"{table.name} is missing"
        told = json.loads(archive.read(f"data/{short}.json"))
        if table.name in {"app.events", "app.idempotency_claims"}:  # more came since
            rows = rows[: len(told)]
        assert len(told) == len(rows) + (table.name == "app.operations"), table.name
        for row in rows:
            plain = {column: shown(column, row[column]) for column in table.plain}
            ours = json.loads(json.dumps(plain))
            assert any(all(one[name] == value for name, value in ours.items()) for one in told), (
                table.name,
                ours,
            )


async def test_the_tables_say_the_same_for_spreadsheets(archive: zipfile.ZipFile) -> None:
    rows = json.loads(archive.read("data/turns.json"))
    table = list(csv.reader(io.StringIO(archive.read("csv/turns.csv").decode())))
    assert table[0] == list(rows[0])
    assert len(table) == len(rows) + 1
    manifest = json.loads(archive.read("manifest.json"))
    assert manifest["rows"]["app.turns"] == len(rows)
    assert b"keyed hashes" in archive.read("README.txt")


def test_a_spreadsheet_computes_nothing() -> None:
    assert cells(["=1+1", "@x", "-3", "fine", None, 4, {"a": 1}]) == [
        "'=1+1", "'@x", "'-3", "fine", "", "4", '{"a":1}',
    ]  # fmt: skip


async def test_nobody_else_is_in_it(
    person: Person, archive: zipfile.ZipFile, partner: Partner
) -> None:
    other = await partner.learner(name="Somebody Else", external_id="somebody-else")
    everything = b"".join(archive.read(name) for name in archive.namelist()).decode()
    assert other not in everything
    assert set(json.loads(archive.read("manifest.json"))["learner"].split()) == {person.learner}


async def test_it_rests_sealed(person: Person, export: dict[str, Any], eyes: Eyes) -> None:
    parts = await eyes.rows(
        "select content from privacy_files where operation_id = $1", parse_id("op", export["id"])
    )
    assert parts
    assert not [row for row in parts if row["content"][:2] == b"PK" or b"README" in row["content"]]


async def test_its_reading_is_in_the_trail(
    person: Person, archive: zipfile.ZipFile, eyes: Eyes
) -> None:
    actions = {
        row["action"]
        for row in await eyes.rows(
            "select action from trail where tenant_id = $1", person.tenant_id
        )
    }
    assert {"learner.export_ordered", "learner.exported"} <= actions


async def test_strangers_and_bound_keys_get_none(export: dict[str, Any], stranger: Partner) -> None:
    for path in (f"/v1/learner_exports/{export['id']}", export["file"]):
        assert (await stranger.get(path)).status_code == 404


async def test_after_its_time_it_is_gone(
    person: Person,
    export: dict[str, Any],
    archive: zipfile.ZipFile,
    privacy: PrivacyWorker,
    eyes: Eyes,
) -> None:
    operation_id = parse_id("op", export["id"])
    await eyes.run(
        "update privacy_tasks set expires_at = expires_at - $2::interval where operation_id = $1",
        operation_id,
        timedelta(days=8),
    )
    await forget_files(privacy._shop)
    assert (
        await eyes.value("select count(*) from privacy_files where operation_id = $1", operation_id)
        == 0
    )
    found = (await person.partner.get(f"/v1/learner_exports/{export['id']}")).json()
    assert (found["status"], found["file"], found["expires_at"]) == ("succeeded", None, None)
    assert (await person.partner.get(export["file"])).status_code == 404


async def test_whoever_is_erased_meanwhile_gets_no_copy(
    partner: Partner, privacy: PrivacyWorker
) -> None:
    learner = await partner.learner()
    export = (await partner.post(f"/v1/learners/{learner}/export")).json()
    erasure = (await partner.post(f"/v1/learners/{learner}/erasure")).json()
    tenant_id = partner.tenant.tenant_id
    assert await privacy._do(tenant_id, parse_id("op", erasure["id"]))
    assert await privacy._do(tenant_id, parse_id("op", export["id"]))
    found = (await partner.get(f"/v1/learner_exports/{export['id']}")).json()
    assert (found["status"], found["file"]) == ("failed", None)
    assert (await partner.post(f"/v1/learners/{learner}/export")).status_code == 404
