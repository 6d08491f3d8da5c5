"""What judges the kills can fail: every fault that is planted in what is left is found. [R-E3]

Faults in what clients were told are planted in `tests/unit/infra/test_history_checker.py`.
"""

from typing import Final

from shared.ids import parse_id
from tests.e2e.judged_texts import misjudged
from tests.e2e.partner import Partner
from tests.e2e.truth import assert_whole, settled

_LAST: Final = "(select max(seq) from turns where simulation_id = $1)"
_OF: Final = "from turns where simulation_id = $1 and seq > 2"

_NOBODY: Final = "01a20000-0000-7000-8000-000000000001"
"""No scoring; a simulation's own has its id."""

FAULTS: Final = {
    "a conversation has a gap": (
        f"update turns set seq = seq + 50 where simulation_id = $1 and seq = {_LAST}",
        "update turns set seq = seq - 50 where simulation_id = $1 and seq > 50",
    ),
    "a turn is not the one that was told": (
        f"update turns set created_at = created_at + interval '1 s' where simulation_id = $1 and seq = {_LAST}",
        f"update turns set created_at = created_at - interval '1 s' where simulation_id = $1 and seq = {_LAST}",
    ),
    "the end of a conversation is lost after it was judged": (
        (
            f"with lost as (delete {_OF} returning *), kept as (insert into public.kept select * from lost)"
            " update simulations set last_seq = 2 where simulation_id = $1"
        ),
        (
            "with back as (insert into turns select * from public.kept)"
            " update simulations set last_seq = (select max(seq) from public.kept) where simulation_id = $1"
        ),
    ),
    "a conversation is judged twice": (
        (
            "insert into assessments select (jsonb_populate_record(a,"
            " jsonb_build_object('assessment_id', gen_random_uuid(), 'revision', 2))).* from assessments a"
            " join scorings s using (tenant_id, scoring_id) where s.simulation_id = $1"
        ),
        (
            "delete from assessments a using scorings s"
            " where s.scoring_id = a.scoring_id and s.simulation_id = $1 and a.revision = 2"
        ),
    ),
    "an event is missing": (
        (
            "update events set sequence = sequence + 1 where resource_id = $1 and sequence ="
            " (select max(sequence) from events where resource_id = $1)"
        ),
        (
            "update events set sequence = sequence - 1 where resource_id = $1 and position ="
            " (select max(position) from events where resource_id = $1)"
        ),
    ),
    "an event has no place": (
        "update events set position = position + 1000 where resource_id = $1",
        "update events set position = position - 1000 where resource_id = $1",
    ),
    "a report counts another score": (
        "update facts set score = 100 - score where score <> 50 and scoring_id = $1",
    )
    * 2,
    "a report counts a conversation that nobody judged": (
        f"update facts set scoring_id = '{_NOBODY}' where scoring_id = $1",
        f"update facts set scoring_id = $1 where scoring_id = '{_NOBODY}'",
    ),
}
"""What is done to the rows of a conversation, and what undoes it."""


async def _faults(partner: Partner) -> list[str]:
    found = await misjudged(partner)
    try:
        await assert_whole(partner)
    except AssertionError as error:
        found.append(str(error))
    return found


async def test_every_fault_that_is_planted_is_found(partner: Partner) -> None:
    learner = await partner.learner(await partner.team("Truth"))
    simulation = (await partner.simulation(learner))["id"]
    await partner.talk(simulation, 3)
    await partner.end(simulation)
    await partner.score(learner)
    await settled(partner)
    assert await _faults(partner) == []

    product, subject = partner.product, parse_id("sim", simulation)
    await product.sql("drop table if exists public.kept")
    await product.sql("create table public.kept as select * from turns where false")
    missed = []
    try:
        for name, (harm, undo) in FAULTS.items():
            await product.sql(harm, subject)
            missed += [] if await _faults(partner) else [name]
            await product.sql(undo, subject)
            await product.sql("truncate public.kept")
    finally:
        await product.sql("drop table public.kept")
    assert missed == []
    assert await _faults(partner) == []
