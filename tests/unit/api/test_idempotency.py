import pytest

from services.api.idempotency import Claim, make_claim, read_key
from shared.errors import IdempotencyKeyReusedError, ValidationFailedError


def _claim(
    key: str = "k",
    method: str = "POST",
    template: str = "/v1/a/{id}",
    path: str = "/v1/a/1",
    body: object = None,
) -> Claim:
    return make_claim(key, method, template, path, body)


def test_the_order_of_fields_does_not_matter() -> None:
    assert _claim(body={"a": 1, "b": [1, 2]}) == _claim(body={"b": [1, 2], "a": 1})


@pytest.mark.parametrize(
    "other",
    [
        _claim(key="other"),
        _claim(method="PUT"),
        _claim(path="/v1/a/2"),
        _claim(template="/v1/b/{id}"),
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
