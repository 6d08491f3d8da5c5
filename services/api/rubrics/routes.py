"""HTTP face of rubrics."""

import asyncio
from uuid import UUID

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.metadata import MetadataPatch
from services.api.paging import Page, PageQuery, make_page
from services.api.rubrics.author_schemas import (
    RubricDraftReplace,
    RubricDraftView,
    RubricLintView,
    RubricVersionItem,
    RubricVersionView,
    RubricWrite,
)
from services.api.rubrics.refusals import (
    RubricArchivedError,
    RubricFaultsError,
    RubricInUseError,
)
from services.api.rubrics.schemas import RubricQuery, RubricView
from services.api.rubrics.service import RubricService
from services.api.rubrics.trial_schemas import DryRunCreate, DryRunView
from shared.errors import (
    ConflictError,
    CursorInvalidError,
    NotFoundError,
    UnavailableError,
)
from shared.library.rubric_lint import errors

READ = "rubrics:read"
WRITE = "rubrics:write"
"""Drafts, and the right to decide what others are scored by."""


class RubricRoutes:
    """`/v1/rubrics`."""

    def __init__(self, rubrics: RubricService) -> None:
        self._rubrics = rubrics

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/rubrics",
            scope=READ,
            query=RubricQuery,
            answers={200: Page[RubricView]},
            problems=(CursorInvalidError,),
        )
    )
    async def list_rubrics(self, call: Call) -> Answer:
        """List rubrics, each in its newest version, in order of creation."""
        query: RubricQuery = call.query
        page = call.page
        rows = await self._rubrics.list(
            call.principal, page, slug=query.slug, archived=query.archived
        )
        return Answer(body=make_page(rows, page, lambda row: row.rubric_id, RubricView.of))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/rubrics/{rubric_id:rub}",
            scope=READ,
            answers={200: RubricView},
            problems=(NotFoundError,),
        )
    )
    async def get_rubric(self, call: Call) -> Answer:
        """Get a rubric in its newest version."""
        found = await self._rubrics.get(call.principal, call.ids["rubric_id"])
        return Answer(body=RubricView.of(found))

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/rubrics",
            scope=WRITE,
            body=RubricWrite,
            answers={201: RubricDraftView},
            idempotency="accepted",
            problems=(ConflictError,),
        )
    )
    async def create_rubric(self, call: Call) -> Answer:
        """Make a rubric with a draft.

        It scores once a version is published. The draft may have every fault that the linter
        knows; the answer names them.
        """
        body: RubricWrite = call.body
        made, replayed = await self._rubrics.authoring.create(
            call.principal, call.claim, body.spec, body.metadata
        )
        view = RubricDraftView.of(made)
        return Answer(
            body=view,
            status=201,
            headers={"Location": f"/v1/rubrics/{view.id}/draft"},
            replayed=replayed,
        )

    @endpoint(
        Endpoint(
            method="PATCH",
            path="/v1/rubrics/{rubric_id:rub}",
            scope=WRITE,
            body=MetadataPatch,
            answers={200: RubricDraftView},
            problems=(NotFoundError,),
        )
    )
    async def update_rubric(self, call: Call) -> Answer:
        """Change the metadata of a rubric; the same change again changes nothing.

        It belongs to the rubric, not to a version.
        """
        body: MetadataPatch = call.body
        changed = await self._rubrics.authoring.attach(
            call.principal, call.ids["rubric_id"], body.metadata
        )
        return Answer(body=RubricDraftView.of(changed))

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/rubrics/lint",
            scope=WRITE,
            body=RubricWrite,
            answers={200: RubricLintView},
            idempotency="accepted",
        )
    )
    async def lint_rubric(self, call: Call) -> Answer:
        """Say what is wrong with a rubric, without storing it."""
        body: RubricWrite = call.body
        findings = await self._rubrics.authoring.examine(call.principal, body.spec)
        return Answer(body=RubricLintView(publishable=not errors(findings), findings=findings))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/rubrics/{rubric_id:rub}/draft",
            scope=WRITE,
            answers={200: RubricDraftView},
            problems=(NotFoundError,),
        )
    )
    async def get_rubric_draft(self, call: Call) -> Answer:
        """Get the draft of a rubric with its findings.

        Where no draft is stored, this is the newest version, at revision 0.
        """
        found = await self._rubrics.authoring.get_draft(call.principal, call.ids["rubric_id"])
        return Answer(body=RubricDraftView.of(found))

    @endpoint(
        Endpoint(
            method="PUT",
            path="/v1/rubrics/{rubric_id:rub}/draft",
            scope=WRITE,
            body=RubricDraftReplace,
            answers={200: RubricDraftView},
            idempotency="accepted",
            problems=(NotFoundError, ConflictError),
        )
    )
    async def replace_rubric_draft(self, call: Call) -> Answer:
        """Replace the draft of a rubric.

        Published versions stay as they are. The slug cannot change.
        """
        body: RubricDraftReplace = call.body
        replaced, replayed = await self._rubrics.authoring.replace_draft(
            call.principal,
            call.claim,
            call.ids["rubric_id"],
            spec=body.spec,
            expected_revision=body.expected_revision,
        )
        return Answer(body=RubricDraftView.of(replaced), replayed=replayed)

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/rubrics/{rubric_id:rub}/dry-runs",
            scope=WRITE,
            body=DryRunCreate,
            answers={200: DryRunView},
            idempotency="accepted",
            problems=(NotFoundError, RubricFaultsError, UnavailableError),
        )
    )
    async def dry_run_rubric(self, call: Call) -> Answer:
        """Score sample conversations by the draft or by a version, before anybody is.

        The answer sums up what each criterion does: how often it was scored, its mean, what is
        always or never met, and what every conversation got. Nothing is stored, so a repeat runs
        again and says the same.
        """
        body: DryRunCreate = call.body
        tried = await self._rubrics.trials.run(
            call.principal,
            call.ids["rubric_id"],
            await asyncio.to_thread(body.samples),
            version=body.version,
        )
        return Answer(body=DryRunView.of(tried))

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/rubrics/{rubric_id:rub}/publish",
            scope=WRITE,
            answers={200: RubricVersionView, 201: RubricVersionView},
            idempotency="accepted",
            problems=(NotFoundError, ConflictError, RubricArchivedError, RubricFaultsError),
        )
    )
    async def publish_rubric(self, call: Call) -> Answer:
        """Publish the draft as the next version, which never changes.

        Conversations are scored by it from now on; results of before keep theirs. A draft that
        equals the newest version makes none: that version is the answer, with 200.
        """
        version, made, replayed = await self._rubrics.authoring.publish(
            call.principal, call.claim, call.ids["rubric_id"]
        )
        view = RubricVersionView.of(version)
        return Answer(
            body=view,
            status=201 if made else 200,
            headers={"Location": f"/v1/rubrics/{view.id}/versions/{view.version}"},
            replayed=replayed,
        )

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/rubrics/{rubric_id:rub}/archive",
            scope=WRITE,
            answers={200: RubricDraftView},
            idempotency="accepted",
            problems=(NotFoundError, RubricInUseError),
        )
    )
    async def archive_rubric(self, call: Call) -> Answer:
        """Take a rubric out of use: nothing new is scored by it.

        Results keep it, and can be judged again by it. A second time changes nothing.
        """
        archived, replayed = await self._rubrics.authoring.archive(
            call.principal, call.claim, call.ids["rubric_id"]
        )
        return Answer(body=RubricDraftView.of(archived), replayed=replayed)

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/rubrics/{rubric_id:rub}/restore",
            scope=WRITE,
            answers={200: RubricDraftView},
            idempotency="accepted",
            problems=(NotFoundError,),
        )
    )
    async def restore_rubric(self, call: Call) -> Answer:
        """Bring an archived rubric back into use; a second time changes nothing."""
        restored, replayed = await self._rubrics.authoring.restore(
            call.principal, call.claim, call.ids["rubric_id"]
        )
        return Answer(body=RubricDraftView.of(restored), replayed=replayed)

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/rubrics/{rubric_id:rub}/versions",
            scope=READ,
            query=PageQuery,
            answers={200: Page[RubricVersionItem]},
            problems=(NotFoundError, CursorInvalidError),
        )
    )
    async def list_rubric_versions(self, call: Call) -> Answer:
        """List the published versions of a rubric, oldest first."""
        page = call.page
        rows = await self._rubrics.authoring.list_versions(
            call.principal, call.ids["rubric_id"], after=page.after_number, limit=page.limit + 1
        )
        numbered = make_page(rows, page, lambda row: UUID(int=row.version), RubricVersionItem.of)
        return Answer(body=numbered)

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/rubrics/{rubric_id:rub}/versions/{version:#}",
            scope=READ,
            answers={200: RubricVersionView},
            problems=(NotFoundError,),
        )
    )
    async def get_rubric_version(self, call: Call) -> Answer:
        """Get one published version, whole."""
        found = await self._rubrics.authoring.get_version(
            call.principal, call.ids["rubric_id"], call.numbers["version"]
        )
        return Answer(body=RubricVersionView.of(found))
