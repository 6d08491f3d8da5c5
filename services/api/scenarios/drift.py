"""How well a model keeps to a scenario's customer, version by version."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec

from services.api.context import ProcessContext
from services.api.principal import Principal
from services.api.scenarios.repository import ScenarioRepository
from shared.contracts.llm import WhyEmbedded
from shared.db.pool import Connection
from shared.db.sql import Queries
from shared.db.tx import tenant_tx

_SQL = Queries("services.api.scenarios", "drift.sql")
_COUNTS = msgspec.json.Decoder(dict[str, int])


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """What a model made of the customer of one version; numbers of replies."""

    version: int
    replies: int
    worded: int
    by_model: int
    mixed: int
    drifted: int
    regenerated: int
    codes: Mapping[str, int]
    reasons: Mapping[str, int]


class DriftQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which conversations count."""

    days: Annotated[
        int, msgspec.Meta(ge=1, le=366, description="Those that began so many days back.")
    ] = 30


class DriftView(msgspec.Struct, frozen=True, kw_only=True):
    """What a model made of the customer of one version; numbers of replies."""

    version: int
    replies: int
    """All of the customer's, whoever worded them."""
    worded: int
    """Those that a model was to word: there was one, and the key was no test key."""
    by_model: int
    """Of `worded`: wholly the model's words."""
    mixed: int
    """Of `worded`: begun by the model, ended in embedded words."""
    embedded: int
    """Of `worded`: embedded words after all."""
    drifted: int
    """Of `worded`: in which a check found something, kept or not."""
    drift_rate: float
    """`drifted` by `worded`, 0 to 1; 0 without any."""
    regenerated: int
    """Of `worded`: the model was asked a second time."""
    codes: dict[str, int]
    """What the checks found, by code."""
    why: dict[WhyEmbedded, int]
    """Why a reply is not wholly the model's."""

    @classmethod
    def of(cls, drift: Drift) -> "DriftView":
        """Return the public form."""
        return cls(
            version=drift.version,
            replies=drift.replies,
            worded=drift.worded,
            by_model=drift.by_model,
            mixed=drift.mixed,
            embedded=drift.worded - drift.by_model - drift.mixed,
            drifted=drift.drifted,
            drift_rate=round(drift.drifted / drift.worded, 4) if drift.worded else 0.0,
            regenerated=drift.regenerated,
            codes=dict(drift.codes),
            why={WhyEmbedded(why): count for why, count in drift.reasons.items()},
        )


class DriftList(msgspec.Struct, frozen=True, kw_only=True):
    """Versions with conversations in the time asked for, oldest first."""

    data: list[DriftView]


class DriftService:
    """Counts; nobody's words are read."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def by_version(self, principal: Principal, scenario_id: UUID, days: int) -> list[Drift]:
        """Return the versions that were spoken within so many days, oldest first.

        Raises:
            NotFoundError: no such scenario.
        """
        context, tenant_id = self._context, principal.tenant_id
        since = context.clock.now() - timedelta(days=days)
        async with tenant_tx(context.database, tenant_id) as connection:
            tenant = await context.keys.tenant(connection, tenant_id)
            await ScenarioRepository(connection, tenant).get(scenario_id)
            return await _read(connection, tenant_id, scenario_id, since)


async def _read(
    connection: Connection, tenant_id: UUID, scenario_id: UUID, since: datetime
) -> list[Drift]:
    rows = await connection.fetch(_SQL["drift"], tenant_id, scenario_id, since)
    return [
        Drift(
            version=row["version"],
            replies=row["replies"],
            worded=row["worded"],
            by_model=row["by_model"],
            mixed=row["mixed"],
            drifted=row["drifted"],
            regenerated=row["regenerated"],
            codes=_COUNTS.decode(row["codes"]),
            reasons=_COUNTS.decode(row["reasons"]),
        )
        for row in rows
    ]
