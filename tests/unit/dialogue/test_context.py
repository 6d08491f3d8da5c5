"""What the turns before change, topics, and several acts in one turn."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.dialogue import Act, Topic
from shared.dialogue.analyzer import analyze


class TestProbe:
    @pytest.mark.parametrize(
        ("said", "text"),
        [
            ("The washer hums.", "Does it hum all the time?"),
            ("They called me twice.", "Who called you?"),
            ("I got a message.", "What did it ask you to do?"),
            ("I can pay forty.", "Forty, starting when?"),
        ],
    )
    def test_a_question_into_the_case_probes(self, said: str, text: str):
        assert analyze(text, previous_customer=said).has(Act.PROBE)

    @pytest.mark.parametrize(
        ("said", "text"),
        [
            ("Hello?", "How can I help you today?"),
            ("My card is blocked.", "Could you confirm your date of birth?"),
            ("The washer hums.", "Shall I send a technician?"),
            ("The washer hums.", "Does that make sense?"),
            ("The washer hums.", "Are you deaf?"),
            ("", "What happened?"),
        ],
    )
    def test_questions_with_another_job_do_not(self, said: str, text: str):
        assert not analyze(text, previous_customer=said).has(Act.PROBE)

    def test_its_own_words_can_show_it(self):
        assert analyze("When exactly did the noise start?").has(Act.PROBE)


class TestRepeat:
    def test_the_same_meaningful_words_again_are_a_repetition(self):
        own = "The technician comes on Friday between eight and ten."
        again = "The technician comes Friday between eight and ten."
        assert analyze(again, previous_agent=own).has(Act.REPEAT)
        assert not analyze(again).has(Act.REPEAT)

    def test_other_words_are_none(self):
        own = "The technician comes on Friday."
        text = "The parcel was handed to your neighbor upstairs."
        assert not analyze(text, previous_agent=own).has(Act.REPEAT)

    def test_with_reproach_only_the_reproach_counts(self):
        analysis = analyze("Again: Friday at two. I've already told you that.")
        assert analysis.has(Act.REPROACH)
        assert not analysis.has(Act.REPEAT)


class TestAnswers:
    @pytest.mark.parametrize(
        ("said", "text", "act"),
        [
            ("Could you waive it just once?", "Not this time, no.", Act.REFUSE),
            ("Please read me her address.", "That stays with me.", Act.REFUSE),
            ("Did I break it?", "Nothing is broken.", Act.REASSURE),
            ("I'm scared for my savings.", "They are safe.", Act.REASSURE),
            ("And then?", "The roofer comes on Tuesday.", Act.NEXT_STEP),
            ("Is the cheap one any good?", "It does the job but it is loud.", Act.DISCLOSE),
            ("Did we forget something?", "Meter swapped, fee back, code deleted.", Act.RECAP),
        ],
    )
    def test_the_line_before_tells_what_a_statement_does(self, said: str, text: str, act: Act):
        assert analyze(text, previous_customer=said).has(act)

    @pytest.mark.parametrize(
        ("said", "text", "act"),
        [
            ("The washer hums.", "Not this time, no.", Act.REFUSE),
            ("Could you waive it?", "No problem at all.", Act.REFUSE),
            ("I'm scared.", "I can't see it here.", Act.REASSURE),
            ("And then?", "The roofer came on Tuesday.", Act.NEXT_STEP),
            ("What happened?", "Meter swapped, fee back, code deleted.", Act.RECAP),
        ],
    )
    def test_without_cue_or_sign_it_does_not(self, said: str, text: str, act: Act):
        assert not analyze(text, previous_customer=said).has(act)


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("Nobody will want your password.", Act.VERIFY_IDENTITY),
        ("They had your name and your address.", Act.VERIFY_IDENTITY),
        ("First I have to ask you to confirm your order.", Act.RECAP),
        ("Is there anything else I should know?", Act.CLOSE),
        ("What else should I know, so that I get this right for you?", Act.OFFER),
        ("Good question.", Act.PRAISE),
    ],
)
def test_lookalikes_end_and_prove_nothing(text: str, act: Act):
    assert not analyze(text).has(act)


class TestParaphrase:
    def test_a_fragment_of_the_customers_words_is_one(self):
        said = "I can pay maybe 40 a month."
        assert analyze("Forty a month, okay.", previous_customer=said).has(Act.PARAPHRASE)

    def test_a_number_alone_is_none(self):
        assert not analyze("Forty, okay.", previous_customer="40?").has(Act.PARAPHRASE)


@pytest.mark.parametrize(
    ("text", "act", "topic"),
    [
        ("I can refund the fee.", Act.OFFER, Topic.MONEY),
        ("You sound worried.", Act.ACKNOWLEDGE_FEELING, Topic.FEELING),
        ("Could you confirm your date of birth?", Act.VERIFY_IDENTITY, Topic.IDENTITY),
        ("I'll transfer you to billing.", Act.HAND_OVER, Topic.PEOPLE),
        ("Our policy says no.", Act.CITE_POLICY, Topic.RULES),
        ("Did the courier bring the parcel?", Act.CLOSED_QUESTION, Topic.DELIVERY),
        ("I can refund the fee by Friday.", Act.OFFER, Topic.MONEY),
        ("I can do that tomorrow. It concerns the parcel.", Act.OFFER, Topic.TIME),
        ("That isn't allowed. The parcel is gone.", Act.REFUSE, Topic.RULES),
        ("Goodbye.", Act.CLOSE, None),
        ("Is it?", Act.CLOSED_QUESTION, None),
    ],
)
def test_topics_follow_the_words(text: str, act: Act, topic: Topic | None):
    assert {span.topic for span in analyze(text).acts if span.act is act} == {topic}


@pytest.mark.parametrize(
    ("text", "acts"),
    [
        (
            "I'm sorry we lost it. I'll call you by five, and I can credit $20.",
            {Act.APOLOGIZE, Act.NEXT_STEP, Act.OFFER},
        ),
        (
            "You should have read the letter. Sign now or we'll take you to court.",
            {Act.BLAME, Act.THREATEN},
        ),
        ("I can't refund it, but I can send a new one.", {Act.REFUSE, Act.OFFER}),
        ("I can send it or you pick it up, whichever suits you.", {Act.OFFER, Act.OFFER_CHOICE}),
        ("May I have your postcode?", {Act.CLOSED_QUESTION, Act.VERIFY_IDENTITY}),
    ],
)
def test_one_turn_may_hold_several(text: str, acts: set[Act]):
    assert acts <= {span.act for span in analyze(text).acts}


@pytest.mark.parametrize(
    ("text", "special", "general"),
    [
        ("I'll waive all of it.", Act.GIVE_AWAY, Act.OFFER),
        ("Sorry for the inconvenience.", Act.STOCK_EMPATHY, Act.APOLOGIZE),
        ("Hold on, hold on, listen.", Act.INTERRUPT, Act.HOLD),
        ("I'm so sorry about your dad.", Act.ACKNOWLEDGE_FEELING, Act.APOLOGIZE),
    ],
)
def test_the_special_act_replaces_the_general_one(text: str, special: Act, general: Act):
    analysis = analyze(text)
    assert analysis.has(special)
    assert not analysis.has(general)


@pytest.mark.parametrize("text", ["dont worry", "Don't worry", "don\u2019t worry"])
def test_apostrophes_may_be_missing_or_curly(text: str):
    assert analyze(text).has(Act.REASSURE)


@given(st.text(max_size=300), st.none() | st.text(max_size=80), st.none() | st.text(max_size=80))
@settings(max_examples=100, deadline=None)
def test_any_text_before_and_now_is_read(text: str, customer: str | None, agent: str | None):
    analysis = analyze(text, previous_customer=customer, previous_agent=agent)
    for span in analysis.acts:
        assert 0 <= span.start < span.end <= len(text)
        assert text[span.start : span.end].strip()
