"""Dry runs: whatever a draft's faults are, apart from a few it can be tried out."""

from typing import Any

import msgspec
import pytest

from services.scoring_worker.dry_run import RefusalError, answer, read_question
from services.scoring_worker.judging.judge import judge
from shared.contracts.rubric import RubricSpec
from shared.contracts.scoring import Transcript, TranscriptTurn
from shared.library.rubric_dry_run import DryRunQuery, Sample, unscorable
from shared.library.rubric_lint import lint
from shared.library.rubrics import load_rubrics

Json = dict[str, Any]

SUPPORT = next(each for each in load_rubrics() if each.slug == "support")

TRANSCRIPT = Transcript(
    turns=tuple(
        TranscriptTurn(id=f"t{number}", role="agent" if number % 2 else "customer", text=text)
        for number, text in enumerate(
            (
                "My parcel is ten days late and I am really upset about it.",
                "I am so sorry, ten days is a long wait. May I have your order number, please?",
                "It is 4711. I needed it for a birthday.",
                "Missing the birthday is what makes this so bad. I can refund you today.",
                "Yes, please do that.",
                "Gladly. So: the refund today, and I will call you tomorrow at ten.",
            )
        )
    ),
    source="chat",
)


def query(rubric: RubricSpec = SUPPORT, count: int = 1) -> DryRunQuery:
    return DryRunQuery(rubric=rubric, samples=(Sample(transcript=TRANSCRIPT),) * count)


def spoiled(**changes: Any) -> RubricSpec:
    """Return the rubric with other fields in its form or in its first criterion."""
    raw: Json = msgspec.json.decode(msgspec.json.encode(SUPPORT))
    form = {key: value for key, value in changes.items() if key in raw}
    first = raw["sections"][0]["criteria"][0]
    first |= {key: value for key, value in changes.items() if key not in raw}
    return msgspec.convert(raw | form, RubricSpec)


def only_bonus() -> RubricSpec:
    """Return a rubric without any base criterion."""
    raw: Json = msgspec.json.decode(msgspec.json.encode(SUPPORT))
    for section in raw["sections"]:
        for criterion in section["criteria"]:
            criterion["kind"] = "bonus"
    return msgspec.convert(raw, RubricSpec)


@pytest.mark.parametrize(
    "rubric",
    [
        spoiled(enable_if={"criterion": "nowhere", "at_least": 50}),
        spoiled(enable_if={"criterion": "empathy", "below": 0}),
        spoiled(enable_if={"criterion": "closing"}),
        spoiled(auto_fail={"indicators": ["juggles"], "cap": 100}),
        spoiled(auto_fail={}),
        spoiled(anchors=[{"from_score": 50, "label": "x", "text": ""}] * 2),
        spoiled(bands=[{"from_score": 90, "label": "x"}, {"from_score": 10, "label": "x"}]),
        spoiled(skill="relate.juggling", skills={"own.things": 5}),
        spoiled(kind="points", target=0),
        spoiled(language="de"),
        only_bonus(),
    ],
)
def test_a_faulty_draft_is_tried_out(rubric: RubricSpec) -> None:
    findings = lint(rubric)
    assert not unscorable(findings)

    reply = answer(query(rubric))

    assert len(reply.trial.criteria) == len(reply.samples[0].criteria)


def test_each_conversation_is_told_in_short() -> None:
    result = judge(TRANSCRIPT, SUPPORT)

    reply = answer(query(count=3))

    assert {sample.overall for sample in reply.samples} == {result.overall}
    assert reply.trial.overall.count == (0 if result.overall is None else 3)
    for outcome, criterion in zip(reply.samples[1].criteria, result.criteria, strict=True):
        assert (outcome.key, outcome.status) == (criterion.key, criterion.status)
        assert (outcome.score, outcome.level) == (criterion.score, criterion.level)
    text = msgspec.json.encode(reply)
    assert not any(turn.text.encode() in text for turn in TRANSCRIPT.turns)
    assert b"birthday" not in text


def test_there_is_no_half_an_answer() -> None:
    times = iter([True, True, False])
    with pytest.raises(RefusalError, match="no time left") as caught:
        answer(query(count=5), lambda: next(times))
    assert caught.value.code == 503
    assert next(times, None) is None, "the rest was left"


def test_an_unknown_indicator_is_refused() -> None:
    raw = msgspec.json.decode(msgspec.json.encode(SUPPORT))
    raw["sections"][0]["criteria"][0]["indicators"][0]["key"] = "juggles"
    rubric = msgspec.convert(raw, RubricSpec)
    assert unscorable(lint(rubric))
    with pytest.raises(RefusalError) as caught:
        answer(query(rubric))
    assert caught.value.code == 400


@pytest.mark.parametrize("count", [0, 21])
def test_how_many_conversations(count: int) -> None:
    with pytest.raises(RefusalError) as caught:
        read_question(msgspec.json.encode(query(count=count)))
    assert caught.value.code == 400


def test_a_question_comes_through_as_it_was_asked() -> None:
    asked = query(count=20)
    assert read_question(msgspec.json.encode(asked)) == asked
