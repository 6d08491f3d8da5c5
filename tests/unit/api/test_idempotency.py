from uuid import UUID

import pytest

from services.api.idempotency import KEPT_S, Claim, Claims, read_key
from services.orchestrator.relay import CLAIMS_KEPT
from shared.errors import IdempotencyKeyReusedError, ValidationFailedError

CLAIMS = Claims(bytes(32))


def _claim(
    key: str = "k",
    tenant: int = 1,
    route: str = "POST /v1/a/{id}",
    path: str = "/v1/a/1",
    version: str = "2026-11-22",
    body: object = None,
    claims: Claims = CLAIMS,
) -> Claim:
    return claims.make(key, UUID(int=tenant), route=route, path=path, version=version, body=body)


def test_the_order_of_fields_does_not_matter() -> None:
    assert _claim(body={"a": 1, "b": [1, 2]}) == _claim(body={"b": [1, 2], "a": 1})


@pytest.mark.parametrize(
    "other",
    [
        _claim(key="other"),
        _claim(tenant=2),
        _claim(route="PUT /v1/a/{id}"),
        _claim(path="/v1/a/2"),
        _claim(route="POST /v1/b/{id}"),
    ],
)
def test_another_request_has_another_claim(other: Claim) -> None:
    assert other.hash != _claim().hash


@pytest.mark.parametrize(("one", "two"), [({"a": 1}, {"a": 2}), ({"a": 1}, {"a": "1"}), ([], {})])
def test_another_body_has_another_fingerprint(one: object, two: object) -> None:
    first, second = _claim(body=one), _claim(body=two)

    assert first.hash == second.hash
    with pytest.raises(IdempotencyKeyReusedError):
        first.check(second.fingerprint)


@pytest.mark.parametrize(
    ("header", "key"), [("abc", "abc"), ('"abc"', "abc"), ("a b", "a b"), ("~" * 255, "~" * 255)]
)
def test_keys_bare_and_quoted(header: str, key: str) -> None:
    assert read_key(header) == key


@pytest.mark.parametrize("header", ["", " a", '"', '""', '"a', "a" * 256, "tab\t", "é", "a\n"])
def test_other_headers_are_refused(header: str) -> None:
    with pytest.raises(ValidationFailedError):
        read_key(header)


def test_another_version_has_another_fingerprint() -> None:
    first, second = _claim(), _claim(version="2026-09-01")

    assert first.hash == second.hash
    with pytest.raises(IdempotencyKeyReusedError):
        first.check(second.fingerprint)


def test_nothing_can_be_tried_out_without_the_master_key() -> None:
    other = _claim(claims=Claims(bytes(31) + b"1"))

    assert other.hash != _claim().hash
    assert other.fingerprint != _claim().fingerprint


def test_keys_are_kept_as_long_as_is_published() -> None:
    assert CLAIMS_KEPT.total_seconds() == KEPT_S == 24 * 3600
