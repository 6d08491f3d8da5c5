"""The statement of one page: only the conditions that were asked for, so that each has its index.

A list with `($5 is null or x = $5)` for every filter is planned for none of them.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeVar
from uuid import UUID

from services.api.filters.asked import Filters
from services.api.paging import PageRequest
from services.api.principal import Bounds
from shared.db.pool import Connection
from shared.db.sql import Queries

SQL = Queries("services.api.filters")

Row = TypeVar("Row")

JOIN = "join_"
CONDITION = "if_"


class _Statement:
    """Text with numbered values; `?` in a piece stands for its next value."""

    def __init__(self, tenant_id: UUID) -> None:
        self.values: list[Any] = [tenant_id]

    def bind(self, piece: str, *values: Any) -> str:
        """Return a piece with its values numbered."""
        parts = piece.split("?")
        if len(parts) != len(values) + 1:
            raise AssertionError(f"{len(values)} values for: {piece}")
        text = parts[0]
        for value, part in zip(values, parts[1:], strict=True):
            self.values.append(value)
            text += f"${len(self.values)}{part}"
        return text


class Pages:
    """Builds the pages of one list from the pieces in its `queries.sql`.

    The file has `page` (marks `/*at*/`, `/*joins*/`, `/*conditions*/`, `/*limit*/`; the row is
    `s`), `created_at` and perhaps `occurred_at` (the order), `place` and `after` (what the cursor
    means), `in_team_period`, and for each filter `if_<name>` and perhaps `join_<name>`.
    """

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        self._names = frozenset(queries.names())

    async def fetch(
        self, connection: Connection, bounds: Bounds, page: PageRequest, filters: Filters
    ) -> list[UUID]:
        """Return the ids of a page and one more, in order of time, then of id."""
        after = None
        if page.after is not None:
            place = self._queries["place"].replace("/*at*/", self._order(filters))
            at = await connection.fetchval(place, bounds[0], page.after)
            # Rows do not go away; if one did, its id still says when it was made.
            after = (at or made_at(page.after), page.after)
        text, values = self.build(bounds, page.limit + 1, filters, after)
        await connection.execute(SQL["plan_anew"])
        rows = await connection.fetch(text, *values)
        await connection.execute(SQL["plan_once"])
        return [row["id"] for row in rows]

    def build(
        self,
        bounds: Bounds,
        limit: int,
        filters: Filters,
        after: tuple[datetime, UUID] | None = None,
    ) -> tuple[str, Sequence[Any]]:
        """Return the statement of a page and its values."""
        tenant_id, learner_id, team_ids, today = bounds
        made = _Statement(tenant_id)
        joins, conditions = self._filters(made, filters)
        if learner_id is not None:
            conditions.append(made.bind("s.learner_id = ?", learner_id))
        people = self._people(made, filters, team_ids, today, conditions)
        if after is not None:
            conditions.append(made.bind(self._queries["after"], *after))
        count = made.bind("?", limit)
        rows = self._queries["page"].replace("/*joins*/", "\n".join(joins))
        if people:
            # Inside, so that each person's index is walked in order and no further than a page.
            conditions.append(f"s.{SQL['is_person']}")
        rows = rows.replace("/*conditions*/", "".join(f"\n   and {each}" for each in conditions))
        if people:
            rows = SQL["page_of_people"].replace("/*page*/", rows)
            rows = rows.replace("/*people*/", f"and {people}")
        rows = rows.replace("/*at*/", self._order(filters)).replace("/*limit*/", count)
        return rows, made.values

    def _order(self, filters: Filters) -> str:
        return self._queries["occurred_at" if filters.is_by_occurrence else "created_at"]

    def _filters(self, made: _Statement, filters: Filters) -> tuple[list[str], list[str]]:
        joins: dict[str, None] = {}  # an ordered set: two filters may need the same one
        conditions = []
        for name, value in filters.asked():
            if JOIN + name in self._names:
                joins[self._queries[JOIN + name]] = None
            piece = self._queries[CONDITION + name]
            conditions.append(made.bind(piece, *[value] * piece.count("?")))
        return list(joins), conditions

    def _people(
        self,
        made: _Statement,
        filters: Filters,
        team_ids: Sequence[UUID] | None,
        today: date,
        conditions: list[str],
    ) -> str:
        """Return whose pages are merged; empty: one page of everything."""
        if filters.team is None:
            if team_ids is None:
                return ""
            return made.bind(SQL["are_members"], team_ids, today, today)
        if team_ids is not None:
            conditions.append(made.bind(SQL["is_member"], team_ids, today, today))
        team_id, zone = filters.team
        conditions.append(made.bind(self._queries["in_team_period"], zone, zone))
        return made.bind(SQL["is_on_the_team"], team_id)


def made_at(value: UUID) -> datetime:
    """Return when an id was made; a UUID of version 7 begins with milliseconds."""
    return datetime.fromtimestamp((value.int >> 80) / 1000, UTC)


def in_order(ids: Sequence[UUID], rows: Mapping[UUID, Row]) -> list[Row]:
    """Return the rows of a page in its order."""
    return [rows[each] for each in ids if each in rows]
