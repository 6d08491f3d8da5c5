"""Types of fields that several features share: they validate, and they document themselves."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from shared.ids import format_id

_BODY = "[0-7][0-9a-hjkmnp-tv-z]{25}"

LearnerId = Annotated[str, msgspec.Meta(pattern=f"^lrn_{_BODY}$", max_length=30)]
TeamId = Annotated[str, msgspec.Meta(pattern=f"^team_{_BODY}$", max_length=31)]
UserId = Annotated[str, msgspec.Meta(pattern=f"^usr_{_BODY}$", max_length=30)]

SimulationId = Annotated[str, msgspec.Meta(pattern=f"^sim_{_BODY}$", max_length=30)]
OperationId = Annotated[str, msgspec.Meta(pattern=f"^op_{_BODY}$", max_length=29)]

ScenarioRef = Annotated[
    str,
    msgspec.Meta(
        pattern=f"^(scn_{_BODY}|[a-z0-9]+(-[a-z0-9]+)*)$",
        max_length=80,
        description="Slug or id; the newest version is used.",
    ),
]

RubricRef = Annotated[
    str,
    msgspec.Meta(pattern=f"^(rub_{_BODY}|[a-z0-9]+(-[a-z0-9]+)*)$", max_length=80),
]

Slug = Annotated[str, msgspec.Meta(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]

ExternalId = Annotated[
    str,
    msgspec.Meta(
        pattern=r"\S", max_length=200, description="Your own id; unique within your tenant."
    ),
]

Name = Annotated[str, msgspec.Meta(pattern=r"\S", max_length=200)]

Language = Annotated[str, msgspec.Meta(pattern="^[a-z]{2,3}(-[A-Za-z0-9]{1,8})*$", max_length=35)]
"""A tag of BCP 47 with a small first part."""

MAX_SEED = 2**31 - 1


def public(prefix: str, value: UUID | None) -> str | None:
    """Return the public form of an id that may be absent."""
    return None if value is None else format_id(prefix, value)


def utc(moment: datetime) -> datetime:
    """Return the moment in UTC: encoded with a Z."""
    return moment.astimezone(UTC)
