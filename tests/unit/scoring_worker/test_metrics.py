"""Operational metrics against examples worked out by hand."""

import pytest

from services.scoring_worker.judging.arc import valence
from services.scoring_worker.judging.customer import read_customer
from services.scoring_worker.judging.judge import judge
from services.scoring_worker.judging.metrics import measure
from services.scoring_worker.judging.readability import syllables
from services.scoring_worker.judging.reading import read
from shared.contracts.dialogue import Act
from shared.contracts.scenario import Step
from shared.contracts.scoring import Metrics, Transcript, TranscriptTurn
from shared.dialogue.analyzer import analyze
from shared.library.rubrics import load_rubrics


def turn(n, role, text, start=None, end=None) -> TranscriptTurn:
    return TranscriptTurn(id=str(n), role=role, text=text, start_ms=start, end_ms=end)


def metrics(*turns: TranscriptTurn, language: str = "en", outcome=None) -> Metrics:
    transcript = Transcript(turns=turns, source="call", language=language, outcome=outcome)
    return measure(read(transcript), transcript)


def said(*lines: str) -> Metrics:
    """Measure lines of the agent and the customer by turns, the agent first."""
    roles = ("agent", "customer")
    return metrics(*(turn(n, roles[n % 2], text) for n, text in enumerate(lines)))


class TestTalk:
    def test_counted_by_hand(self):
        found = metrics(
            turn(0, "agent", "Good morning to you.", 500, 1500),
            turn(1, "agent", "What happened? And when?", 1600, 2500),
            turn(2, "customer", "My card is gone, since noon.", 2600, 4000),
            turn(3, "agent", "I see.", 4100, 4800),
        )
        assert found.talk_share == round(10 / 16, 4)
        assert found.question_rate == round(2 / 3, 4)
        assert found.longest_monologue_words == 8

    def test_open_questions_among_all(self):
        found = said(
            "What happened with the parcel?", "It is gone.", "Is it urgent? Can you wait?", "No."
        )
        assert found.open_question_share == round(1 / 3, 4)

    def test_what_cannot_be_known_is_none(self):
        found = metrics(turn(0, "customer", ""))
        assert found == Metrics(
            handle_time_s=None, talk_share=None, question_rate=None, longest_monologue_words=0
        )

    @pytest.mark.parametrize(
        ("text", "fillers"),
        [
            ("Um, I can, you know, send a new one, uh, today.", 3),
            ("I mean, it is like new, sort of.", 2),
            ("You know the way. I mean it. It is like that.", 0),
            ("Hmm. Well, like, no.", 2),
        ],
    )
    def test_fillers(self, text, fillers):
        words = len(text.split())
        assert said(text, "Fine.").fillers_per_100_words == round(100 * fillers / words, 2)


class TestTime:
    TURNS = (
        turn(0, "agent", "Hello there.", 0, 1000),
        turn(1, "customer", "My card is gone.", 1500, 3000),
        turn(2, "agent", "One two three four five six.", 3400, 5400),
        turn(3, "customer", "Yes.", 5500, 6000),
        turn(4, "agent", "Fine.", 5800, 6800),
        turn(5, "customer", "And now?", 7000, 7500),
        turn(6, "agent", "Wait.", 9500, 10000),
    )

    def test_handle_time_and_latency(self):
        found = metrics(*self.TURNS)
        assert found.handle_time_s == 10.0
        # 3.4 - 3.0, an overlap counted as 0, 9.5 - 7.5
        assert found.response_latency_median_s == 0.4
        assert found.response_latency_p90_s == 2.0

    def test_an_even_number_of_gaps_has_the_mean_of_the_middle_two(self):
        found = metrics(*self.TURNS[:5])
        assert found.response_latency_median_s == 0.2
        assert found.response_latency_p90_s == 0.4

    def test_pace_counts_the_agents_words_while_the_agent_talks(self):
        # 10 words in 1.0 + 2.0 + 1.0 + 0.5 seconds
        assert metrics(*self.TURNS).words_per_minute == round(10 / 4.5 * 60, 1)

    def test_a_turn_without_end_counts_with_its_start(self):
        found = metrics(turn(0, "customer", "Hi.", 1000), turn(1, "agent", "Hi.", 3000))
        assert found.handle_time_s == 2.0
        assert found.response_latency_median_s == 2.0
        assert found.words_per_minute is None

    def test_one_moment_for_all_turns_says_nothing(self):
        found = metrics(turn(0, "customer", "Hi.", 0, 0), turn(1, "agent", "Hi.", 0, 0))
        assert found.handle_time_s is None
        assert found.response_latency_median_s is None


