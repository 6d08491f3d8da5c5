"""What must be true of a tenant once its work is done: nothing lost, nothing twice, all finished.

Read from PostgreSQL as superuser, from Temporal, and from the public API.
"""

import asyncio
import time
from collections import Counter, defaultdict
from typing import Any
from uuid import UUID

import asyncpg
from temporalio.client import Client

from shared.ids import format_id, parse_id
from tests.e2e.partner import Partner

SETTLE_TIMEOUT_S = 60.0
PAUSE_S = 0.1

UNFINISHED = """
select (select count(*) from jobs where tenant_id = $1) as jobs,
       (select count(*) from scorings
         where tenant_id = $1 and status in ('queued', 'running')) as scorings,
       (select count(*) from simulations
         where tenant_id = $1 and (status = 'ended' or (status = 'open' and last_seq % 2 = 1)
                                   or (status = 'open' and mode = 'autopilot'))) as simulations,
       (select count(*) from events where tenant_id = $1 and position is null) as events,
       coalesce((select position from event_heads where tenant_id = $1), 0)
         - coalesce((select position from consumer_positions
                      where tenant_id = $1 and consumer = 'reporting'), 0) as unread
"""
"""Everything that somebody still has to do; all zero in the end."""


async def settled(partner: Partner) -> float:
    """Wait until nothing of the tenant is unfinished; return how long that took, in seconds."""
    start = time.monotonic()
    while True:
        try:
            left = dict((await partner.product.sql(UNFINISHED, partner.tenant_id))[0])
        except (OSError, asyncpg.PostgresError) as error:
            left = {"database": repr(error)}
        if not any(left.values()):
            return time.monotonic() - start
        assert time.monotonic() < start + SETTLE_TIMEOUT_S, f"still unfinished: {left}"
        await asyncio.sleep(PAUSE_S)


async def assert_whole(partner: Partner) -> None:
    """Check everything that this module knows of."""
    simulations = await _check_turns(partner)
    scorings = await _check_scorings(partner)
    await _check_events(partner, simulations, scorings)
    await _check_facts(partner)
    await _check_told(partner)
    await _check_workflows(partner, [*simulations, *scorings])
    verify = await asyncio.to_thread(partner.product.run, "reports", "verify", partner.slug)
    assert (verify.returncode, verify.stdout) == (0, "no difference\n"), verify


async def _check_turns(partner: Partner) -> dict[UUID, asyncpg.Record]:
    """Turns run from 0 without gap; each learner turn has its one reply."""
    rows = await partner.product.sql(
        "select s.simulation_id, s.status, s.mode, s.last_seq, s.operation_id, array_agg(t.seq order by t.seq) as seqs"
        " from simulations s left join turns t using (tenant_id, simulation_id)"
        " where s.tenant_id = $1 group by s.tenant_id, s.simulation_id",
        partner.tenant_id,
    )
    for row in rows:
        assert row["seqs"] == list(range(row["last_seq"] + 1)), dict(row)
        assert row["last_seq"] % 2 == 0, "a learner's turn without a reply"
    return {row["simulation_id"]: row for row in rows}


async def _check_scorings(partner: Partner) -> dict[UUID, asyncpg.Record]:
    """Every scoring is completed with exactly one assessment; every ended simulation has one."""
    rows = await partner.product.sql(
        "select s.scoring_id, s.simulation_id, s.status, s.assessment_id,"
        " array_agg(a.assessment_id) as assessments"
        " from scorings s left join assessments a using (tenant_id, scoring_id)"
        " where s.tenant_id = $1 group by s.tenant_id, s.scoring_id",
        partner.tenant_id,
    )
    for row in rows:
        assert row["status"] == "completed", dict(row)
        assert row["assessments"] == [row["assessment_id"]], dict(row)
    ended = await partner.product.sql(
        "select simulation_id, status from simulations where tenant_id = $1 and status <> 'open'",
        partner.tenant_id,
    )
    assert {row["status"] for row in ended} <= {"scored"}
    scored = Counter(row["simulation_id"] for row in rows if row["simulation_id"])
    assert scored == Counter(row["simulation_id"] for row in ended)
    outside = {row["scoring_id"] for row in rows if row["simulation_id"] is None}
    assert outside == {parse_id("scr", each) for each in partner.scorings.values()}
    return {row["scoring_id"]: row for row in rows}


