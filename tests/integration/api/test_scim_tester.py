"""The SCIM face before an independent judge, `scim2-tester`: every check it has, against the API."""

import asyncio
from typing import Any

import httpx
import httpx2
import pytest
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import Context, Resource
from scim2_tester import CheckResult, Status, check_server
from typing_extensions import override

from tests.integration.api.conftest import Partner
from tests.support.tenants import TenantFactory

ALLOWED_SKIPS: frozenset[str] = frozenset()
"""Beginnings of reasons why a check does not apply to us; none is left out."""


class _Bridge(httpx2.BaseTransport):
    """Carries the requests of a thread into the event loop where the API runs."""

    def __init__(self, loop: asyncio.AbstractEventLoop, http: httpx.AsyncClient) -> None:
        self._loop = loop
        self._http = http

    @override
    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        sent = self._http.request(
            request.method, str(request.url), headers=dict(request.headers), content=request.read()
        )
        answer = asyncio.run_coroutine_threadsafe(sent, self._loop).result(60)
        return httpx2.Response(
            answer.status_code, headers=dict(answer.headers), content=answer.content
        )


def _checked(
    transport: _Bridge, headers: dict[str, str], tags: set[str] | None = None
) -> list[CheckResult]:
    with httpx2.Client(
        transport=transport, base_url="http://api.test/scim/v2", headers=headers
    ) as client:
        return list(check_server(SyncSCIMClient(client), include_tags=tags))


@pytest.fixture(scope="module")
async def results(http: httpx.AsyncClient, tenants: TenantFactory) -> list[CheckResult]:
    partner = Partner(http, await tenants.new())
    bridge = _Bridge(asyncio.get_running_loop(), http)
    return await asyncio.to_thread(_checked, bridge, partner.headers)


def test_every_check_of_the_tester_passes(results: list[CheckResult]) -> None:
    failed = [
        f"{each.title} [{each.resource_type}]: {each.reason}"
        for each in results
        if each.status not in {Status.SUCCESS, Status.SKIPPED}
    ]
    assert failed == []


def test_no_check_is_left_out(results: list[CheckResult]) -> None:
    skipped = [str(each.reason) for each in results if each.status is Status.SKIPPED]
    assert [each for each in skipped if not each.startswith(tuple(ALLOWED_SKIPS))] == []


def test_the_tester_looked_at_everything(results: list[CheckResult]) -> None:
    titles = {each.title for each in results}
    assert len(results) > 60, len(results)
    assert {each.resource_type for each in results if each.resource_type} == {"User", "Group"}
    assert {"object_creation", "check_add_attribute", "search_with_attributes"} <= titles


async def test_the_tester_sees_a_planted_fault(
    http: httpx.AsyncClient, tenants: TenantFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attributes that were asked to be left out are shown all the same."""

    def shown_whole(resource: Resource[Any], *_: object) -> dict[str, Any]:
        return resource.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)

    monkeypatch.setattr("services.api.scim.kinds._dump", shown_whole)
    partner = Partner(http, await tenants.new())
    bridge = _Bridge(asyncio.get_running_loop(), http)
    tags = {"discovery", "crud:read:attributes"}
    results = await asyncio.to_thread(_checked, bridge, partner.headers, tags)
    wrong = {each.title for each in results if each.status is Status.ERROR}
    assert "object_query_with_attributes" in wrong
