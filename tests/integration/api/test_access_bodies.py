"""Every operation with a body x every way in which a body can be bad. [R-C3, R-A17]"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import msgspec
import pytest

from services.api.context import ProcessContext
from shared.config import Settings
from tests.integration.api.conftest import FakeWorker, Partner
from tests.integration.api.matrix_world import Home, fault_of, open_home, without_limits
from tests.support.openapi_cases import BodyFaults, Fault, Sample, malformed

ONE_BY_ONE = {"create_scoring_batch": "/conversations/0/"}
"""Parts of a body that are checked each for itself: the answer is a 202 that names the wrong ones."""

STORED_BY_BATCHES = {
    "app.events",
    "app.idempotency_claims",
    "app.operation_parts",
    "app.operations",
    "app.refused_conversations",
}


@pytest.fixture(scope="module")
def api_settings(settings: Settings) -> Settings:
    return without_limits(settings)


@pytest.fixture(scope="module")
async def home(
    partner: Partner, context: ProcessContext, worker: FakeWorker, database_url: str
) -> AsyncIterator[Home]:
    async with open_home(partner, context, database_url) as opened:
        yield opened


@pytest.fixture
async def nothing_is_stored(home: Home) -> AsyncIterator[None]:
    before = await home.stored()
    yield
    assert await home.stored() == before


def _with_bodies(home: Home) -> list[Sample]:
    found = [each for each in home.samples if each.body is not None]
    assert len(found) > 30
    return found


@pytest.mark.usefixtures("nothing_is_stored")
async def test_what_is_no_json_body(home: Home) -> None:
    key, wrong = home.partner.tenant.api_key, []
    for sample in _with_bodies(home):
        for title, content, kind, status, code in malformed(sample.body):
            response = await home.send(sample, key, content=content, Content_Type=kind)
            if fault := fault_of(response, status, code):
                wrong.append(f"{sample.operation.name}: {title}: {fault}")

    assert wrong == []


@pytest.mark.usefixtures("nothing_is_stored")
async def test_what_is_too_large(home: Home) -> None:
    key, wrong = home.partner.tenant.api_key, []
    for sample in _with_bodies(home):
        response = await home.send(sample, key, Content_Length=str(2**40))
        if fault := fault_of(response, 413, "payload-too-large"):
            wrong.append(f"{sample.operation.name}: {fault}")

    assert wrong == []


def _bad(home: Home) -> Iterator[tuple[Sample, Fault]]:
    """Yield every bad request, with what is wrong in it."""
    faults = BodyFaults(home.document)
    for sample in _with_bodies(home):
        assert sample.operation.schema is not None
        for fault in faults.of(sample.body, sample.operation.schema):
            yield msgspec.structs.replace(sample, body=fault.body), fault


def _is_one_of_many(sample: Sample, fault: Fault) -> bool:
    inside = ONE_BY_ONE.get(sample.operation.name)
    return inside is not None and all(each.startswith(inside) for each in fault.pointers)


@pytest.mark.usefixtures("nothing_is_stored")
async def test_every_wrong_field_is_named(home: Home) -> None:
    key, wrong, sent = home.partner.tenant.api_key, [], 0
    for sample, fault in _bad(home):
        if _is_one_of_many(sample, fault):
            continue
        response = await home.send(sample, key)
        sent += 1
        missed = fault_of(response, 400, "validation-failed") or _missed(response, fault)
        if missed:
            wrong.append(f"{sample.operation.name}: {fault.title}: {missed}")

    assert wrong == []
    assert sent > 500


async def test_a_batch_names_the_wrong_fields_of_each_conversation(home: Home) -> None:
    key, sent, before = home.partner.tenant.api_key, 0, await home.stored()
    for sample, fault in _bad(home):
        if _is_one_of_many(sample, fault):
            response = await home.send(sample, key)
            sent += 1
            assert response.status_code == 202, fault
            assert response.json()["operation"]["status"] == "failed"
            assert _missed(response, fault) is None

    assert sent > 10
    after = await home.stored()
    changed = {name for name in after if after[name] != before[name]}
    assert changed == STORED_BY_BATCHES


def _missed(response: httpx.Response, fault: Fault) -> str | None:
    """Return which wrong fields an answer does not name, if any."""
    named = [*_pointers(response.json())]
    unnamed = [
        each
        for each in fault.pointers
        if not any(name == each or name.startswith(f"{each}/") for name in named)
    ]
    return f"{unnamed} are not in {named}" if unnamed else None


def _pointers(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "pointer" in value:
            yield value["pointer"]
        value = [*value.values()]
    if isinstance(value, list):
        for each in value:
            yield from _pointers(each)
