"""Jobs: rows in Postgres that say what must be done; messages that only say which row."""

from enum import StrEnum
from typing import Literal
from uuid import UUID

import msgspec

from shared.contracts.base import Record
from shared.telemetry import trace

MAX_STARTS = 5
"""How often a job may be taken by a worker before it fails visibly."""


class JobKind(StrEnum):
    """The lane of a job; each lane is a stream of its own."""

    TURN = "turn"
    SCORE = "score"
    BATCH = "batch"
    FLOW = "flow"


class JobMessage(Record, frozen=True, kw_only=True):
    """What travels over NATS: which row to look at. Never any text."""

    v: Literal[1] = 1
    tenant_id: UUID
    job_id: UUID
    kind: JobKind
    attempt: int
    """Number of this publication; part of the message id, so a repeat is not swallowed."""

    @property
    def message_id(self) -> str:
        """The JetStream message id, unique per publication."""
        return f"{self.job_id}:{self.attempt}"


class ReplyTo(Record, frozen=True, kw_only=True):
    """The Temporal activity that waits for a job; opaque to workers."""

    workflow_id: str
    activity_id: str


RETRIED = "retried-"
"""How the activity is called of a scoring that an operator had judged again, before the scoring's
UUID: there is none, nor a workflow that would say how it ended."""


class TurnJob(Record, frozen=True, kw_only=True, tag="turn", omit_defaults=True):
    """Make the customer's reply `seq` of a simulation."""

    simulation_id: UUID
    seq: int
    streamed: bool = False
    """Somebody reads along: tell the reply in pieces (`LiveDelta`) before it is stored."""


class ScoreJob(Record, frozen=True, kw_only=True, tag="score"):
    """Judge the conversation of a scoring."""

    scoring_id: UUID
    reply_to: ReplyTo


class BulkScoreJob(Record, frozen=True, kw_only=True, tag="bulk_score"):
    """Judge one of many conversations that came in one request; the last one ends the operation."""

    scoring_id: UUID
    operation_id: UUID


class RescoreJob(Record, frozen=True, kw_only=True, tag="rescore"):
    """Judge a scored conversation again; the result is a new revision."""

    scoring_id: UUID
    assessment_id: UUID
    """What the revision will be called: a second delivery finds it made."""
    rubric_id: UUID
    rubric_version: int


class Part(Record, frozen=True, kw_only=True):
    """The share of a batch that one workflow drives."""

    operation_id: UUID
    part: int
    """From 0."""


class BatchJob(Record, frozen=True, kw_only=True, tag="batch"):
    """Play a whole autopilot simulation, from its last stored turn to its end."""

    simulation_id: UUID
    reply_to: ReplyTo
    part: Part | None = None
    """Of a batch: its last job alone completes the activity."""


class ScenarioDraftJob(Record, frozen=True, kw_only=True, tag="scenario_draft"):
    """Have a model draft a scenario, and try it out; the job's id is the operation's."""

    operation_id: UUID


class ScenarioTrialJob(Record, frozen=True, kw_only=True, tag="scenario_trial"):
    """Try a scenario's draft out with scripted learners; the job's id is the operation's."""

    operation_id: UUID


class RubricDraftJob(Record, frozen=True, kw_only=True, tag="rubric_draft"):
    """Have a model draft a rubric, and try it out; the job's id is the operation's."""

    operation_id: UUID


DraftJob = ScenarioDraftJob | ScenarioTrialJob | RubricDraftJob
"""What workers draft or try out for authors."""


class StartSimulation(
    Record, frozen=True, kw_only=True, tag="start_simulation", omit_defaults=True
):
    """Start `SimulationWorkflow` for a new simulation."""

    simulation_id: UUID
    again: bool = False
    """Also where its workflow has ended: a restored PostgreSQL may know less than Temporal."""


class StartBatch(Record, frozen=True, kw_only=True, tag="start_batch", omit_defaults=True):
    """Start `SimulationBatchWorkflow` for a part of a batch."""

    operation_id: UUID
    part: int
    again: bool = False
    """Also where its workflow has ended: a restored PostgreSQL may know less than Temporal."""


class StartScoring(Record, frozen=True, kw_only=True, tag="start_scoring", omit_defaults=True):
    """Start `ScoringWorkflow` for a queued scoring (and up to 49 others of the tenant)."""

    scoring_id: UUID
    again: bool = False
    """Also where its workflow has ended: a restored PostgreSQL may know less than Temporal."""


class SimulationEnded(
    Record, frozen=True, kw_only=True, tag="simulation_ended", omit_defaults=True
):
    """Tell `SimulationWorkflow` that its simulation has ended."""

    simulation_id: UUID
    again: bool = False
    """Also where its workflow has ended: a restored PostgreSQL may know less than Temporal."""


class ActivityDone(Record, frozen=True, kw_only=True, tag="activity_done"):
    """Complete the activity that dispatched a job; `failure_code` None means success."""

    reply_to: ReplyTo
    failure_code: str | None = None


FlowJob = StartSimulation | StartScoring | StartBatch | SimulationEnded | ActivityDone
"""What the orchestrator does for others: only it speaks to Temporal (docs/adr/0002)."""

JobPayload = TurnJob | ScoreJob | BulkScoreJob | RescoreJob | BatchJob | DraftJob | FlowJob
"""The `payload` column of a job."""


_DECODER: msgspec.json.Decoder[JobPayload] = msgspec.json.Decoder(JobPayload)


def encode_payload(payload: JobPayload) -> str:
    """Return the JSON text of a payload, with the trace it belongs to where one is recorded.

    The relay tells the trace when it publishes the row again; workers ignore it.
    """
    text = msgspec.json.encode(payload).decode()
    parent = trace.kept()
    return f'{text[:-1]},"trace":"{parent}"}}' if parent else text


def decode_payload(text: str) -> JobPayload:
    """Return the payload behind its JSON text; raises `msgspec.ValidationError`."""
    return _DECODER.decode(text)
