"""Wire types: decoded for ever, subjects round-trip, jobs keep their tag."""

from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import pytest

from shared.contracts.events import EventHeader
from shared.contracts.jobs import (
    ActivityDone,
    BatchJob,
    BulkScoreJob,
    JobKind,
    JobMessage,
    JobPayload,
    ReplyTo,
    RescoreJob,
    ScoreJob,
    SimulationEnded,
    StartScoring,
    StartSimulation,
    TurnJob,
    decode_payload,
    encode_payload,
)
from shared.contracts.reports.trend import TrendQuery, TrendReply
from shared.contracts.subjects import job_consumer, job_subject, job_tenant, wake_subject

ID = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
REPLY = ReplyTo(workflow_id="scr_1", activity_id="score-1")
PAYLOADS: list[JobPayload] = [
    TurnJob(simulation_id=ID, seq=4),
    ScoreJob(scoring_id=ID, reply_to=REPLY),
    BatchJob(simulation_id=ID, reply_to=REPLY),
    StartSimulation(simulation_id=ID),
    StartScoring(scoring_id=ID),
    SimulationEnded(simulation_id=ID),
    ActivityDone(reply_to=REPLY, failure_code="learner-erased"),
    RescoreJob(scoring_id=ID, assessment_id=ID, rubric_id=ID, rubric_version=3),
    BulkScoreJob(scoring_id=ID, operation_id=ID),
]
GOLDEN = Path(__file__).parent / "golden"
MESSAGES: dict[str, type] = {
    "job_message_v1": JobMessage,
    "event_header_v1": EventHeader,
    "trend_query_v1": TrendQuery,
    "trend_query_v2": TrendQuery,
    "trend_query_v3": TrendQuery,
    "trend_reply_v1": TrendReply,
    "trend_reply_v2": TrendReply,
}


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda p: type(p).__name__)
def test_payloads_keep_their_type(payload: JobPayload) -> None:
    assert decode_payload(encode_payload(payload)) == payload


@pytest.mark.parametrize("name", MESSAGES)
def test_golden_messages_keep_their_facts(name: str) -> None:
    """Fields may join with a default; none may go or change."""
    golden = (GOLDEN / f"{name}.json").read_bytes()
    message = msgspec.json.decode(golden, type=MESSAGES[name])
    assert _holds(msgspec.json.decode(msgspec.json.encode(message)), msgspec.json.decode(golden))


def _holds(now: object, golden: object) -> bool:
    """Whether everything that was said is still said, at every depth."""
    if isinstance(golden, dict):
        return isinstance(now, dict) and all(
            name in now and _holds(now[name], value) for name, value in golden.items()
        )
    if isinstance(golden, list):
        return isinstance(now, list) and len(now) == len(golden) and all(map(_holds, now, golden))
    return now == golden


def test_an_unknown_field_of_a_newer_sender_is_tolerated() -> None:
    golden = msgspec.json.decode((GOLDEN / "job_message_v1.json").read_bytes())
    golden["priority"] = 1
    assert msgspec.json.decode(msgspec.json.encode(golden), type=JobMessage).job_id == ID


def test_subjects_carry_the_tenant_and_nothing_that_could_break_out() -> None:
    tenant = uuid4()
    for kind in JobKind:
        subject = job_subject(kind, tenant)
        assert job_tenant(subject) == job_tenant(wake_subject(kind, tenant)) == tenant
        assert subject.count(".") == 2
        assert "." not in job_consumer(kind, tenant)


def test_every_publication_has_its_own_message_id() -> None:
    one = JobMessage(tenant_id=ID, job_id=ID, kind=JobKind.TURN, attempt=1)
    assert one.message_id != msgspec.structs.replace(one, attempt=2).message_id
