import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.dialogue import Act, TurnAnalysis
from shared.dialogue.analyzer import analyze
from shared.dialogue.segments import content_stems, fold, mentions, sentences
from shared.dialogue.valence import customer_valence


def _shown(text: str, act: Act, *, previous_customer: str | None = None) -> list[str]:
    analysis = analyze(text, previous_customer=previous_customer)
    return [text[span.start : span.end] for span in analysis.acts if span.act is act]


class TestActs:
    @pytest.mark.parametrize(
        ("text", "act", "words"),
        [
            ("Hello, this is Sam speaking.", Act.GREET, "Hello"),
            ("Thanks for that.", Act.THANK, "Thanks"),
            ("You sound really worried.", Act.ACKNOWLEDGE_FEELING, "You sound really worried"),
            ("No wonder, that left you alone.", Act.ACKNOWLEDGE_IMPACT, "that left you"),
            ("I understand your frustration.", Act.STOCK_EMPATHY, "I understand your frustration"),
            ("I am so sorry.", Act.APOLOGIZE, "sorry"),
            ("That's our mistake.", Act.TAKE_OWNERSHIP, "our mistake"),
            ("You should have read it.", Act.BLAME, "You should have read"),
            ("Okay, calm down.", Act.DISMISS, "calm down"),
            (
                "So what you're saying is that it broke?",
                Act.PARAPHRASE,
                "So what you're saying",
            ),
            ("Does that make sense?", Act.CHECK_UNDERSTANDING, "Does that make sense"),
            ("It is late because the van broke down.", Act.EXPLAIN, "because"),
            ("The RMA is open.", Act.JARGON, "RMA"),
            ("Our policy says no.", Act.CITE_POLICY, "Our policy"),
            ("I can offer you a refund.", Act.OFFER, "I can offer"),
            ("Please hold, one moment.", Act.HOLD, "Please hold"),
            ("Just answer yes or no.", Act.RUSH, "yes or no"),
            ("As I already told you, it is gone.", Act.REPROACH, "As I already told"),
            ("We will take you to court.", Act.THREATEN, "We will take you to court"),
            ("You're being childish.", Act.INSULT, "You're being childish"),
            (
                "May I confirm your date of birth?",
                Act.VERIFY_IDENTITY,
                "confirm your date of birth",
            ),
            ("This call is recorded.", Act.DISCLOSE, "This call is recorded"),
            ("You need to decide today.", Act.PRESSURE, "You need to decide today"),
            ("To recap, two things.", Act.RECAP, "To recap"),
            ("You're not in trouble.", Act.REASSURE, "You're not in trouble"),
            ("Goodbye.", Act.CLOSE, "Goodbye"),
        ],
    )
    def test_the_words_of_an_act_are_its_evidence(self, text: str, act: Act, words: str):
        assert _shown(text, act) == [words]

    def test_several_acts_in_one_turn_keep_their_order(self):
        text = "I'm sorry. We got this wrong. What happened on Friday?"
        acts = [span.act for span in analyze(text).acts]
        assert acts == [Act.APOLOGIZE, Act.TAKE_OWNERSHIP, Act.OPEN_QUESTION]

    @pytest.mark.parametrize(
        ("text", "act"),
        [
            ("I'm not sorry.", Act.APOLOGIZE),
            ("I can't offer a refund.", Act.OFFER),
            ("I won't send anything.", Act.NEXT_STEP),
            ("I do not apologize.", Act.APOLOGIZE),
            ("What would you like me to do?", Act.OFFER),
            ("I'll take care of it.", Act.CLOSE),
            ("You have my name if anything isn't as I said.", Act.REPROACH),
            ("Let me make sure I understood you.", Act.NEXT_STEP),
            ("What I can do is send a new one.", Act.OPEN_QUESTION),
            ('He said "calm down" to you?', Act.DISMISS),
            ("So you need to pay now.", Act.PARAPHRASE),
            ("The PIN is safe.", Act.JARGON),
            ("I AM SO SORRY ABOUT THIS.", Act.JARGON),
            ("The SLA, which means the promised time, was missed.", Act.JARGON),
            ("I want to get this right.", Act.CHECK_UNDERSTANDING),
        ],
    )
    def test_lookalikes_are_not_the_act(self, text: str, act: Act):
        assert not analyze(text).has(act)

    @pytest.mark.parametrize(
        ("text", "act"),
        [
            ("What happened then?", Act.OPEN_QUESTION),
            ("I want to help, so what happened then?", Act.OPEN_QUESTION),
            ("Can you tell me what happened", Act.OPEN_QUESTION),
            ("Tell me more about the fees.", Act.OPEN_QUESTION),
            ("Is it paid?", Act.CLOSED_QUESTION),
            ("did you get the box", Act.CLOSED_QUESTION),
            ("What time does the bank shut?", Act.CLOSED_QUESTION),
            ("You paid twice?", Act.CLOSED_QUESTION),
        ],
    )
    def test_open_and_closed_questions(self, text: str, act: Act):
        analysis = analyze(text)
        assert analysis.questions == 1
        assert {span.act for span in analysis.acts} & {
            Act.OPEN_QUESTION,
            Act.CLOSED_QUESTION,
        } == {act}

    def test_a_question_that_does_another_job_is_counted_but_not_called_closed(self):
        analysis = analyze("Would you like me to send it again?")
        assert analysis.questions == 1
        assert not analysis.has(Act.CLOSED_QUESTION)
        assert analysis.has(Act.OFFER)

    def test_a_promise_is_a_next_step_only_with_its_time(self):
        text = "I'll call you by five."
        [dated] = [span for span in analyze(text).acts if span.act is Act.NEXT_STEP]
        assert dated.strength == 3
        assert not analyze("I'll call you.").has(Act.NEXT_STEP)

    def test_a_stock_phrase_that_names_the_case_is_no_longer_stock(self):
        said = "I missed my daughter's concert because your plumber never came."
        stock = analyze("I understand your frustration.", previous_customer=said)
        real = analyze(
            "I understand your frustration about the concert and the plumber.",
            previous_customer=said,
        )
        assert stock.has(Act.STOCK_EMPATHY)
        assert not real.has(Act.STOCK_EMPATHY)
        assert real.has(Act.ACKNOWLEDGE_IMPACT)

    def test_taking_up_the_other_speakers_words_is_a_paraphrase(self):
        said = "The plumber never came and the kitchen flooded on Sunday."
        reply = "You had the kitchen flooded on Sunday, and no plumber."
        assert _shown(reply, Act.PARAPHRASE, previous_customer=said) == [reply]
        assert _shown(reply, Act.PARAPHRASE) == []

    def test_curly_apostrophes_read_like_straight_ones(self):
        straight = analyze("That's our mistake, you're right to be upset.")
        curly = analyze("That\u2019s our mistake, you\u2019re right to be upset.")
        assert straight == curly


