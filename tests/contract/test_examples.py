"""Every example request of the document is sent; the answers are what the document says."""

import re
from collections.abc import Callable

import msgspec
import pytest

from infra.contract.recording import ANSWERS, RECEIVER, Followed, follow
from infra.contract.tour import Sent, operations_of
from services.api.openapi.examples import Taken
from tests.contract.conftest import Access
from tests.contract.validation import Checker, Json, content_of, operations


@pytest.fixture(scope="module")
async def followed(make_access: Callable[[], Access]) -> Followed:
    """What was sent and answered, with a tenant of its own."""
    access = make_access()
    return await follow(access.url, access.key)


@pytest.fixture(scope="module")
def sent(followed: Followed) -> list[Sent]:
    return followed.sent


def test_every_operation_is_shown(sent: list[Sent], document: Json) -> None:
    assert {each.step.operation for each in sent} == set(operations_of(document))


def test_answers_fit_their_schemas(sent: list[Sent], document: Json, checker: Checker) -> None:
    known = operations(document)
    wrong = []
    for each in sent:
        response = known[each.step.operation]["responses"][str(each.status)]
        kind = each.headers["Content-Type"].partition(";")[0]
        schema = content_of(document, response)[kind]["schema"]
        wrong += [
            f"{each.step.operation}: {fault}" for fault in checker.faults(each.answer, schema)
        ]

    assert wrong == []


def test_requests_fit_their_schemas(sent: list[Sent], document: Json, checker: Checker) -> None:
    known = operations(document)
    wrong = []
    for each in sent:
        operation = known[each.step.operation]
        if each.body is not None:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            wrong += checker.faults(each.body, schema)
        schemas = {parameter["name"]: parameter["schema"] for parameter in operation["parameters"]}
        for name, value in (each.path | each.query).items():
            wrong += [
                f"{each.step.operation} {name}{f}" for f in checker.faults(value, schemas[name])
            ]

    assert wrong == []


def test_headers_are_documented(sent: list[Sent], document: Json) -> None:
    known = operations(document)
    for each in sent:
        documented = known[each.step.operation]["responses"][str(each.status)]["headers"]
        told = {name.title() for name in documented}
        plain = {"Content-Type", "Content-Length", "Date", "Server", "Transfer-Encoding"}
        plain |= {"Cache-Control", "Connection", "X-Accel-Buffering", "Vary"}
        assert set(each.headers) - plain <= told, each.step.operation
        assert {"Request-Id", "Ratelimit", "Ratelimit-Policy", "Api-Version"} <= set(each.headers)
        if each.status == 201 and "id" in each.answer:  # a token is stored nowhere
            assert "Location" in each.headers, each.step.operation


def test_the_recorded_answers_have_the_same_fields(sent: list[Sent]) -> None:
    recorded = msgspec.json.decode(ANSWERS.read_bytes(), type=list[Taken])
    fresh = [each for each in sent if each.step.shown]
    for old, new in zip(recorded, fresh, strict=True):
        assert _outline(old.answer) == _outline(new.answer), f"{old.operation}: record them again"
        assert _outline(old.body) == _outline(new.body), f"{old.operation}: record them again"


def test_recording_tames_what_changes(followed: Followed) -> None:
    before, after = ANSWERS.read_text(), msgspec.json.encode(followed.tame()).decode()
    first = msgspec.json.decode(after)[0]

    assert RECEIVER in msgspec.json.encode(followed.sent).decode()
    assert RECEIVER not in after
    assert first["answer"]["id"] == msgspec.json.decode(before)[0]["answer"]["id"]
    assert first["answer"]["created_at"].startswith("2026-11-19T09:3")
    secrets = re.findall("whsec_[A-Za-z0-9+/=]+", after)
    assert secrets
    assert set(secrets) == set(re.findall("whsec_[A-Za-z0-9+/=]+", before))


def _outline(value: object) -> object:
    """Return the fields of an answer, down to its lists: their lengths may differ."""
    if isinstance(value, dict):
        return {name: _outline(each) for name, each in value.items() if name != "metadata"}
    return type(value).__name__ if isinstance(value, list | dict) else ""