async def _check_events(
    partner: Partner,
    simulations: dict[UUID, asyncpg.Record],
    scorings: dict[UUID, asyncpg.Record],
) -> None:
    """Positions have no gap; each resource's events are in order, complete, and there once."""
    rows = await partner.product.sql(
        "select position, type, resource_id, sequence from events where tenant_id = $1"
        " order by position",
        partner.tenant_id,
    )
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
    sequences: dict[UUID, list[int]] = defaultdict(list)
    for row in rows:
        sequences[row["resource_id"]].append(row["sequence"])
    for sequence in sequences.values():
        assert sequence == list(range(1, len(sequence) + 1))
    expected: Counter[tuple[UUID, str]] = Counter()
    expected.update((row["operation_id"], "operation.ended") for row in await _operations(partner))
    for simulation_id, row in simulations.items():
        if row["operation_id"] is None:  # of a batch only the ends are told
            expected[simulation_id, "simulation.started"] = 1
        if row["operation_id"] is None and row["last_seq"]:
            expected[simulation_id, "turn.completed"] = row["last_seq"] // 2
        if row["status"] != "open":
            expected[simulation_id, "simulation.ended"] = 1
    # A simulation's scoring has the simulation's id; both share one sequence.
    for scoring_id in scorings:
        expected[scoring_id, "scoring.completed"] = 1
    told = Counter((row["resource_id"], row["type"]) for row in rows)
    assert told == expected, {"too many": told - expected, "missing": expected - told}


async def _operations(partner: Partner) -> list[asyncpg.Record]:
    return await partner.product.sql(
        "select operation_id from operations where tenant_id = $1", partner.tenant_id
    )


async def _check_facts(partner: Partner) -> None:
    """Reports count exactly what the assessments say."""
    said = await partner.product.sql(
        "select a.scoring_id, k.skill, k.score from assessments a"
        " join assessment_skills k using (tenant_id, assessment_id)"
        " join scorings s using (tenant_id, scoring_id)"
        " where a.tenant_id = $1 and k.status = 'scored' and s.excluded is null",
        partner.tenant_id,
    )
    counted = await partner.product.sql(
        "select scoring_id, skill, score from facts where tenant_id = $1", partner.tenant_id
    )
    assert Counter(map(tuple, counted)) == Counter(map(tuple, said))


async def _check_told(partner: Partner) -> None:
    """What the API answered during all that is still what it answers."""
    conversations: dict[str, dict[int, dict[str, Any]]] = {}
    for (simulation_id, seq), answer in partner.exchanges.items():
        if simulation_id not in conversations:
            listed = await partner.get(f"/v1/simulations/{simulation_id}/turns")
            conversations[simulation_id] = {turn["seq"]: turn for turn in listed["data"]}
        turns = conversations[simulation_id]
        assert turns[seq] == answer["learner_turn"]
        assert turns[seq + 1] == answer["reply"]
    assert len(set(partner.scorings.values())) == len(partner.scorings)


async def _check_workflows(partner: Partner, resources: list[UUID]) -> None:
    """Temporal has finished, too: every workflow of the tenant is completed."""
    ours = {format_id(prefix, one) for prefix in ("sim", "scr") for one in resources}
    open_ones = await partner.product.sql(
        "select simulation_id from simulations where tenant_id = $1 and status = 'open'",
        partner.tenant_id,
    )
    ours -= {format_id("sim", row["simulation_id"]) for row in open_ones}
    client = await Client.connect(partner.product.up.temporal_address)
    deadline = time.monotonic() + SETTLE_TIMEOUT_S
    while True:
        listed = client.list_workflows('ExecutionStatus != "Completed"')
        unfinished = {f"{w.id} {w.status}" async for w in listed if w.id in ours}
        if not unfinished:
            return
        assert time.monotonic() < deadline, f"workflows: {unfinished}"
        await asyncio.sleep(PAUSE_S)
