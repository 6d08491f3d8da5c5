"""A judgment of a simulation in another language is made again byte for byte."""

from uuid import UUID

import msgspec
import pytest

from services.scoring_worker.judging.hearing import Hearing
from services.scoring_worker.rendering import as_rendered
from services.scoring_worker.replay import _compared, rendered_again
from services.scoring_worker.repository import ScoringCase
from services.scoring_worker.restoring import Reading, restored
from shared.contracts.llm import Judging, WhyEmbedded
from shared.contracts.scoring import JudgeResult, RenderingNote, Transcript, TranscriptTurn
from shared.library.rubrics import load_rubrics
from shared.rendering.records import Rendering, Segment
from tests.support.model_judges import agreeing, heard

SAID = (
    ("customer", "Ich warte seit zwei Wochen!", "I have been waiting for two weeks!"),
    ("agent", "Das tut mir leid.", "I'm so sorry that you had to wait for two weeks."),
    ("customer", "Niemand ruft zurück.", "Nobody calls back."),
    ("agent", "Ich rufe Sie morgen an.", "I will call you tomorrow at five."),
    ("customer", "Gut.", "Good."),
    ("agent", "Kann ich sonst noch helfen?", "Is there anything else I can help you with?"),
)
ID = UUID(int=3)
ORIGINAL = Transcript(
    turns=tuple(
        TranscriptTurn(id=f"t{n}", role="agent" if role == "agent" else "customer", text=german)
        for n, (role, german, _) in enumerate(SAID)
    ),
    source="simulation",
    language="de",
)
READ_AS = {
    f"t{n}": Rendering(segments=(Segment(start=0, end=len(german), english=english),))
    for n, (_, german, english) in enumerate(SAID)
}
CASE = ScoringCase(
    learner_id=UUID(int=1),
    environment="live",
    transcript=ORIGINAL,
    rubric=load_rubrics()[0],
    flags=(),
    played=None,
    read_as=READ_AS,
)


def hearing(case: ScoringCase) -> Hearing:
    return Hearing(case.transcript, case.rubric, flags=case.flags)


def reading(source: str, **known: Rendering) -> Reading:
    note = RenderingNote(language="de", source=source)  # type: ignore[arg-type]  # one of its words
    return Reading(original=ORIGINAL, renderings=known, note=note)


def compared(result: JudgeResult, answers=None, read_as=READ_AS):
    stored = msgspec.json.encode(result)
    read = msgspec.json.decode(stored, type=JudgeResult)
    return _compared(ID, stored, read, CASE, answers or {}, read_as)


def test_as_its_customer_read_it():
    made = restored(hearing(as_rendered(CASE, READ_AS)).result(), reading("simulation", **READ_AS))
    assert made.appraisal == "model"
    assert compared(made).is_same
    other = msgspec.structs.replace(made, confidence=made.confidence + 1)
    assert not compared(other).is_same


@pytest.mark.parametrize("mode", [Judging.MODEL, Judging.CASCADE])
def test_with_a_model_that_judged_the_english(mode):
    english = hearing(as_rendered(CASE, READ_AS))
    given = heard(english.plan(mode, 1), agreeing(english.result()))
    made = restored(english.result(given), reading("simulation", **READ_AS))
    again = compared(made, dict(given.answers))
    assert (again.is_same, again.why) == (True, "")


def test_what_nobody_rendered():
    made = restored(hearing(CASE).result(), reading("none"))
    assert made.overall is None
    assert compared(made, read_as={}).is_same


CALL_ID = UUID(int=9)


def answered(english=tuple(line for _, _, line in SAID)) -> str:
    sentences = [{"n": n, "english": line, "acts": []} for n, line in enumerate(english, 1)]
    return msgspec.json.encode({"sentences": sentences}).decode()


@pytest.fixture
def note() -> RenderingNote:
    return RenderingNote(language="de", source="model", portions=(CALL_ID,))


def test_what_a_model_rendered_comes_from_its_recorded_answer(note):
    read = rendered_again(ORIGINAL.turns, note, {CALL_ID: answered()})
    assert read is not None
    assert {turn: each.english for turn, each in read.items()} == {
        f"t{n}": english for n, (_, _, english) in enumerate(SAID)
    }
    made = restored(
        hearing(as_rendered(CASE, read)).result(),
        Reading(original=ORIGINAL, renderings=read, note=note),
    )
    assert compared(made, read_as=read).is_same
    other = rendered_again(
        ORIGINAL.turns, note, {CALL_ID: answered([line for _, _, line in SAID[:-1]] + ["Bye now."])}
    )
    assert not compared(made, read_as=other).is_same


def test_an_answer_that_is_gone_or_unfit_is_told(note):
    assert rendered_again(ORIGINAL.turns, note, {}) is None
    assert rendered_again(ORIGINAL.turns, note, {CALL_ID: answered(["One."])}) is None
    unknown = msgspec.structs.replace(note, portions=())  # noted before portions were
    assert rendered_again(ORIGINAL.turns, unknown, {CALL_ID: answered()}) is None
    again = compared(hearing(CASE).result(), read_as=None)
    assert not again.is_same
    assert "brought its English are gone" in again.why


def test_a_portion_without_a_word_needs_no_call():
    turns = (TranscriptTurn(id="t1", role="agent", text="..."),)
    note = RenderingNote(language="de", source="model", portions=(None,))
    read = rendered_again(turns, note, {})
    assert read is not None
    assert read["t1"].english == "..."


def test_a_mark_without_a_model_is_part_of_it():
    case = msgspec.structs.replace(
        CASE, transcript=msgspec.structs.replace(ORIGINAL, language="en"), read_as={}
    )
    made = msgspec.structs.replace(hearing(case).result(), why=WhyEmbedded.UNACCOUNTED)
    stored = msgspec.json.encode(made)
    assert _compared(ID, stored, made, case, {}, {}).is_same
