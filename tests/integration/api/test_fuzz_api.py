"""Every operation of the document, fuzzed in process with all of schemathesis' checks. [R-A16]"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import schemathesis

from services.api.app import create_app
from services.api.context import ProcessContext
from services.scoring_worker.dry_run import DryRunEndpoint
from shared.config import Settings
from shared.contracts.jobs import JobKind
from shared.messaging.topology import ensure_stream, job_stream_config
from tests.integration.api.conftest import Partner
from tests.integration.api.furnished import Furnisher
from tests.integration.api.fuzzing import Bridge, Report, acquainted, assert_clean, configured, run
from tests.integration.api.matrix_world import without_limits
from tests.integration.api.reports_world import answering
from tests.support.openapi_cases import Json, samples_of

COVERED = (
    "create_team",
    "list_teams",
    "get_team",
    "update_learner",
    "create_turn",
    "list_statements",
)
"""One operation of each kind, of which the short run tries every limit of the schema."""


@pytest.fixture(scope="module")
def api_settings(settings: Settings) -> Settings:
    return without_limits(settings)


@pytest.fixture(scope="module")
async def others(context: ProcessContext) -> AsyncIterator[None]:
    """The services that the API asks while a request waits."""
    await ensure_stream(context.nats, job_stream_config(JobKind.SCORE))
    dry_runs = DryRunEndpoint(context.nats)
    await dry_runs.open()
    async with answering(context):
        yield
    await dry_runs.close()


async def _fuzz(partner: Partner, context: ProcessContext, **settings: Any) -> tuple[Report, Json]:
    kept = await Furnisher(partner, context).furnish()
    document = (await partner.get("/openapi.json")).json()
    known = acquainted(document, samples_of(document, kept))
    config = configured(partner.tenant.api_key, **settings)
    schema = schemathesis.openapi.from_dict(known, config=config)
    schema.app = Bridge(create_app(context), asyncio.get_running_loop())
    return await asyncio.to_thread(run, schema), document


@pytest.mark.timeout(400)
@pytest.mark.usefixtures("others", "worker")
async def test_every_operation_stands_a_short_run(
    partner: Partner, context: ProcessContext
) -> None:
    report, document = await _fuzz(partner, context, examples=1, steps=4, covered=COVERED)

    assert_clean(report, document)
    assert report.requests > 500


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("others", "worker")
async def test_every_operation_stands_a_long_run(
    stranger: Partner, context: ProcessContext
) -> None:
    report, document = await _fuzz(stranger, context, examples=20, steps=8)

    assert_clean(report, document)
    assert report.requests > 10_000
