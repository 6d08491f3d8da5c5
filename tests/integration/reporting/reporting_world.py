"""What other rooms write, written by hand: tenants, people, scored conversations, placed events."""

import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from uuid import UUID

import asyncpg

from shared.ids import Uuid7Maker

NOW = datetime(2026, 11, 1, tzinfo=UTC)

ids = Uuid7Maker()


class World:
    """Writes rows as the superuser: tenants, people, scored conversations, placed events."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection

    async def tenant(self, time_zone: str = "UTC") -> UUID:
        tenant_id = ids.new()
        await self.connection.execute(
            "insert into tenants (tenant_id, slug, time_zone, created_at) values ($1, $2, $3, $4)",
            tenant_id,
            f"t-{tenant_id.hex}",
            time_zone,
            NOW,
        )
        return tenant_id

    async def team(self, tenant_id: UUID) -> UUID:
        team_id = ids.new()
        await self.connection.execute(
            "insert into teams (tenant_id, team_id, name, created_at) values ($1, $2, 'n', $3)",
            tenant_id,
            team_id,
            NOW,
        )
        return team_id

    async def learner(self, tenant_id: UUID) -> UUID:
        learner_id, person_id = ids.new(), ids.new()
        await self.connection.execute(
            "insert into learners (tenant_id, learner_id, person_id, external_id,"
            " external_id_hash, created_at) values ($1, $2, $3, 'x', $4, $5)",
            tenant_id,
            learner_id,
            person_id,
            learner_id.bytes,
            NOW,
        )
        return learner_id

    async def member(
        self,
        tenant_id: UUID,
        learner_id: UUID,
        team_id: UUID,
        since: date = date(2026, 1, 1),
        until: date | None = None,
    ) -> None:
        await self.connection.execute(
            "insert into memberships values ($1, $2, $3, $4, $5)",
            tenant_id,
            learner_id,
            team_id,
            since,
            until,
        )

    async def scoring(
        self,
        tenant_id: UUID,
        learner_id: UUID,
        at: datetime,
        skills: dict[str, int | None],
        source: str = "call",
    ) -> UUID:
        """A completed scoring with its first assessment and event."""
        scoring_id = ids.new()
        # The rubric and the conversation that it points to are of no interest here.
        async with self._without_foreign_keys():
            await self.connection.execute(
                "insert into scorings (tenant_id, scoring_id, learner_id, conversation_id,"
                " rubric_id, rubric_version, source, status, assessment_id, occurred_at,"
                " created_at) values ($1, $2, $3, $2, $2, 1, $4, 'completed', $2, $5, $6)",
                tenant_id,
                scoring_id,
                learner_id,
                source,
                at,
                NOW,
            )
        await self.revision(tenant_id, scoring_id, learner_id, 1, skills)
        return scoring_id

    async def revision(
        self,
        tenant_id: UUID,
        scoring_id: UUID,
        learner_id: UUID,
        revision: int,
        skills: dict[str, int | None],
        *,
        place: bool = True,
    ) -> None:
        """An assessment of a scoring, and its event; a score of None means not enough evidence."""
        assessment_id = ids.new()
        async with self.connection.transaction():
            await self.connection.execute(
                "insert into assessments values ($1, $2, $3, $4, $5, null, 'r', 'e', '1', $6)",
                tenant_id,
                assessment_id,
                scoring_id,
                learner_id,
                revision,
                NOW,
            )
            await self.connection.executemany(
                "insert into assessment_skills values ($1, $2, $3, $4, $5, 1)",
                [
                    (
                        tenant_id,
                        assessment_id,
                        skill,
                        "insufficient_evidence" if score is None else "scored",
                        score,
                    )
                    for skill, score in skills.items()
                ],
            )
            data = f'{{"assessment_id": "{assessment_id}", "revision": {revision}}}'
            await self.event(tenant_id, scoring_id, "scoring.completed", data, place=place)

    async def event(
        self,
        tenant_id: UUID,
        resource_id: UUID,
        kind: str = "turn.completed",
        data: str = "{}",
        *,
        place: bool = True,
    ) -> None:
        await self.connection.execute(
            "insert into events (tenant_id, event_id, type, resource_id, sequence, data,"
            " occurred_at) select $1, $2, $3, $4, coalesce(max(sequence), 0) + 1, $5, $6"
            "  from events where tenant_id = $1 and resource_id = $4",
            tenant_id,
            ids.new(),
            kind,
            resource_id,
            data,
            NOW,
        )
        if place:
            await self.place(tenant_id)

    async def place(self, tenant_id: UUID) -> None:
        """Give positions, as the relay does."""
        await self.connection.execute(
            "with placed as (update events e set position = n.position from (select event_id,"
            " row_number() over (order by event_id) + coalesce((select position from event_heads"
            " where tenant_id = $1), 0) as position from events where tenant_id = $1 and position"
            " is null) n where e.tenant_id = $1 and e.event_id = n.event_id returning e.position)"
            " insert into event_heads select $1, max(position) from placed having count(*) > 0"
            " on conflict (tenant_id) do update set position = excluded.position",
            tenant_id,
        )

    async def facts(self, tenant_id: UUID) -> list[tuple[object, ...]]:
        """What is counted: (skill, revision, team, source, day, score)."""
        rows = await self.connection.fetch(
            "select skill, revision, team_id, source, day, score from facts where tenant_id = $1"
            " order by day, skill, score",
            tenant_id,
        )
        return [tuple(row) for row in rows]

    async def attempts(self, tenant_id: UUID) -> list[tuple[object, ...]]:
        """All columns of what is counted, in order of the scorings."""
        rows = await self.connection.fetch(
            "select * from attempts where tenant_id = $1 order by scoring_id", tenant_id
        )
        return [tuple(row) for row in rows]

    async def rollups(self, tenant_id: UUID) -> dict[tuple[object, ...], tuple[int, list[int]]]:
        """(team, skill, source, bucket) -> (n, scores from the histogram); sums are checked."""
        rows = await self.connection.fetch("select * from rollups where tenant_id = $1", tenant_id)
        found = {}
        for row in rows:
            counts = struct.unpack("<101i", row["histogram"])
            scores = [score for score, count in enumerate(counts) for _ in range(count)]
            people = list(struct.iter_unpack("<16sii", row["people"]))
            assert (row["n"], row["total"]) == (len(scores), sum(scores))
            assert row["squares"] == sum(score * score for score in scores)
            assert (sum(n for _, n, _ in people), sum(total for *_, total in people)) == (
                row["n"],
                row["total"],
            )
            assert [person for person, *_ in people] == sorted({person for person, *_ in people})
            found[row["team_id"], row["skill"], row["source"], row["bucket"]] = (row["n"], scores)
        return found

    async def people(self, tenant_id: UUID, skill: str) -> dict[UUID, list[tuple[UUID, int, int]]]:
        """Per team what the rollups of a skill say of people: (person, n, total), by bucket."""
        rows = await self.connection.fetch(
            "select team_id, people from rollups where tenant_id = $1 and skill = $2"
            " order by team_id, bucket, source",
            tenant_id,
            skill,
        )
        found: dict[UUID, list[tuple[UUID, int, int]]] = {}
        for row in rows:
            found.setdefault(row["team_id"], []).extend(
                (UUID(bytes=person), n, total)
                for person, n, total in struct.iter_unpack("<16sii", row["people"])
            )
        return found

    async def marks(self, tenant_id: UUID) -> list[str]:
        """Kinds of the marks that stand, in order."""
        rows = await self.connection.fetch(
            "select kind from report_marks where tenant_id = $1 order by mark_id", tenant_id
        )
        return [row["kind"] for row in rows]

    async def position(self, tenant_id: UUID) -> int | None:
        return await self.connection.fetchval(
            "select position from consumer_positions where tenant_id = $1", tenant_id
        )

    @asynccontextmanager
    async def _without_foreign_keys(self) -> AsyncIterator[None]:
        await self.connection.execute("set session_replication_role = replica")
        yield
        await self.connection.execute("set session_replication_role = origin")
