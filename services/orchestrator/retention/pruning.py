"""Takes the oldest entries out of an audit trail: the chain goes on from the last link taken."""

from datetime import datetime
from typing import Final
from uuid import UUID

from services.orchestrator.retention.wiping import SQL
from services.orchestrator.trail.sealer import LOCK
from shared.db.pool import Database
from shared.db.tx import system_tx
from shared.trail.chain import Head, HeadSigner

PER_PRUNING: Final = 2000
"""Entries of one transaction."""


async def prune(database: Database, signer: HeadSigner, chain: UUID, before: datetime) -> int:
    """Delete the oldest entries of a chain that were written before a time; return how many.

    The newest entry always stays. The database lets nobody delete what is younger than a year.
    """
    async with system_tx(database) as connection:
        # The sealer writes heads as well; here is time to wait for it.
        await connection.execute("select pg_advisory_xact_lock($1)", LOCK)
        row = await connection.fetchrow(SQL["hold_head"], chain)
        if row is None:
            return 0
        head = Head(*row)
        first_kept = await connection.fetchval(SQL["first_kept"], chain, before, head.position)
        last = min(first_kept - 1, head.position - 1, head.pruned_position + PER_PRUNING)
        if last <= head.pruned_position:
            return 0
        hash_ = await connection.fetchval(SQL["last_pruned"], chain, last)
        if hash_ is None:  # somebody was there before: `rapport audit verify` says where
            return 0
        pruned = head._replace(pruned_position=last, pruned_hash=hash_)
        await connection.execute(SQL["put_pruned"], chain, last, hash_, signer.sign(pruned))
        status = await connection.execute(SQL["prune_trail"], chain, last)
        if status != f"DELETE {last - head.pruned_position}":
            raise PruneRefusedError(status)
    return int(last - head.pruned_position)


class PruneRefusedError(Exception):
    """The database kept entries that were to go: they are younger than a year, or some are gone."""
