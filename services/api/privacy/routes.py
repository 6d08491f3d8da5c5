"""HTTP face of erasures and exports of a person."""

from collections.abc import AsyncIterator

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.files import attachment
from services.api.privacy.schemas import (
    ErasureView,
    LearnerExportView,
    PrivacyTask,
    TenantExportView,
)
from services.api.privacy.service import PrivacyService
from shared.errors import ConflictError, NotFoundError
from shared.ids import format_id

READ = "privacy:read"
WRITE = "privacy:write"


class PrivacyRoutes:
    """`/v1/learners/{id}/erasure`, `/v1/learners/{id}/export`, `/v1/tenant_exports`."""

    def __init__(self, privacy: PrivacyService) -> None:
        self._privacy = privacy

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/learners/{learner_id:lrn}/erasure",
            scope=WRITE,
            answers={202: ErasureView},
            idempotency="accepted",
            problems=(NotFoundError,),
        )
    )
    async def erase_learner(self, call: Call) -> Answer:
        """Erase a person, for ever: there is no way back.

        Their key is destroyed first, within seconds; then everything they said, everything that was
        said about them, and what was stored or sent with it. Scores and dates stay under random
        ids, so no report changes. In the end there is a receipt: follow the operation, then read
        the erasure. Asking again finds the same one. The external id is free for a new person.
        """
        found, replayed = await self._privacy.order(
            call.principal, call.claim, call.ids["learner_id"], "learner_erasure"
        )
        return _ordered(call, ErasureView, "/v1/erasures", found, replayed=replayed)

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/erasures/{operation_id:op}",
            scope=READ,
            answers={200: ErasureView},
            problems=(NotFoundError,),
        )
    )
    async def get_erasure(self, call: Call) -> Answer:
        """Get how far an erasure is, and its receipt once it is done."""
        found = await self._privacy.get(call.principal, call.ids["operation_id"], "learner_erasure")
        return Answer(body=ErasureView.of(found))

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/learners/{learner_id:lrn}/export",
            scope=WRITE,
            answers={202: LearnerExportView},
            idempotency="accepted",
            problems=(NotFoundError,),
        )
    )
    async def export_learner(self, call: Call) -> Answer:
        """Have everything put into one file that is held of a person.

        A ZIP with JSON and CSV, complete: what they said, what was said about them, every score
        with its evidence, and every row that points to them. Follow the operation, then fetch the
        file within a week.
        """
        found, replayed = await self._privacy.order(
            call.principal, call.claim, call.ids["learner_id"], "learner_export"
        )
        return _ordered(call, LearnerExportView, "/v1/learner_exports", found, replayed=replayed)

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/learner_exports/{operation_id:op}",
            scope=READ,
            answers={200: LearnerExportView},
            problems=(NotFoundError,),
        )
    )
    async def get_learner_export(self, call: Call) -> Answer:
        """Get how far the file of a person is."""
        found = await self._privacy.get(call.principal, call.ids["operation_id"], "learner_export")
        return Answer(body=LearnerExportView.of(found))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/learner_exports/{operation_id:op}/file",
            scope=WRITE,
            answers={200: str},
            problems=(NotFoundError, ConflictError),
            audited="learner.exported",
        )
    )
    async def get_learner_export_file(self, call: Call) -> Answer:
        """Fetch the file of a person, streamed; once they are erased there is none."""
        found, parts = await self._privacy.open(
            call.principal, call.ids["operation_id"], "learner_export"
        )
        return _zip("learner", found, parts)

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/tenant_exports",
            scope=WRITE,
            answers={202: TenantExportView},
            idempotency="accepted",
        )
    )
    async def export_tenant(self, call: Call) -> Answer:
        """Have everything put into one file that is held of your tenant, before you leave, say.

        A ZIP with JSON and CSV, one file per table, complete, as it stood at one moment. For owners
        and for programs' keys with every scope. Follow the operation, then fetch the file within
        a week. While one is made, asking again answers with that one.
        """
        found, replayed = await self._privacy.order_whole(call.principal, call.claim)
        return _ordered(call, TenantExportView, "/v1/tenant_exports", found, replayed=replayed)

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/tenant_exports/{operation_id:op}",
            scope=READ,
            answers={200: TenantExportView},
            problems=(NotFoundError,),
        )
    )
    async def get_tenant_export(self, call: Call) -> Answer:
        """Get how far the file of your tenant is."""
        found = await self._privacy.get(call.principal, call.ids["operation_id"], "tenant_export")
        return Answer(body=TenantExportView.of(found))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/tenant_exports/{operation_id:op}/file",
            scope=WRITE,
            answers={200: str},
            problems=(NotFoundError, ConflictError),
            audited="tenant.exported",
        )
    )
    async def get_tenant_export_file(self, call: Call) -> Answer:
        """Fetch the file of your tenant, streamed.

        Once anybody who is in it was erased there is none: have another made.
        """
        found, parts = await self._privacy.open(
            call.principal, call.ids["operation_id"], "tenant_export"
        )
        return _zip("tenant", found, parts)


def _ordered(
    call: Call,
    view: type[ErasureView] | type[LearnerExportView] | type[TenantExportView],
    path: str,
    found: PrivacyTask,
    *,
    replayed: bool,
) -> Answer:
    """Return what was ordered, and where to follow it."""
    public_id = format_id("op", found.operation_id)
    return Answer(
        body=view.of(found),
        status=202,
        headers={
            "Location": f"{path}/{public_id}",
            "Operation-Location": f"/v1/operations/{public_id}",
            "Retry-After": "1",
        },
        replayed=replayed and call.claim is not None,
    )


def _zip(whose: str, found: PrivacyTask, parts: AsyncIterator[bytes]) -> Answer:
    name = f"{whose}-{format_id('op', found.operation_id)}.zip"
    return attachment(name, "application/zip", parts)