class TestReadability:
    TEXT = "The new router will be with you by six today. I will call you."
    """14 words, 2 sentences, 16 syllables."""

    def test_flesch_and_kincaid(self):
        found = said(self.TEXT, "Fine.")
        assert found.reading_ease == round(206.835 - 1.015 * 7 - 84.6 * 16 / 14, 1)
        assert found.reading_grade == round(0.39 * 7 + 11.8 * 16 / 14 - 15.59, 1)

    def test_a_few_words_have_none(self):
        assert said("I will call you today.", "Fine.").reading_ease is None

    def test_english_only(self):
        assert metrics(turn(0, "agent", self.TEXT), language="de").reading_grade is None

    @pytest.mark.parametrize(
        ("word", "count"),
        [
            *(("make", 1), ("table", 2), ("called", 1), ("wanted", 2), ("boxes", 2), ("names", 1)),
            *(("video", 3), ("usual", 3), ("doing", 2), ("delivery", 4), ("people", 2)),
            *(("safely", 2), ("question", 2), ("serious", 3), ("idea", 3), ("quiet", 2)),
            *(("didn't", 2), ("don't", 1), ("every", 2), ("the", 1), ("immediately", 5)),
        ],
    )
    def test_syllables(self, word, count):
        assert syllables(word) == count


PARTS = {
    "greet": "Hello, this is Sam.",
    "check": "May I confirm your full name and date of birth?",
    "ask": "What happened with the parcel?",
    "sum": "To recap, I will send a new one on Monday.",
}


class TestProcess:
    STEPS = (
        Step(key="greet", title="greet", acts=(Act.GREET,)),
        Step(key="check", title="check", acts=(Act.VERIFY_IDENTITY,)),
        Step(key="ask", title="ask", acts=(Act.OPEN_QUESTION,)),
        Step(key="sum", title="sum up", acts=(Act.RECAP,)),
    )

    def measured(self, *keys: str, steps=STEPS) -> Metrics:
        turns = []
        for n, key in enumerate(keys):
            turns += [
                turn(2 * n, "agent", PARTS[key]),
                turn(2 * n + 1, "customer", "My parcel is lost and I need it."),
            ]
        rubric = next(spec for spec in load_rubrics() if spec.slug == "support")
        transcript = Transcript(turns=tuple(turns), source="chat")
        return judge(transcript, rubric, required_steps=steps).metrics

    def test_all_in_order(self):
        found = self.measured("greet", "check", "ask", "sum")
        assert (found.process_adherence, found.process_order) == (1.0, 1.0)

    def test_one_pair_of_six_out_of_order(self):
        # five pairs agree and one does not
        found = self.measured("greet", "ask", "check", "sum")
        assert found.process_order == round((1 + 4 / 6) / 2, 4)

    def test_what_is_missing_leaves_the_order_of_the_rest(self):
        found = self.measured("sum", "greet")
        assert (found.process_adherence, found.process_order) == (0.5, 0.0)

    def test_one_step_has_no_order(self):
        assert self.measured("greet").process_order is None

    def test_without_steps_the_rubrics_own_checks_count_by_weight(self):
        found = self.measured("greet", "check", "ask", "sum", steps=())
        assert found.process_adherence is not None
        assert 0 < found.process_adherence < 1
        assert found.process_order is None


class TestArc:
    def test_from_anger_to_thanks(self):
        # -60, -60, 0, 0, 40, 40: edges of three turns
        found = said(
            *("Hello.", "I am furious."),
            *("I see.", "I am really angry with you."),
            *("What happened?", "The parcel is at the green door."),
            *("And then?", "It was on Monday."),
            *("I will send one.", "That sounds good."),
            *("Anything else?", "Thank you."),
        ).customer_arc
        assert found is not None
        assert (found.start, found.end, found.change) == (-40, 27, 67)
        assert found.lowest == -60
        assert found.turns_to_half_peak == 2

    def test_anger_that_stays(self):
        found = said("Hello.", "The door is green.", "So?", "I am furious.").customer_arc
        assert found is not None
        assert (found.change, found.turns_to_half_peak) == (-60, None)

    def test_no_low_point_no_way_back(self):
        found = said("Hello.", "Thank you.", "So?", "Okay.").customer_arc
        assert found is not None
        assert (found.lowest, found.turns_to_half_peak) == (40, None)

    def test_one_turn_moves_nowhere(self):
        assert said("Hello.", "I am furious.").customer_arc is None

    @pytest.mark.parametrize(
        ("text", "level"),
        [("I am furious.", -60), ("Thank you.", 40), ("The door is green.", 0)],
    )
    def test_valence(self, text, level):
        assert valence(text, read_customer(text, analyze(text))) == level


@pytest.mark.parametrize(
    ("outcome", "resolved"), [("resolved", True), ("unresolved", False), (None, None)]
)
def test_first_contact_resolution_is_what_a_simulation_knows(outcome, resolved):
    found = metrics(turn(0, "agent", "Hello."), outcome=outcome)
    assert found.first_contact_resolution is resolved
