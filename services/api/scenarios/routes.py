"""HTTP face of scenarios."""

from uuid import UUID

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.metadata import MetadataPatch
from services.api.paging import Page, PageQuery, make_page
from services.api.scenarios.author_schemas import (
    DraftReplace,
    DraftView,
    LintView,
    ScenarioWrite,
    VersionItem,
    VersionView,
)
from services.api.scenarios.drift import DriftList, DriftQuery, DriftView
from services.api.scenarios.refusals import LanguageNotSupportedError, ScenarioFaultsError
from services.api.scenarios.schemas import ScenarioQuery, ScenarioView
from services.api.scenarios.service import ScenarioService
from shared.errors import ConflictError, CursorInvalidError, NotFoundError
from shared.library.lint import errors

READ = "scenarios:read"
WRITE = "scenarios:write"
"""Whole scenarios: what the customer hides, and the right to change it."""


class ScenarioRoutes:
    """`/v1/scenarios`."""

    def __init__(self, scenarios: ScenarioService) -> None:
        self._scenarios = scenarios

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/scenarios",
            scope=READ,
            query=ScenarioQuery,
            answers={200: Page[ScenarioView]},
            problems=(CursorInvalidError,),
        )
    )
    async def list_scenarios(self, call: Call) -> Answer:
        """List scenarios, each in its newest version, in order of creation."""
        query: ScenarioQuery = call.query
        page = call.page
        rows = await self._scenarios.list(call.principal, page, slug=query.slug)
        return Answer(body=make_page(rows, page, lambda row: row.scenario_id, ScenarioView.of))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/scenarios/{scenario_id:scn}",
            scope=READ,
            answers={200: ScenarioView},
            problems=(NotFoundError,),
        )
    )
    async def get_scenario(self, call: Call) -> Answer:
        """Get a scenario in its newest version."""
        found = await self._scenarios.get(call.principal, call.ids["scenario_id"])
        return Answer(body=ScenarioView.of(found))

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/scenarios",
            scope=WRITE,
            body=ScenarioWrite,
            answers={201: DraftView},
            idempotency="accepted",
            problems=(ConflictError, LanguageNotSupportedError),
        )
    )
    async def create_scenario(self, call: Call) -> Answer:
        """Make a scenario with a draft.

        It can be started once a version is published. The draft may have every fault that the
        linter knows; the answer names them.
        """
        body: ScenarioWrite = call.body
        made, replayed = await self._scenarios.authoring.create(
            call.principal, call.claim, body.spec, body.metadata
        )
        view = DraftView.of(made)
        return Answer(
            body=view,
            status=201,
            headers={"Location": f"/v1/scenarios/{view.id}/draft"},
            replayed=replayed,
        )

    @endpoint(
        Endpoint(
            method="PATCH",
            path="/v1/scenarios/{scenario_id:scn}",
            scope=WRITE,
            body=MetadataPatch,
            answers={200: DraftView},
            problems=(NotFoundError,),
        )
    )
    async def update_scenario(self, call: Call) -> Answer:
        """Change the metadata of a scenario; the same change again changes nothing.

        It belongs to the scenario, not to a version.
        """
        body: MetadataPatch = call.body
        changed = await self._scenarios.authoring.attach(
            call.principal, call.ids["scenario_id"], body.metadata
        )
        return Answer(body=DraftView.of(changed))

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/scenarios/lint",
            scope=WRITE,
            body=ScenarioWrite,
            answers={200: LintView},
            idempotency="accepted",
        )
    )
    async def lint_scenario(self, call: Call) -> Answer:
        """Say what is wrong with a scenario, without storing it."""
        body: ScenarioWrite = call.body
        findings = await self._scenarios.authoring.examine(call.principal, body.spec)
        return Answer(body=LintView(publishable=not errors(findings), findings=findings))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/scenarios/{scenario_id:scn}/draft",
            scope=WRITE,
            answers={200: DraftView},
            problems=(NotFoundError,),
        )
    )
    async def get_scenario_draft(self, call: Call) -> Answer:
        """Get the draft of a scenario with its findings.

        Where no draft is stored, this is the newest version, at revision 0.
        """
        found = await self._scenarios.authoring.get_draft(call.principal, call.ids["scenario_id"])
        return Answer(body=DraftView.of(found))

    @endpoint(
        Endpoint(
            method="PUT",
            path="/v1/scenarios/{scenario_id:scn}/draft",
            scope=WRITE,
            body=DraftReplace,
            answers={200: DraftView},
            idempotency="accepted",
            problems=(NotFoundError, ConflictError, LanguageNotSupportedError),
        )
    )
    async def replace_scenario_draft(self, call: Call) -> Answer:
        """Replace the draft of a scenario.

        Published versions stay as they are. The slug cannot change.
        """
        body: DraftReplace = call.body
        replaced, replayed = await self._scenarios.authoring.replace_draft(
            call.principal,
            call.claim,
            call.ids["scenario_id"],
            spec=body.spec,
            expected_revision=body.expected_revision,
        )
        return Answer(body=DraftView.of(replaced), replayed=replayed)

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/scenarios/{scenario_id:scn}/publish",
            scope=WRITE,
            answers={200: VersionView, 201: VersionView},
            idempotency="accepted",
            problems=(NotFoundError, ConflictError, ScenarioFaultsError),
        )
    )
    async def publish_scenario(self, call: Call) -> Answer:
        """Publish the draft as the next version, which never changes.

        Simulations start on it from now on; running ones keep theirs. A draft that equals the
        newest version makes none: that version is the answer, with 200.
        """
        scenario_id = call.ids["scenario_id"]
        version, made, replayed = await self._scenarios.authoring.publish(
            call.principal, call.claim, scenario_id
        )
        view = VersionView.of(version)
        return Answer(
            body=view,
            status=201 if made else 200,
            headers={"Location": f"/v1/scenarios/{view.id}/versions/{view.version}"},
            replayed=replayed,
        )

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/scenarios/{scenario_id:scn}/versions",
            scope=READ,
            query=PageQuery,
            answers={200: Page[VersionItem]},
            problems=(NotFoundError, CursorInvalidError),
        )
    )
    async def list_scenario_versions(self, call: Call) -> Answer:
        """List the published versions of a scenario, oldest first."""
        page = call.page
        rows = await self._scenarios.authoring.list_versions(
            call.principal, call.ids["scenario_id"], after=page.after_number, limit=page.limit + 1
        )
        numbered = make_page(rows, page, lambda row: UUID(int=row.version), VersionItem.of)
        return Answer(body=numbered)

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/scenarios/{scenario_id:scn}/versions/{version:#}",
            scope=WRITE,
            answers={200: VersionView},
            problems=(NotFoundError,),
        )
    )
    async def get_scenario_version(self, call: Call) -> Answer:
        """Get one published version, whole."""
        found = await self._scenarios.authoring.get_version(
            call.principal, call.ids["scenario_id"], call.numbers["version"]
        )
        return Answer(body=VersionView.of(found))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/scenarios/{scenario_id:scn}/drift",
            scope=READ,
            query=DriftQuery,
            answers={200: DriftList},
            problems=(NotFoundError,),
        )
    )
    async def get_scenario_drift(self, call: Call) -> Answer:
        """Say how well a language model keeps to the customer, version by version.

        Every reply that a model words is checked before anybody hears it; these are the counts of
        what was found, and of what was said instead.
        """
        query: DriftQuery = call.query
        found = await self._scenarios.drift.by_version(
            call.principal, call.ids["scenario_id"], query.days
        )
        return Answer(body=DriftList(data=[DriftView.of(each) for each in found]))
