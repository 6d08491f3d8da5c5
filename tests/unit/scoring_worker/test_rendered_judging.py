"""Judging what was said in another language: portions, places, and what is left out."""

from msgspec.structs import replace

from services.scoring_worker.judging.judge import judge
from services.scoring_worker.rendering import CHUNK_CHARS, CHUNK_SENTENCES, chunk_key, chunked
from services.scoring_worker.restoring import RENDERED, Reading, restored
from shared.contracts.scoring import (
    Evidence,
    JudgeResult,
    RenderingNote,
    Transcript,
    TranscriptTurn,
)
from shared.library.rubrics import load_rubrics
from shared.rendering.cutting import cut
from shared.rendering.records import Rendering, Segment

RUBRIC = load_rubrics()[0]
NOTE = RenderingNote(language="de", source="model")
TALK = (
    ("customer", "Ich warte seit zwei Wochen!", "I have been waiting for two weeks!"),
    ("agent", "Das tut mir leid. Was ist passiert?", "I'm sorry about that. What happened?"),
    ("customer", "Niemand ruft zurück.", "Nobody calls back."),
    (
        "agent",
        "Das ist sicher ärgerlich. Ich rufe Sie morgen an.",
        "That must be so frustrating. I will call you tomorrow.",
    ),
    ("customer", "Gut.", "Good."),
    ("agent", "Kann ich sonst noch helfen?", "Is there anything else I can help you with?"),
)


def turns(column: int) -> tuple[TranscriptTurn, ...]:
    return tuple(
        TranscriptTurn(
            id=f"t{n}", role="agent" if said[0] == "agent" else "customer", text=said[column]
        )
        for n, said in enumerate(TALK)
    )


def rendering(original: str, english: str) -> Rendering:
    """Pair the sentences of two texts."""
    pairs = zip(cut(original), cut(english), strict=True)
    return Rendering(
        segments=tuple(Segment(start=a.start, end=a.end, english=b.text) for a, b in pairs)
    )


GERMAN = Transcript(turns=turns(1), source="call", language="de")
ENGLISH = Transcript(turns=turns(2), source="call")
READING = Reading(
    original=GERMAN,
    renderings={f"t{n}": rendering(said[1], said[2]) for n, said in enumerate(TALK)},
    note=NOTE,
)


def evidence_in(result: JudgeResult) -> list[Evidence]:
    return [
        each
        for criterion in result.criteria
        for indicator in criterion.indicators
        for each in indicator.evidence
    ] + [advice.evidence for advice in result.advice if advice.evidence is not None]


class TestPortions:
    def turn(self, n: int, text: str) -> TranscriptTurn:
        return TranscriptTurn(id=f"t{n}", role="agent" if n % 2 else "customer", text=text)

    def test_every_turn_is_in_one_portion_in_order(self) -> None:
        said = [self.turn(n, "Das ist gut. Ja, sicher! " * (n % 7 + 1)) for n in range(120)]
        chunks = list(chunked(said))
        assert [turn for chunk in chunks for turn in chunk.turns] == said
        assert [chunk.number for chunk in chunks] == list(range(len(chunks)))
        for chunk in chunks:
            assert sum(len(cut(turn.text)) for turn in chunk.turns) <= CHUNK_SENTENCES
            assert sum(len(turn.text) for turn in chunk.turns) <= CHUNK_CHARS

    def test_a_long_turn_is_a_portion_of_its_own(self) -> None:
        said = [self.turn(n, "Wort " * 1500) for n in range(3)]
        assert [len(chunk.turns) for chunk in chunked(said)] == [1, 1, 1]

    def test_a_portion_knows_the_two_lines_before(self) -> None:
        said = [self.turn(n, "Wort. " * 300) for n in range(5)]
        chunks = list(chunked(said))
        assert chunks[0].before == ()
        assert [line.text for line in chunks[-1].before] == [said[2].text, said[3].text]

    def test_the_same_words_have_the_same_key(self) -> None:
        said = [self.turn(n, "Ja, das ist gut.") for n in range(3)]
        (first,), (again,) = chunked(said), chunked(list(said))
        (other,) = chunked([*said[:2], self.turn(2, "Nein, das ist gut.")])
        assert chunk_key(first) == chunk_key(again) != chunk_key(other)

    def test_nothing_has_no_portions(self) -> None:
        assert list(chunked([])) == []


class TestRestoring:
    def test_quotes_become_the_sentences_that_were_said(self) -> None:
        judged = judge(ENGLISH, RUBRIC)
        result = restored(judged, READING)
        texts = {turn.id: turn.text for turn in GERMAN.turns}
        found = evidence_in(result)
        assert found
        for each in found:
            assert texts[each.turn_id][each.start : each.end] == each.quote
            assert each.quote in {piece.text for piece in cut(texts[each.turn_id])}

    def test_numbers_stay_and_what_only_english_measures_goes(self) -> None:
        judged = judge(ENGLISH, RUBRIC)
        result = restored(judged, READING)
        assert (result.overall, result.skills, result.form) == (
            judged.overall,
            judged.skills,
            judged.form,
        )
        assert judged.metrics.reading_ease is not None
        assert (result.metrics.reading_ease, result.metrics.reading_grade) == (None, None)
        assert (result.metrics.words_per_minute, result.behaviors) == (None, ())
        assert result.metrics.talk_share == judged.metrics.talk_share

    def test_the_result_says_that_it_was_rendered(self) -> None:
        result = restored(judge(ENGLISH, RUBRIC, flags=(RENDERED,)), READING)
        assert (result.appraisal, result.rendering) == ("model", NOTE)
        assert RENDERED in result.needs_review
        assert RENDERED in result.flags

    def test_two_quotes_of_one_sentence_become_one(self) -> None:
        judged = judge(ENGLISH, RUBRIC)
        criterion = next(c for c in judged.criteria if any(i.evidence for i in c.indicators))
        indicator = next(i for i in criterion.indicators if i.evidence)
        twice = (
            Evidence(turn_id="t3", start=0, end=4, quote="That"),
            Evidence(turn_id="t3", start=5, end=9, quote="must"),
        )
        many = replace(criterion, indicators=(replace(indicator, evidence=twice),))
        result = restored(replace(judged, criteria=(many,)), READING)
        (only,) = result.criteria[0].indicators[0].evidence
        assert only.quote == "Das ist sicher ärgerlich."

    def test_what_was_not_rendered_only_says_why(self) -> None:
        judged = judge(GERMAN, RUBRIC)
        note = RenderingNote(language="de", source="none")
        result = restored(judged, Reading(original=GERMAN, renderings={}, note=note))
        assert result == replace(judged, rendering=note)
        assert (result.overall, result.appraisal) == (None, None)
        assert "unsupported_language" in result.flags
