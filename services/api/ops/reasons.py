"""Why something does not move, in words, from what can be seen without reading it."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from services.api.ops.watching_schemas import Process
from shared.contracts.jobs import MAX_STARTS

WORKER: Final[Mapping[str, str]] = {
    "turn": "sim-worker",
    "batch": "sim-worker",
    "score": "scoring-worker",
    "flow": "orchestrator",
}
"""Which service takes the jobs of a lane."""

MANY_PUBLISHES: Final = 4
"""A job that was published so often went by workers that could have taken it."""

_IDLE: Final = {
    "unscored": "it has ended and nothing scores it: its workflow was lost, or Temporal is away",
    "unplayed": "nobody plays it and no job asks for it: its workflow was lost",
    "unanswered": "the learner waits for a reply, and no job asks for it",
    "idle": "nobody has spoken for 26 hours and nothing ended it: its workflow was lost, unless "
    "its scenario allows so long a silence",
}

_OPERATION: Final = {
    "simulation_batch": "no job of it is left and it has not ended: a workflow of it was lost",
    "scoring_batch": "no job of it is left and it has not ended: its scorings wait for people, or "
    "were lost",
    "report_export": "no reporting process writes it",
}

_RESTING: Final = frozenset({"score", "batch", "queued", "running", "unplayed"})
"""What waits while a tenant is paused; turns and ends go on."""


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the processes when reasons are given."""

    living: frozenset[str]
    """Services with a process that lives."""
    is_temporal_away: bool
    """The orchestrators that live cannot reach it."""

    @classmethod
    def of(cls, processes: list[Process]) -> "Sight":
        """Return what a list of processes says."""
        living = [each for each in processes if each.is_alive]
        answers = [
            each.facts["temporal_answers"] for each in living if "temporal_answers" in each.facts
        ]
        return cls(
            living=frozenset(each.service for each in living),
            is_temporal_away=bool(answers) and not any(answers),
        )


def reason(row: Mapping[str, Any], sight: Sight) -> str:
    """Return why the thing of a row of the query `stuck` does not move."""
    what, detail = row["what"], row["detail"]
    if row["tenant_status"] == "paused" and detail in _RESTING:
        return "its tenant is paused: what is queued waits until the tenant is resumed"
    return _of_job(row, sight) if what == "job" else _of_thing(what, detail, sight)


def _of_thing(what: str, detail: str, sight: Sight) -> str:
    if sight.is_temporal_away:
        return "Temporal does not answer the orchestrator"
    if "orchestrator" not in sight.living and detail != "unanswered":
        return "no orchestrator runs"
    if what == "scoring":
        return f"it is {detail} and no job leads to it: its workflow was lost"
    if what == "simulation":
        return _IDLE[detail]
    return _OPERATION.get(detail, "no job of it is left: it was lost with its worker")


def _of_job(row: Mapping[str, Any], sight: Sight) -> str:
    lane, starts, attempt = row["detail"], row["starts"], row["attempt"]
    service = WORKER[lane]
    if service not in sight.living:
        return f"no {service} runs"
    if starts >= MAX_STARTS:
        return f"{starts} workers took it and none finished: it is about to be buried"
    if starts > 0:
        return (
            f"{starts} of {MAX_STARTS} workers took it and none finished: its lease keeps expiring"
        )
    if lane == "flow" and (sight.is_temporal_away or attempt >= MANY_PUBLISHES):
        return "the orchestrator takes it and gives it back: Temporal does not answer"
    if attempt >= MANY_PUBLISHES:
        return (
            f"published {attempt} times and no worker took it: the {service}s are full with "
            "others, or do not hear NATS"
        )
    return f"no {service} has taken it yet: it waits behind others of its tenant"
