"""Whatever a client sends to turns and scorings: a 4xx problem, never a 5xx."""

import json
from typing import Any

import httpx
import pytest

from tests.integration.api.conftest import Partner

GOOD_TURN = {"text": "Hello", "expected_seq": 0}
GOOD_SCORING = {
    "conversation": {"source": "call", "turns": [{"role": "agent", "text": "Hello"}]},
    "learner_id": "lrn_" + "0" * 26,
}

BODIES: list[tuple[str, bytes, int, str]] = [
    ("empty", b"", 400, "malformed-json"),
    ("cut", b'{"text": "Hel', 400, "malformed-json"),
    ("not json", b"hello", 400, "malformed-json"),
    ("trailing", b"{} {}", 400, "malformed-json"),
    ("nan", b'{"expected_seq": NaN}', 400, "malformed-json"),
    ("huge number", b'{"expected_seq": ' + b"9" * 5000 + b"}", 400, "malformed-json"),
    ("invalid utf-8", b'{"text": "\xff\xfe"}', 400, "malformed-json"),
    ("utf-16", '{"text": "hi"}'.encode("utf-16"), 400, "malformed-json"),
    ("key twice", b'{"text": "a", "text": "b"}', 400, "malformed-json"),
    ("deep array", b"[" * 100_000, 400, "malformed-json"),
    ("deep object", b'{"a":' * 500 + b"1" + b"}" * 500, 400, "malformed-json"),
    ("deep enough", b'{"text":' + b"[" * 40 + b"]" * 40 + b"}", 400, "malformed-json"),
    ("null", b"null", 400, "validation-failed"),
    ("array", b"[]", 400, "validation-failed"),
    ("string", b'"text"', 400, "validation-failed"),
    ("empty object", b"{}", 400, "validation-failed"),
    ("lone surrogate", b'"\\ud800"', 400, "validation-failed"),
    ("lone surrogate as a key", b'{"\\ud800": 1}', 400, "validation-failed"),
    ("lone surrogate as a number", b'{"expected_seq": "\\ud800"}', 400, "validation-failed"),
    ("lone surrogate as a choice", b'{"mode": "\\ud800"}', 400, "validation-failed"),
    ("unknown field", b'{"color": "red"}', 400, "validation-failed"),
    ("oversize", b'{"text": "' + b"a" * (1024 * 1024) + b'"}', 413, "payload-too-large"),
]


@pytest.fixture(scope="module")
async def targets(partner: Partner) -> dict[str, str]:
    simulation = await partner.simulation()
    return {
        "turns": f"/v1/simulations/{simulation['id']}/turns",
        "scorings": "/v1/scorings",
        "simulations": "/v1/simulations",
        "learners": "/v1/learners",
    }


async def _send(partner: Partner, path: str, content: Any, **headers: str) -> httpx.Response:
    return await partner.http.post(
        path,
        content=content,
        headers={
            **partner.headers,
            "Content-Type": "application/json",
            "Idempotency-Key": "bad-input",
            **headers,
        },
    )


def _check(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    body: dict[str, Any] = response.json()
    assert (response.status_code, body["code"]) == (status, code), body
    assert response.headers["content-type"] == "application/problem+json"
    assert body["status"] == status
    assert body["type"] == f"/problems/{code}"
    assert body["request_id"] == response.headers["request-id"]
    return body


@pytest.mark.parametrize("target", ["turns", "scorings", "simulations", "learners"])
@pytest.mark.parametrize(("name", "content", "status", "code"), BODIES, ids=[b[0] for b in BODIES])
async def test_bodies(
    partner: Partner,
    targets: dict[str, str],
    target: str,
    name: str,
    content: bytes,
    status: int,
    code: str,
) -> None:
    _check(await _send(partner, targets[target], content), status, code)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a\0b", "nul-character"),
        ("\ud83d", "lone-surrogate"),
        (" \n\t ", "blank"),
        ("", "too-short"),
        ("x" * 4001, "too-long"),
        (5, "type"),
        (None, "type"),
        ([], "type"),
        ({"a": 1}, "type"),
    ],
)
async def test_text_of_a_turn(
    partner: Partner, targets: dict[str, str], text: Any, code: str
) -> None:
    content = json.dumps({**GOOD_TURN, "text": text}).encode()

    problem = _check(await _send(partner, targets["turns"], content), 400, "validation-failed")

    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [("/text", code)]


