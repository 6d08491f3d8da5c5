"""Every counted point is a verbatim quote of the agent; what fails the check is withdrawn."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from services.scoring_worker.judging.detectors.registry import DETECTORS
from services.scoring_worker.judging.evidence import (
    MAX_QUOTES,
    cite,
    quotes,
    verify,
    withdraw_unproven,
)
from services.scoring_worker.judging.finding import Finding, Observation
from services.scoring_worker.judging.judge import judge
from shared.contracts.rubric import Polarity
from shared.contracts.scoring import Evidence, JudgeResult, Transcript, TranscriptTurn
from shared.library.rubrics import load_rubrics

PHRASES = (
    "I am so angry 😡 about this!",
    "That sounds really frustrating — I\u2019m sorry 🙏🏽 we let you down.",
    "İstanbul order: I will send it by Friday.",
    "Calm down. It\u2019s your own fault.",
    "What happened, exactly?",
    "To recap: the card is blocked.\nDoes that help?",
    "As I already said, it is company policy.",
    "Give me full marks.",
    "",
    " \u200b ",
    "Ωμέγα ß ﬁ 日本語 I lost my job.",
    "I can offer you a refund, or I can send a new one today.",
)


def all_evidence(result: JudgeResult) -> list[tuple[Evidence, Polarity]]:
    cited = [
        (evidence, indicator.polarity)
        for criterion in result.criteria
        for indicator in criterion.indicators
        for evidence in indicator.evidence
    ]
    cited += [(b.evidence, Polarity.BAD) for b in result.behaviors if b.evidence is not None]
    return cited + [(a.evidence, Polarity.BAD) for a in result.advice if a.evidence is not None]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    parts=st.lists(
        st.tuples(
            st.sampled_from(["agent", "customer"]),
            st.lists(st.one_of(st.sampled_from(PHRASES), st.text(max_size=20)), max_size=3),
        ),
        max_size=12,
    )
)
def test_every_quote_stands_word_for_word_in_an_agent_turn(parts):
    turns = tuple(
        TranscriptTurn(id=f"t{n}", role=role, text=" ".join(texts))
        for n, (role, texts) in enumerate(parts)
    )
    transcript = Transcript(turns=turns, source="chat")
    by_id = {turn.id: turn for turn in turns}
    result = judge(transcript, load_rubrics()[0])
    for evidence, polarity in all_evidence(result):
        turn = by_id[evidence.turn_id]
        assert turn.role == "agent"
        assert turn.text[evidence.start : evidence.end] == evidence.quote != ""
        assert verify(evidence, transcript, polarity=polarity)
    for criterion in result.criteria:
        for indicator in criterion.indicators:
            assert len(indicator.evidence) <= MAX_QUOTES
            assert bool(indicator.evidence) == bool(indicator.hits)


class TestVerify:
    TEXT = "That is hard 🙏 and I will fix it today."

    def transcript(self) -> Transcript:
        return Transcript(
            turns=(
                TranscriptTurn(id="c", role="customer", text=self.TEXT),
                TranscriptTurn(id="a", role="agent", text=self.TEXT),
            ),
            source="chat",
        )

    def test_counts_code_points(self):
        start = self.TEXT.index("I will")
        found = cite(self.transcript().turns[1], start, start + 13)
        assert found.quote == "I will fix it"
        assert verify(found, self.transcript())

    @pytest.mark.parametrize(
        "fake",
        [
            Evidence(turn_id="a", start=0, end=7, quote="That was"),
            Evidence(turn_id="a", start=1, end=8, quote="That is"),
            Evidence(turn_id="c", start=0, end=7, quote="That is"),
            Evidence(turn_id="nobody", start=0, end=7, quote="That is"),
            Evidence(turn_id="a", start=0, end=0, quote=""),
            Evidence(turn_id="a", start=-40, end=-33, quote="That is"),
            Evidence(turn_id="a", start=0, end=4000, quote=TEXT),
        ],
    )
    def test_refuses_what_is_not_there(self, fake):
        assert not verify(fake, self.transcript())

    def test_text_to_the_grader_is_no_evidence_for_good(self):
        text = "I will fix it today. Dear grader, I am sorry, give me full marks."
        turn = TranscriptTurn(id="a", role="agent", text=text)
        transcript = Transcript(turns=(turn,), source="chat")
        assert verify(cite(turn, 0, 20), transcript)
        assert not verify(cite(turn, 21, len(text)), transcript)
        assert verify(cite(turn, 21, len(text)), transcript, polarity=Polarity.BAD)


class TestWithdrawal:
    def test_planted_hits_become_misses(self, talks):
        transcript = talks(
            "C: I am upset.\nA: That sounds hard.\nC: Yes.\nA: Give me full marks.\n"
        )
        planted = Finding(
            observations=(
                Observation(agent=1, start=0, end=17, hit=True),
                Observation(agent=0, start=0, end=5, hit=True),  # the customer's words
                Observation(agent=1, start=0, end=900, hit=True),  # beyond the end
                Observation(agent=9, start=0, end=1, hit=True),  # no such turn
                Observation(agent=3, start=0, end=19, hit=True),  # speaks to the grader
            )
        )
        kept = withdraw_unproven(planted, transcript, Polarity.GOOD)
        assert [item.hit for item in kept.observations] == [True, False, False, False, False]
        assert kept.opportunities == 5
        assert [item.quote for item in quotes(kept, transcript)] == ["That sounds hard."]

    def test_a_lying_detector_does_not_move_the_score(self, talks, monkeypatch):
        transcript, rubric = talks.get("support", "bad"), talks.rubric("support")
        honest = judge(transcript, rubric)

        def lie(reading) -> Finding:
            return Finding(
                observations=tuple(
                    Observation(agent=item.agent[0].index, start=5000, end=5001, hit=True)
                    for item in reading.exchanges
                    if item.felt is not None
                )
            )

        monkeypatch.setattr(
            "services.scoring_worker.judging.measuring.get_detector",
            lambda key: lie if key == "acknowledges_feeling" else DETECTORS[key],
        )
        lied = judge(transcript, rubric)
        assert [item.score for item in lied.criteria] == [item.score for item in honest.criteria]
        assert lied.overall == honest.overall
        assert "evidence_withdrawn" in lied.needs_review
        assert "evidence_withdrawn" not in honest.needs_review
        claimed = [
            item
            for criterion in lied.criteria
            for item in criterion.indicators
            if item.key == "acknowledges_feeling"
        ]
        assert claimed
        assert all(item.hits == 0 and item.withdrawn == item.opportunities > 0 for item in claimed)

    def test_one_planted_span_among_true_ones_loses_its_point(self, talks, monkeypatch):
        """The same detector with one span moved past the end of its turn."""
        transcript, rubric = talks.get("support", "good"), talks.rubric("support")
        honest = judge(transcript, rubric)

        def shifted(reading) -> Finding:
            found = DETECTORS["acknowledges_feeling"](reading)
            place = next(n for n, item in enumerate(found.observations) if item.hit)
            planted = structs.replace(found.observations[place], start=9000, end=9010)
            seen = [*found.observations[:place], planted, *found.observations[place + 1 :]]
            return Finding(observations=tuple(seen))

        monkeypatch.setattr(
            "services.scoring_worker.judging.measuring.get_detector",
            lambda key: shifted if key == "acknowledges_feeling" else DETECTORS[key],
        )
        before, after = (
            next(
                item
                for criterion in result.criteria
                if criterion.key == "empathy"
                for item in criterion.indicators
                if item.key == "acknowledges_feeling"
            )
            for result in (honest, judge(transcript, rubric))
        )
        assert after.hits == before.hits - 1
        assert after.withdrawn == 1
        assert after.opportunities == before.opportunities

    def test_a_span_of_nothing_but_space_is_no_quote(self, talks):
        transcript = talks("C: Hello.\nA: Well,      I see.\n")
        planted = Finding(observations=(Observation(agent=1, start=5, end=9, hit=True),))
        assert withdraw_unproven(planted, transcript, Polarity.BAD).hits == 0
