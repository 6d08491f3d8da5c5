"""What branches and comparisons read and write."""

from uuid import UUID

import msgspec

from services.api.simulations.records import Branch, Ending, Scores
from shared.contracts.scenario import ScenarioSpec
from shared.contracts.simulation import Fault, PersonaState
from shared.db.pool import Connection
from shared.db.sql import Queries
from shared.errors import NotFoundError

_SQL = Queries("services.api.simulations")
_STATE = msgspec.json.Decoder(PersonaState)
_SPEC = msgspec.json.Decoder(ScenarioSpec)
_FAULTS = msgspec.json.Decoder(tuple[Fault, ...])


class BranchRepository:
    """Statements inside one tenant, about simulations that the caller was allowed to see."""

    def __init__(self, connection: Connection, tenant_id: UUID) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def get_ending(self, simulation_id: UUID) -> Ending:
        """Return what a simulation came to; the caller has seen it before."""
        row = await self._connection.fetchrow(
            _SQL["practice_result"], self._tenant_id, simulation_id
        )
        if row is None:
            raise NotFoundError  # erased meanwhile
        return Ending(
            state=_STATE.decode(row["state"]),
            spec=_SPEC.decode(row["spec"]),
            faults=None if row["faults"] is None else _FAULTS.decode(row["faults"]),
            hints_given=row["hints_given"],
        )

    async def get_scores(self, assessment_id: UUID | None) -> Scores | None:
        """Return the numbers of an assessment; None without one."""
        rows = await self._connection.fetch(_SQL["skill_scores"], self._tenant_id, assessment_id)
        if not rows:
            return None
        return Scores(
            overall=rows[0]["overall"], skills={row["skill"]: row["score"] for row in rows}
        )

    async def list_appraisals(self, simulation_id: UUID, last_seq: int) -> dict[int, bytes]:
        """Return what the learner's turns were read as, sealed, by the replies' seq; none in
        English.
        """
        rows = await self._connection.fetch(
            _SQL["list_appraisals"], self._tenant_id, simulation_id, last_seq
        )
        return {row["seq"]: row["appraisal"] for row in rows}

    async def insert_branch(self, branch: Branch) -> None:
        """Store a branch with its copied turns; the caller has read the parent."""
        await self._connection.execute(
            _SQL["insert_branch"],
            self._tenant_id,
            branch.parent_id,
            branch.simulation_id,
            branch.seq,
            branch.at,
            branch.hints,
            branch.word_budget,
            branch.seq + 1,
            list(range(branch.seq + 1)),
            branch.turn_ids,
            branch.texts,
            branch.appraisals,
        )
