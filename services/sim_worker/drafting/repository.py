"""Drafted scenarios in Postgres."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.contracts.scenario import ScenarioSpec
from shared.db.pool import Connection
from shared.db.sql import Queries
from shared.drafting.trial import TrialReport
from shared.library.versions import content_of

_SQL = Queries("services.sim_worker.drafting")
_SPEC = msgspec.json.Decoder(ScenarioSpec)


class DraftRepository:
    """Statements of one tenant transaction."""

    def __init__(self, connection: Connection, tenant_id: UUID) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def rubrics(self) -> frozenset[str]:
        """Return the slugs of rubrics that can score."""
        rows = await self._connection.fetch(_SQL["rubric_slugs"], self._tenant_id)
        return frozenset(row["slug"] for row in rows)

    async def insert(
        self, scenario_id: UUID, spec: ScenarioSpec, trial: TrialReport | None, now: datetime
    ) -> None:
        """Store a scenario with its first draft, under a slug that is free."""
        slug = await self._take_slug(scenario_id, spec.slug, now)
        spec = msgspec.structs.replace(spec, slug=slug)
        await self._connection.execute(
            _SQL["insert_draft"],
            self._tenant_id,
            scenario_id,
            content_of(spec).text,
            now,
            None if trial is None else msgspec.json.encode(trial).decode(),
        )

    async def _take_slug(self, scenario_id: UUID, wanted: str, now: datetime) -> str:
        """Store the scenario; two drafts that end at once may want the same slug."""
        while True:
            slug: str = await self._connection.fetchval(_SQL["free_slug"], self._tenant_id, wanted)
            done = await self._connection.execute(
                _SQL["insert_scenario"], self._tenant_id, scenario_id, slug, now
            )
            if done == "INSERT 0 1":
                return slug

    async def find(self, scenario_id: UUID) -> tuple[ScenarioSpec, int] | None:
        """Return a draft with its revision; None where none is stored."""
        row = await self._connection.fetchrow(_SQL["get_draft"], self._tenant_id, scenario_id)
        return None if row is None else (_SPEC.decode(row["spec"]), row["revision"])

    async def note_trial(self, scenario_id: UUID, revision: int, trial: TrialReport) -> bool:
        """Store the trial of a revision; say whether the draft still has it."""
        done = await self._connection.execute(
            _SQL["note_trial"],
            self._tenant_id,
            scenario_id,
            revision,
            msgspec.json.encode(trial).decode(),
        )
        return done == "UPDATE 1"
