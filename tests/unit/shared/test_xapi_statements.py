"""Statements by the rules of the specification, over every shape that a result can have. [R-F1]"""

import json
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from uuid import UUID, uuid5

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.events import EventType
from shared.contracts.scoring import JudgeResult
from shared.xapi.statements import (
    Form,
    Happening,
    Judged,
    NoAttemptError,
    Played,
    attempt,
    registration,
    statement_id,
    statements_of,
    timestamp,
)
from shared.xapi.vocabulary import NAMESPACE, VERBS
from tests.support.scored import judged
from tests.support.xapi_rules import broken_rules

IDS = st.uuids(version=4)
SCORES = st.none() | st.integers(0, 100)
NAMES = st.text(min_size=1, max_size=40).filter(str.strip)

RESULTS = st.builds(
    judged,
    SCORES,
    st.dictionaries(st.sampled_from(["relate.empathy", "own.skill", "resolve.fix"]), SCORES),
    roots=st.dictionaries(st.sampled_from(["relate", "resolve"]), SCORES),
    passed=st.none() | st.booleans(),
)

PLAYED = st.builds(
    Played,
    scenario_id=IDS,
    title=NAMES,
    version=st.integers(1, 999),
    language=st.sampled_from(["en", "de", "pt-BR"]),
)

JUDGED = st.builds(
    Judged,
    assessment_id=IDS,
    revision=st.integers(1, 50),
    rubric_id=IDS,
    rubric_title=NAMES,
    rubric_version=st.integers(1, 50),
    source=st.sampled_from(["simulation", "call", "chat", "email"]),
    result=RESULTS,
)

FORMS = st.builds(
    Form,
    base_iri=st.sampled_from(["https://rapport.example/xapi", "http://x.test"]),
    home_page=st.sampled_from(["https://lms.example/", "https://rapport.example/xapi"]),
    version=st.sampled_from(["1.0.3", "2.0.0"]),
)


MOMENTS = st.integers(0, 3 * 10**9).map(lambda second: datetime.fromtimestamp(second, UTC))


def _happenings(kinds: list[EventType]) -> st.SearchStrategy[Happening]:
    return st.builds(
        Happening,
        event_id=IDS,
        type=st.sampled_from(kinds),
        resource_id=IDS,
        sequence=st.integers(1, 99),
        position=st.integers(1, 10**9),
        occurred_at=MOMENTS,
        actor=NAMES,
        played=st.none() | PLAYED if EventType.SCORING_COMPLETED in kinds else PLAYED,
        judged=JUDGED if EventType.SCORING_COMPLETED in kinds else st.none(),
        end_reason=st.sampled_from(["goal_met", "failed", "learner_ended", None]),
        duration=st.none() | st.timedeltas(timedelta(seconds=-1), timedelta(days=3)),
    )


ANY = _happenings([EventType.SIMULATION_STARTED, EventType.SIMULATION_ENDED]) | _happenings(
    [EventType.SCORING_COMPLETED, EventType.SCORING_REVISED]
)


@given(happening=ANY, form=FORMS)
def test_every_statement_keeps_every_rule(happening: Happening, form: Form) -> None:
    statements = statements_of(happening, form)

    for statement in statements:
        plain = json.loads(msgspec.json.encode(statement))
        assert broken_rules(plain) == []
        assert UUID(statement["id"]).version == 5
        assert "mbox" not in json.dumps(statement["actor"])
    assert len({statement["id"] for statement in statements}) == len(statements)
    assert msgspec.json.encode(statements_of(happening, form)) == msgspec.json.encode(statements)


@given(happening=_happenings([EventType.SCORING_COMPLETED, EventType.SCORING_REVISED]), form=FORMS)
def test_numbers_are_those_of_the_assessment(happening: Happening, form: Form) -> None:
    statements = statements_of(happening, form)
    assert happening.judged is not None
    result: JudgeResult = happening.judged.result
    assert result.form is not None

    verbs = [statement["verb"]["id"] for statement in statements]
    if result.overall is None:
        assert statements == ()
        return
    assert verbs[0] == VERBS["scored"]
    assert verbs[1:] == (
        [] if result.form.passed is None else [VERBS["passed" if result.form.passed else "failed"]]
    )
    for statement in statements:
        score = statement["result"]["score"]
        assert (score["raw"], score["min"], score["max"]) == (result.overall, 0, 100)
        assert score["scaled"] == pytest.approx(result.overall / 100)
        skills = statement["result"]["extensions"][f"{form.base_iri}/extensions/skills"]
        assert skills == {
            each.skill: {"status": each.status.value, "score": each.score} for each in result.skills
        }
    if len(statements) == 2:
        assert statements[1]["result"]["success"] is result.form.passed


