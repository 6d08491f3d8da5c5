"""Reporting's answers inside a test of the API; nothing is folded."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.api.context import ProcessContext
from services.reporting.desk import Desk
from services.reporting.documents.answers import Office
from services.reporting.documents.exporting import Exporter
from services.reporting.documents.rendering import Renderer
from services.reporting.endpoint import QuestionEndpoint
from services.reporting.questions import QUESTIONS
from tests.integration.api.conftest import IDS


@asynccontextmanager
async def answering(context: ProcessContext) -> AsyncIterator[Exporter]:
    """Answer every question about reports; files are written when a test says so."""
    exporter = Exporter(context.database, context.keys, context.clock, IDS)
    renderer = Renderer(deadline_s=60)
    office = Office(context.keys, IDS, renderer, exporter)
    desk = Desk(context.database, context.clock)
    endpoint = QuestionEndpoint(context.nats, desk, QUESTIONS + office.questions())
    await endpoint.open()
    await context.nats.flush()
    try:
        yield exporter
    finally:
        await endpoint.close()
        await renderer.close()
