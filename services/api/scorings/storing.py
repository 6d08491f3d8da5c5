"""From a conversation as it was sent to the rows that are stored: cleaned, looked at, sealed."""

from uuid import UUID

import msgspec

from services.api.assessments.records import RubricPin
from services.api.context import ProcessContext
from services.api.metadata import seal_metadata
from services.api.scorings.records import HandedIn, NewScoring, Place
from shared.db.sealed import SealKey, TenantKey
from shared.errors import FieldError
from shared.ids import format_id
from shared.intake.taking import Taken

NOT_FOUND = "not-found"

METADATA = "scorings.metadata"


class Sealer:
    """Makes the rows of conversations in one transaction."""

    def __init__(self, context: ProcessContext, tenant: TenantKey) -> None:
        self._context = context
        self._tenant = tenant
        self._now = context.clock.now()

    def row(
        self,
        scoring_id: UUID,
        handed_in: HandedIn,
        taken: Taken,
        key: SealKey,
        rubric: RubricPin,
        place: Place | None = None,
    ) -> NewScoring:
        """Return the row of a conversation; with a place, no workflow will take it."""
        conversation_id = self._context.ids.new()
        row = conversation_id.bytes
        external_id = handed_in.external_id
        waits = place is not None and not taken.is_held
        return NewScoring(
            scoring_id=scoring_id,
            conversation_id=conversation_id,
            learner_id=handed_in.learner_id,
            rubric=rubric,
            source=handed_in.source,
            external_id=None
            if external_id is None
            else key.seal_text(external_id, "conversations.external_id", row),
            external_id_hash=None if external_id is None else self._tenant.lookup(external_id),
            turns=key.seal(msgspec.json.encode(taken.turns), "conversations.turns", row),
            turn_count=len(taken.turns),
            language=taken.language,
            flags=taken.flags,
            status="held" if taken.is_held else "queued",
            workflow_id=format_id("op", place.operation_id) if place and waits else None,
            place=place,
            metadata=seal_metadata(key, handed_in.metadata, METADATA, scoring_id.bytes),
            occurred_at=handed_in.occurred_at or self._now,
            at=self._now,
            contact=handed_in.contact,
        )


def missing(key: SealKey | None, rubric: RubricPin | None) -> tuple[FieldError, ...]:
    """Name what a conversation needs and the caller cannot see."""
    errors = []
    if key is None:
        errors.append(FieldError(pointer="/learner_id", code=NOT_FOUND, detail="No such learner"))
    if rubric is None:
        errors.append(FieldError(pointer="/rubric", code=NOT_FOUND, detail="No such rubric in use"))
    return tuple(errors)
