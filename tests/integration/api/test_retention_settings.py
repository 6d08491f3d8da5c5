"""`/v1/settings/retention`: defaults, bounds, revisions. [R-C13]"""

from datetime import UTC, datetime, timedelta

import pytest

from shared.retention import KINDS, Retention, first_id, made_at
from tests.integration.api.conftest import IDS, Partner
from tests.support.openapi_cases import Json


class TestSettings:
    async def test_defaults_bounds_and_revisions(self, partner: Partner) -> None:
        found = (await partner.get("/v1/settings/retention")).json()
        assert found["revision"] == 0
        assert {kind: found[kind] for kind in KINDS} == {
            kind: getattr(Retention(), kind) for kind in KINDS
        }
        body = {"expected_revision": 0, "score_details": None, "webhook_payloads": 7}
        set_to = (await partner.put("/v1/settings/retention", body)).json()
        assert (set_to["revision"], set_to["score_details"], set_to["webhook_payloads"]) == (
            1,
            None,
            7,
        )
        again = await partner.put("/v1/settings/retention", body)
        assert again.json() == set_to
        other = await partner.put("/v1/settings/retention", {**body, "audit_log": 400})
        assert (other.status_code, other.json()["code"]) == (409, "conflict")

    @pytest.mark.parametrize(
        "field",
        [
            {"simulation_transcripts": 6},
            {"conversation_transcripts": 3651},
            {"webhook_payloads": 91},
            {"webhook_payloads": None},
            {"audit_log": 364},
            {"usage_details": 29},
            {"voices": 3},
        ],
    )
    async def test_what_is_out_of_bounds_is_named(self, partner: Partner, field: Json) -> None:
        body = {"expected_revision": 0, **field}
        response = await partner.put("/v1/settings/retention", body)
        assert response.status_code == 400
        assert [one["pointer"] for one in response.json()["errors"]] == [f"/{next(iter(field))}"]


def test_ids_tell_when_they_were_made() -> None:
    at = datetime(2026, 3, 4, 5, 6, 7, 891000, tzinfo=UTC)
    assert made_at(first_id(at), at) == at
    assert first_id(datetime.now(UTC) - timedelta(seconds=1)) < IDS.new()
