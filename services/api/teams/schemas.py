"""Requests and answers of `/v1/teams`."""

from datetime import datetime

import msgspec

from services.api.fields import ExternalId, Name, utc
from services.api.metadata import Metadata
from services.api.paging import PageQuery
from services.api.teams.repository import Team
from shared.ids import format_id


class TeamCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Make a team."""

    name: Name
    external_id: ExternalId | None = None
    metadata: Metadata = msgspec.field(default_factory=dict)


class TeamQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of the list."""

    external_id: ExternalId | None = None


class TeamView(msgspec.Struct, frozen=True, kw_only=True):
    """A team."""

    id: str
    name: str
    external_id: str | None
    metadata: dict[str, str]
    """Your own keys and values."""
    created_at: datetime

    @classmethod
    def of(cls, team: Team) -> "TeamView":
        """Return the public form."""
        return cls(
            id=format_id("team", team.team_id),
            name=team.name,
            external_id=team.external_id,
            metadata=team.metadata,
            created_at=utc(team.created_at),
        )
