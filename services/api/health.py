"""Is the process alive, and can it serve? On the API's own port, for whoever probes it there."""

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse

from services.api.context import ProcessContext
from services.api.endpoint import Answer, respond
from shared.errors import UnavailableError
from shared.health.probes import database_probe, nats_probe
from shared.health.readiness import Readiness


def health_handlers(context: ProcessContext) -> list[HTTPRouteHandler]:
    """Return `/livez` and `/readyz`; Temporal is the orchestrator's business."""
    readiness = Readiness(
        {"database": database_probe(context.database), "nats": nats_probe(context.nats)}
    )

    @get("/livez")
    async def livez() -> ASGIResponse:
        return respond(Answer(body={"status": "ok"}))

    @get("/readyz")
    async def readyz() -> ASGIResponse:
        missing = ("stop",) if context.draining.is_set() else await readiness.missing()
        if missing:
            raise UnavailableError(f"Not ready: {', '.join(missing)}", retry_after_s=1)
        return respond(Answer(body={"status": "ok"}))

    return [livez, readyz]
