"""What the access matrix is made of: a furnished tenant, and everybody who should not get at it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
import msgspec

from services.api.context import ProcessContext
from shared.config import Settings
from tests.integration.api.conftest import IDS, Partner
from tests.integration.api.furnished import Furnisher
from tests.integration.api.reports_world import answering
from tests.support.openapi_cases import Json, Sample, samples_of

UNTOUCHED = {
    "api_keys": "the tests themselves make keys, past the API",
    "request_rates": "every request of the tenant counts, refused or not",
    "trail": "tells of reads and files too, a moment later",
    "trail_marks": "which reads have been told of",
}
"""Tables whose rows no request is answerable for."""


def without_limits(settings: Settings) -> Settings:
    """Return settings under which a matrix is not refused for its size."""
    return msgspec.structs.replace(
        settings, turn_wait_s=0.5, requests_per_minute=10_000_000, webhook_allow_private=True
    )


class Home:
    """A furnished tenant, a good request per operation, and a look at everything it has stored."""

    def __init__(
        self, partner: Partner, document: Json, kept: Json, owner: asyncpg.Connection
    ) -> None:
        self.partner = partner
        self.document = document
        self.kept = kept
        self.samples = samples_of(document, kept)
        self._owner = owner

    async def stored(self) -> dict[str, str]:
        """Return what every table holds of the tenant, as a hash per table."""
        tables = await self._owner.fetch(
            "select table_schema || '.' || table_name from information_schema.columns"
            " join information_schema.tables using (table_schema, table_name)"
            " where table_schema in ('app', 'report') and column_name = 'tenant_id'"
            " and table_type = 'BASE TABLE' and table_name <> all ($1) order by 1",
            list(UNTOUCHED),
        )
        query = " union all ".join(
            f"select '{name}', count(*) || ' ' ||"
            f" coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from {name} t"
            " where tenant_id = $1"
            for (name,) in tables
        )
        return dict(await self._owner.fetch(query, self.partner.tenant.tenant_id))

    async def send(
        self,
        sample: Sample,
        key: str | None,
        *,
        path: Mapping[str, Any] | None = None,
        content: bytes | None = None,
        **headers: str,
    ) -> httpx.Response:
        """Send a request with somebody's key; `headers` have underscores for dashes."""
        sent = {"Idempotency-Key": str(IDS.new())} if sample.operation.takes_key else {}
        if key is not None:
            sent["Authorization"] = f"Bearer {key}"
        if content is None and sample.body is not None:
            content = msgspec.json.encode(sample.body)
        if content is not None:
            sent["Content-Type"] = "application/json"
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        async with asyncio.timeout(20):
            return await self.partner.http.request(
                sample.operation.method,
                sample.url(path),
                params=sample.query or None,
                content=content,
                headers=sent,
            )


@asynccontextmanager
async def open_home(
    partner: Partner, context: ProcessContext, owner_url: str
) -> AsyncIterator[Home]:
    """Furnish a tenant; `owner_url` is of the database, past row security."""
    kept = await Furnisher(partner, context).furnish()
    document = (await partner.get("/openapi.json")).json()
    owner = await asyncpg.connect(owner_url)
    try:
        async with answering(context):
            yield Home(partner, document, kept, owner)
    finally:
        await owner.close()


def fault_of(response: httpx.Response, status: int, code: str) -> str | None:
    """Return how an answer is not this refusal."""
    if response.status_code != status or response.headers["content-type"] != (
        "application/problem+json"
    ):
        return f"{response.status_code} {response.text[:200]}"
    body = response.json()
    is_right = (
        body["code"] == code
        and body["status"] == status
        and body["type"] == f"/problems/{code}"
        and body["request_id"] == response.headers["request-id"]
    )
    return None if is_right else response.text[:200]
