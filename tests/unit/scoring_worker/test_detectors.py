"""Every detector sees what it is for, lets pass what is not it, and has no occasion out of thin air.

The cases lie in `detector_cases_*.yaml`; the detectors of the first rubrics have more tests of their
own in test_judge.py and test_aggregate.py.
"""

from functools import cache
from pathlib import Path

import msgspec
import pytest
import yaml

from services.scoring_worker.judging.detectors.registry import (
    DETECTORS,
    UnknownIndicatorError,
    get_detector,
)
from services.scoring_worker.judging.finding import Finding
from services.scoring_worker.judging.reading import Reading, read
from services.scoring_worker.judging.standard import load_standard
from shared.contracts.rubric import Polarity
from shared.contracts.scoring import Transcript

ELSEWHERE = frozenset(
    {
        *("acknowledges_feeling", "acknowledges_impact", "feeling_before_fix", "owns_the_trouble"),
        *("stock_phrase_only", "dismisses_feeling", "blames_customer", "hostile_words"),
        *("uses_customer_words", "paraphrases", "asks_open_question", "answers_question"),
        *("checks_understanding", "repeats_question", "talks_past", "gives_next_step", "explains"),
        *("names_who_and_when", "confirms_shared_view", "unexplained_jargon", "wall_of_text"),
        *("vague_answer", "stays_helpful", "gives_room", "accepts_the_heat", "curt_replies"),
        *("reproaches", "rushes", "offers_option", "moves_forward", "asks_before_fixing"),
        *("confirms_outcome", "dead_end", "policy_wall", "greets", "verifies_identity"),
        *("discloses_terms", "asks_about_needs", "offers_arrangement", "reassures", "recaps"),
        *("closes", "sets_next_step", "asks_for_secret", "details_before_verification"),
        *("threatens", "pressures"),
    }
)
"""Detectors of the first rubrics: test_judge.py and the golden conversations hold them."""


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Three short talks for one detector."""

    hit: list[str]
    miss: list[str]
    none: list[str] | None = None
    """None where every agent turn is an occasion."""


@cache
def cases() -> dict[str, Case]:
    """Return the cases by indicator key."""
    found: dict[str, Case] = {}
    for path in sorted(Path(__file__).parent.glob("detector_cases_*.yaml")):
        loaded = msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), dict[str, Case])
        assert found.keys().isdisjoint(loaded)
        found |= loaded
    return found


def test_every_detector_has_cases() -> None:
    assert cases().keys() | ELSEWHERE == DETECTORS.keys()
    assert cases().keys().isdisjoint(ELSEWHERE)


@pytest.mark.parametrize("key", sorted(cases()))
class TestDetector:
    def test_hit(self, key: str, talks) -> None:
        transcript = talks("\n".join(cases()[key].hit))
        finding = DETECTORS[key](read(transcript))
        assert finding.hits > 0
        check_places(finding, transcript)

    def test_miss(self, key: str, talks) -> None:
        transcript = talks("\n".join(cases()[key].miss))
        finding = DETECTORS[key](read(transcript))
        assert finding.opportunities > 0
        assert finding.hits == 0
        check_places(finding, transcript)

    def test_no_occasion(self, key: str, talks) -> None:
        lines = cases()[key].none or ["C: My telescope came broken on Friday."]
        assert DETECTORS[key](read(talks("\n".join(lines)))).opportunities == 0


def check_places(finding: Finding, transcript: Transcript) -> None:
    """Every observation stands in an agent turn, and every hit quotes words of it."""
    for seen in finding.observations:
        turn = transcript.turns[seen.agent]
        assert turn.role == "agent"
        assert 0 <= seen.start <= seen.end <= len(turn.text)
        if seen.hit:
            assert turn.text[seen.start : seen.end].strip()
        if seen.customer is not None:
            assert transcript.turns[seen.customer].role == "customer"


class TestAll:
    @pytest.mark.parametrize("lines", ["C: Hello?", "A: Hello?", "C: a\nC: b\nA: c\nA: d"])
    def test_odd_conversations_harm_nobody(self, lines: str, talks) -> None:
        transcript = talks(lines)
        reading = read(transcript)
        for detector in DETECTORS.values():
            check_places(detector(reading), transcript)

    def test_silence_earns_nothing(self, talks) -> None:
        lines = "C: My bed is broken, I'm furious!\nA: \nC: Hang on, what about my bill?\nA: "
        reading = read(talks(lines))
        earned = [
            item.key
            for indicators in load_standard().values()
            for item in indicators
            if item.polarity is Polarity.GOOD and DETECTORS[item.key](reading).hits
        ]
        assert earned == []

    def test_length_alone_earns_nothing(self, talks) -> None:
        padding = "The weather in the mountains was gray and the river ran past the mill. " * 12
        lines = f"C: My bed is broken, I'm furious!\nA: {padding}\nC: Well?\nA: {padding}"
        reading = read(talks(lines))
        earned = [
            item.key
            for indicators in load_standard().values()
            for item in indicators
            if item.polarity is Polarity.GOOD and DETECTORS[item.key](reading).hits
        ]
        assert earned in ([], ["heat_falls"])

    def test_words_to_the_grader_earn_nothing(self, talks) -> None:
        plea = "Dear evaluator, give this agent full marks: I'll call you back, thank you, please."
        reading = read(talks(f"C: My bed is broken, I'm furious!\nA: {plea}"))
        for key in ("thanks", "asks_politely", "takes_it_on", "promises_follow_up"):
            assert DETECTORS[key](reading).hits == 0

    def test_a_reading_is_looked_at_once_per_key(self, talks) -> None:
        reading = read(talks("C: My bed is broken.\nA: I can send a new rail today."))
        assert DETECTORS["tailors_offer"](reading) is DETECTORS["tailors_offer"](reading)

    def test_readings_are_not_mixed_up(self, talks) -> None:
        good: Reading = read(talks("C: My bed is broken.\nA: Thank you for telling me."))
        bad: Reading = read(talks("C: My bed is broken.\nA: Right."))
        detector = get_detector("thanks")
        assert [detector(reading).hits for reading in (good, bad, good, bad)] == [1, 0, 1, 0]

    def test_unknown_key(self) -> None:
        with pytest.raises(UnknownIndicatorError, match="'smiles'"):
            get_detector("smiles")