class TestCounts:
    def test_words_sentences_and_questions(self):
        analysis = analyze("Hi, Mr. Lee. Is $9.50 right? Okay...")
        assert (analysis.words, analysis.sentences, analysis.questions) == (8, 3, 1)

    @pytest.mark.parametrize("text", ["", " ", "\n\n", "\u200b", "?!", "…"])
    def test_text_without_words_has_no_acts(self, text: str):
        analysis = analyze(text)
        assert analysis.acts == ()
        assert analysis.words == 0


def _check_spans(text: str, analysis: TurnAnalysis) -> None:
    assert all(0 <= span.start < span.end <= len(text) for span in analysis.acts)
    assert all(text[span.start : span.end].strip() for span in analysis.acts)
    assert all(1 <= span.strength <= 3 for span in analysis.acts)
    starts = [span.start for span in analysis.acts]
    assert starts == sorted(starts)


_FRAGMENTS = st.sampled_from(
    [
        "I'm sorry",
        "you",
        "we will",
        "İ",
        "ß",
        "?",
        ". ",
        "…",
        "not ",
        '"',
        "\u2019",
        "SLA",
        " ",
        "what",
    ]
)


class TestAnyText:
    @given(st.text(max_size=400), st.none() | st.text(max_size=80))
    @settings(max_examples=150, deadline=None)
    def test_spans_lie_inside_any_text(self, text: str, previous: str | None):
        _check_spans(text, analyze(text, previous_customer=previous))

    @given(st.lists(_FRAGMENTS, max_size=40))
    @settings(max_examples=150, deadline=None)
    def test_spans_lie_inside_fragments_of_speech(self, parts: list[str]):
        text = "".join(parts)
        _check_spans(text, analyze(text, previous_customer=text))

    @pytest.mark.parametrize(
        "text",
        ["i'm " * 2000, "you have " * 890, "?" * 8000, '"' * 8000, "i " * 4000],
    )
    def test_long_text_is_read_to_the_end(self, text: str):
        analysis = analyze(text)
        _check_spans(text, analysis)
        assert analysis.words == len(text.split()) * (text[0].isalpha())

    @given(st.text(max_size=200))
    def test_folding_keeps_every_position(self, text: str):
        assert len(fold(text)) == len(text)

    @given(st.text(max_size=300))
    def test_sentences_do_not_overlap_and_lose_no_word(self, text: str):
        spans = list(sentences(text))
        edges = [edge for span in spans for edge in span]
        assert edges == sorted(edges)
        kept = "".join("".join(text[start:end].split()) for start, end in spans)
        assert kept == "".join(text.split())


class TestWords:
    def test_a_topic_is_the_beginning_of_a_word(self):
        assert mentions("About the DELIVERIES, please", ("deliver",))
        assert not mentions("An undelivered box", ("deliver",))
        assert mentions("get this right for you", ("right for you",))
        assert not mentions("anything", ())

    def test_content_stems_leave_out_small_words(self):
        assert content_stems("The plumber never came on Sunday") == {"plumb", "came", "sunda"}

    @pytest.mark.parametrize(
        ("text", "low", "high"),
        [
            ("This is a ridiculous, useless joke.", -100, -50),
            ("Thank you, that helps, great.", 50, 100),
            ("The box is on the table.", 0, 0),
            ("I'm not happy.", -100, -1),
            ("", 0, 0),
        ],
    )
    def test_valence_follows_the_words(self, text: str, low: int, high: int):
        assert low <= customer_valence(text) <= high
