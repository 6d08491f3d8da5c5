"""The query of `/v1/assessments/export`: the filters of the list, and a format."""

from typing import Annotated, Any

import msgspec

from services.api.exports.rows import Format
from services.api.fields import ExternalId, LearnerId, RubricRef, ScenarioRef, TeamId
from services.api.filters.asked import Bound, ConversationQuery, Moment, Source


class ExportQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of the assessments, and how it is written."""

    format: Annotated[
        Format | None,
        msgspec.Meta(description="When absent, as `Accept` says; else `csv`."),
    ] = None
    learner_id: LearnerId | None = None
    team_id: Annotated[
        TeamId | None,
        msgspec.Meta(description="Of people who were in this team on the day it happened."),
    ] = None
    scenario: Annotated[
        ScenarioRef | None, msgspec.Meta(description="Slug or id, in any version.")
    ] = None
    rubric: Annotated[RubricRef | None, msgspec.Meta(description="Slug or id, in any version.")] = (
        None
    )
    source: Source | None = None
    external_id: Annotated[
        ExternalId | None,
        msgspec.Meta(description="Your own id of the learner, or of the conversation."),
    ] = None
    created_after: Annotated[Moment | None, msgspec.Meta(description="At or after this time.")] = (
        None
    )
    created_before: Annotated[Moment | None, msgspec.Meta(description="Before this time.")] = None
    occurred_after: Annotated[
        Moment | None,
        msgspec.Meta(description="Happened at or after this time; the file is in that order."),
    ] = None
    occurred_before: Annotated[
        Moment | None,
        msgspec.Meta(description="Happened before this time; the file is in that order."),
    ] = None
    score_min: Annotated[Bound | None, msgspec.Meta(description="Overall score.")] = None
    score_max: Annotated[Bound | None, msgspec.Meta(description="Overall score.")] = None

    def __post_init__(self) -> None:
        self.filters()  # whatever contradicts itself is named

    def filters(self) -> ConversationQuery:
        """Return the filters as the list has them."""
        asked: dict[str, Any] = msgspec.structs.asdict(self)
        del asked["format"]
        return ConversationQuery(**asked)