def test_an_id_is_a_hash_of_the_event_and_the_verb() -> None:
    event = UUID("01936b2e-7a1c-7cc0-8f2a-3d5e6f708192")

    assert statement_id(event, "scored") == str(uuid5(NAMESPACE, f"{event}/scored"))
    assert len({statement_id(event, verb) for verb in VERBS}) == len(VERBS)


@pytest.mark.parametrize("reason", ["failed", "cancelled"])
def test_what_nobody_finished_is_not_completed(reason: str) -> None:
    happening = Happening(
        event_id=UUID(int=1),
        type=EventType.SIMULATION_ENDED,
        resource_id=UUID(int=2),
        sequence=1,
        position=1,
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
        actor="x",
        played=Played(scenario_id=UUID(int=3), title="t", version=1, language="en"),
        end_reason=reason,
    )
    form = Form(base_iri="https://x.test", home_page="https://x.test", version="2.0.0")

    assert statements_of(happening, form) == ()


def test_times_are_utc_with_milliseconds() -> None:
    assert timestamp(datetime(2026, 1, 1, 12, 0, 0, 1500, tzinfo=UTC)) == "2026-01-01T12:00:00.001Z"


class TestTheRules:
    """The checker must catch what the specification forbids."""

    GOOD: ClassVar[dict[str, object]] = {
        "id": "fd41c918-b88b-4b20-a0a5-a4c32391aaa0",
        "actor": {"account": {"homePage": "https://x.test", "name": "a"}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/scored"},
        "object": {"id": "https://x.test/a"},
        "timestamp": "2026-01-01T12:00:00Z",
    }

    def test_a_good_one_passes(self) -> None:
        assert broken_rules(self.GOOD) == []

    @pytest.mark.parametrize(
        "changes",
        [
            {"id": "01936b2e-7a1c-7cc0-8f2a-3d5e6f708192"},
            {"id": "FD41C918-B88B-4B20-A0A5-A4C32391AAA0"},
            {"actor": {}},
            {
                "actor": {
                    "mbox": "mailto:a@x.test",
                    "account": {"homePage": "https://x", "name": ""},
                }
            },
            {"actor": {"account": {"homePage": "x.test", "name": "a"}}},
            {"verb": {"id": "scored"}},
            {"verb": {"id": "http://x.test/v", "display": {"not a tag": "x"}}},
            {"object": {"id": "https://x.test/a b"}},
            {"object": {"id": "https://x.test/a", "definition": {"kind": "x"}}},
            {"result": {}},
            {"result": {"success": None}},
            {"result": {"success": "yes"}},
            {"result": {"duration": "4 minutes"}},
            {"result": {"duration": "PT1.234S"}},
            {"result": {"score": {"scaled": 1.1}}},
            {"result": {"score": {"raw": 101, "min": 0, "max": 100}}},
            {"result": {"score": {"min": 5, "max": 5}}},
            {"result": {"score": {"raw": True}}},
            {"result": {"extensions": {"skills": 1}}},
            {"context": {"registration": "1"}},
            {"context": {"language": "english!"}},
            {"context": {"contextActivities": {"child": [{"id": "https://x.test"}]}}},
            {"timestamp": "2026-01-01"},
            {"timestamp": "2026-01-01T12:00:00"},
            {"timestamp": "2026-13-01T12:00:00Z"},
            {"version": "3"},
            {"mood": "good"},
        ],
    )
    def test_a_bad_one_is_caught(self, changes: dict[str, object]) -> None:
        assert broken_rules({**self.GOOD, **changes})


@given(st.integers(0, 2**62 - 1), st.integers(0, 2**62 - 1))
def test_a_registration_leads_back_to_its_attempt(high: int, low: int) -> None:
    ours = UUID(int=(high << 64 | low) & ~(0xF << 76) & ~(0x3 << 62) | 7 << 76 | 2 << 62)

    registered = registration(ours)

    assert UUID(registered).version == 4
    assert attempt(UUID(registered)) == ours


@pytest.mark.parametrize("version", [1, 3, 5, 7])
def test_other_registrations_lead_nowhere(version: int) -> None:
    with pytest.raises(NoAttemptError):
        attempt(UUID(int=version << 76 | 2 << 62))
