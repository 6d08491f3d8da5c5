"""A deprecated operation says so in every answer. [R-A11]"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.api.deprecation import DeprecatedUse, Deprecation, deprecation_headers

SINCE = datetime(2026, 11, 22, tzinfo=UTC)


def _headers(**fields: Any) -> dict[str, str]:
    deprecation = Deprecation(since=SINCE, page="/problems/x", **fields)
    return {name.decode(): value.decode() for name, value in deprecation_headers(deprecation)}


def test_all_that_is_known_is_said() -> None:
    headers = _headers(sunset=SINCE + timedelta(days=365), successor="/v1/new")

    assert headers["deprecation"] == f"@{int(SINCE.timestamp())}"
    assert headers["sunset"] == "Mon, 22 Nov 2027 00:00:00 GMT"
    assert headers["link"] == (
        '</problems/x>; rel="deprecation"; type="text/html",'
        ' </problems/x>; rel="sunset"; type="text/html",'
        ' </v1/new>; rel="successor-version"'
    )


def test_what_is_not_known_is_not_said() -> None:
    headers = _headers()

    assert set(headers) == {"deprecation", "link"}
    assert "sunset" not in headers["link"]
    assert "successor" not in headers["link"]


def test_a_sunset_is_never_before_the_deprecation() -> None:
    with pytest.raises(ValueError, match="never before"):
        Deprecation(since=SINCE, sunset=SINCE - timedelta(seconds=1), page="/x")


def test_use_is_counted_by_tenant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.api.deprecation.COUNTED", 2)
    use = DeprecatedUse()
    one, two = UUID(int=1), UUID(int=2)

    assert [use.note(one, "get_a"), use.note(one, "get_a"), use.note(two, "get_a")] == [1, 2, 1]
    assert use.note(one, "get_b") == 1
    assert use.note(one, "get_a") == 1, "the longest unused was forgotten"