@pytest.mark.parametrize("seq", [-1, 1.0, 0.5, "0", True, None, 10**30, []])
async def test_expected_seq(partner: Partner, targets: dict[str, str], seq: Any) -> None:
    content = json.dumps({**GOOD_TURN, "expected_seq": seq}).encode()

    problem = _check(await _send(partner, targets["turns"], content), 400, "validation-failed")

    assert [error["pointer"] for error in problem["errors"]] == ["/expected_seq"]


@pytest.mark.parametrize(
    "text", ["emoji 😀 and ünïcödé", "\u202eright to left", "'; drop table turns; --"]
)
async def test_odd_text_is_fine(partner: Partner, text: str) -> None:
    response = await partner.post("/v1/teams", {"name": text})

    assert response.status_code == 201
    assert response.json()["name"] == text


async def test_nul_hides_nowhere(partner: Partner, targets: dict[str, str]) -> None:
    body = {"conversation": {"turns": [{"role": "agent", "text": "a\0"}], "source": "call\0"}}
    content = json.dumps({**GOOD_SCORING, **body, "extra\0": 1}).encode()

    problem = _check(await _send(partner, targets["scorings"], content), 400, "validation-failed")

    found = {(error["pointer"], error["code"]) for error in problem["errors"]}
    assert ("/conversation/turns/0/text", "nul-character") in found
    assert ("/conversation/source", "nul-character") in found
    query = await partner.get("/v1/teams?external_id=a%00b")
    assert query.json()["errors"][0]["code"] == "nul-character"
    assert (await partner.get("/v1/teams?external_id=%FF")).status_code == 400


@pytest.mark.parametrize(
    "media_type", ["text/plain", "", "application/xml", "application/json; charset=latin-1"]
)
async def test_other_media_types(
    partner: Partner, targets: dict[str, str], media_type: str
) -> None:
    content = json.dumps(GOOD_TURN).encode()
    response = await _send(partner, targets["turns"], content, **{"Content-Type": media_type})

    _check(response, 415, "unsupported-media-type")


async def test_a_stream_without_length_stops_at_the_limit(
    partner: Partner, targets: dict[str, str]
) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        for _ in range(64):
            sent += 65536
            yield b"a" * 65536

    response = await _send(partner, targets["turns"], endless())

    _check(response, 413, "payload-too-large")


@pytest.mark.parametrize("key", ["", " ", "a" * 256, "tab\there", "ünï", '"open', '""'])
async def test_idempotency_keys(partner: Partner, targets: dict[str, str], key: str) -> None:
    content = json.dumps(GOOD_TURN).encode()
    response = await partner.http.post(
        targets["turns"],
        content=content,
        headers=[
            (b"authorization", partner.headers["Authorization"].encode()),
            (b"content-type", b"application/json"),
            (b"idempotency-key", key.encode()),
        ],
    )

    problem = _check(response, 400, "validation-failed")
    assert problem["errors"][0]["pointer"] == "header:Idempotency-Key"


@pytest.mark.parametrize(
    "path", ["/", "/v2/teams", "/v1", "/v1/team", "/v1/simulations/%ff/turns/1"]
)
async def test_unknown_paths(http: httpx.AsyncClient, path: str) -> None:
    _check(await http.get(path), 404, "not-found")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_other_methods(http: httpx.AsyncClient, method: str) -> None:
    response = await http.request(method, "/v1/teams")

    _check(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "GET, POST"


async def test_request_ids(http: httpx.AsyncClient) -> None:
    mine = "req_01k8zr6w2cf0b8n9s1d2e3f4g5"
    kept = await http.get("/livez", headers={"Request-Id": mine})
    replaced = await http.get("/livez", headers={"Request-Id": "req_<script>"})

    assert kept.headers["request-id"] == mine
    assert replaced.headers["request-id"] != "req_<script>"
    assert replaced.headers["request-id"].startswith("req_")
