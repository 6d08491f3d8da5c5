"""What every new simulation is made of."""

from uuid import UUID

from services.api.simulations.records import Practice
from services.api.simulations.repository import SimulationRepository
from shared.errors import FieldError, NotFoundError
from shared.ids import parse_id


async def ingredients(
    repository: SimulationRepository, learner_id: UUID, scenario: str
) -> tuple[bytes, Practice]:
    """Return the learner's wrapped key and the scenario.

    Raises:
        NotFoundError: it names each that is missing.
    """
    by_id = scenario.startswith("scn_")
    practice = await repository.find_practice(
        None if by_id else scenario, parse_id("scn", scenario) if by_id else None
    )
    wrapped = await repository.find_learner_key(learner_id)
    missing = []
    if practice is None:
        missing.append(("/scenario", "No such scenario"))
    if wrapped is None:
        missing.append(("/learner_id", "No such learner"))
    if practice is None or wrapped is None:
        raise NotFoundError(
            errors=tuple(
                FieldError(pointer=pointer, code="not-found", detail=detail)
                for pointer, detail in missing
            )
        )
    return wrapped, practice
