"""Seals the audit trail in the background: no request waits for a chain."""

import asyncio
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from shared.clock import Clock
from shared.db.pool import Connection, Database
from shared.db.sql import Queries
from shared.db.tx import system_tx
from shared.log import get_logger
from shared.trail.chain import Head, HeadSigner, link
from shared.trail.reading import empty_head

log = get_logger()

_SQL: Final = Queries("services.orchestrator.trail")

LOCK: Final = 0x7365616C
"""Advisory lock of the sealer; any fixed number, ours spells `seal`."""

PER_PASS: Final = 500
"""Entries of one transaction: some ten milliseconds."""

POLL_S: Final = 0.5
"""Seconds between two looks; one that finds nothing is a look at an empty index."""

CLEAN_S: Final = 3600.0
"""Seconds between two clean-ups of old marks."""

MARKS_KEPT: Final = timedelta(days=2)
"""A mark is of an hour or of a day; the second day is for clocks and time zones."""


class Sealer:
    """One at a time over all processes: each pass takes the lock for its transaction."""

    def __init__(self, database: Database, clock: Clock, signer: HeadSigner) -> None:
        self._database = database
        self._clock = clock
        self._signer = signer
        self._last_cleaning = float("-inf")

    async def run(self) -> None:
        """Seal what comes; ends only by cancellation."""
        while True:
            try:
                if await self.seal() >= PER_PASS:
                    continue
                await self._clean()
            except Exception as error:
                log.warning("trail.interrupted", error=type(error).__name__)
            await asyncio.sleep(POLL_S)

    async def seal(self) -> int:
        """Give the oldest waiting entries their places; return how many.

        Nothing is sealed while another process does it.
        """
        now = self._clock.now()
        async with system_tx(self._database) as connection:
            if not await connection.fetchval("select pg_try_advisory_xact_lock($1)", LOCK):
                return 0
            rows = await connection.fetch(_SQL["unsealed_entries"], PER_PASS)
            heads = await self._seal(connection, rows, now) if rows else []
        for head in heads:  # a copy of each day's first head, outside the database
            log.info(
                "trail.head", chain=str(head.chain), position=head.position, hash=head.hash.hex()
            )
        return len(rows)

    async def _seal(
        self, connection: Connection, rows: list[asyncpg.Record], now: datetime
    ) -> list[Head]:
        """Chain the entries and sign the heads; return those that are new of their day."""
        chains = sorted({row["tenant_id"] for row in rows})
        found = await connection.fetch(_SQL["heads_of"], chains)
        heads = {chain: empty_head(chain) for chain in chains} | {
            row["tenant_id"]: Head(*list(row)[:5]) for row in found
        }
        fresh = set(chains) - {
            row["tenant_id"] for row in found if row["sealed_at"].date() == now.date()
        }
        places = [_place(heads, row) for row in rows]
        await connection.execute(_SQL["seal_entries"], *map(list, zip(*places, strict=True)))
        ends = [heads[chain] for chain in chains]
        await connection.execute(
            _SQL["put_heads"],
            chains,
            [head.position for head in ends],
            [head.hash for head in ends],
            [self._signer.sign(head) for head in ends],
            now,
        )
        return [heads[chain] for chain in chains if chain in fresh]

    async def _clean(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._last_cleaning < CLEAN_S:
            return
        self._last_cleaning = now
        async with system_tx(self._database) as connection:
            await connection.execute(_SQL["forget_marks"], self._clock.now() - MARKS_KEPT)


def _place(heads: dict[UUID, Head], row: asyncpg.Record) -> tuple[UUID, int, int, bytes]:
    """Put an entry at the end of its chain; return its key, position and link."""
    chain = row["tenant_id"]
    head = heads[chain]
    position = head.position + 1
    hash_ = link(head.hash, position, row["entry_hash"])
    heads[chain] = head._replace(position=position, hash=hash_)
    return chain, row["number"], position, hash_
