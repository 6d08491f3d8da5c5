"""Advice rests on quotes that show something, at the turn where it shows."""

import pytest

from services.scoring_worker.judging.customer import read_customer
from services.scoring_worker.judging.judge import judge, raw_points
from services.scoring_worker.judging.words import is_telling
from shared.dialogue.analyzer import analyze

OFFER = "I can send a new router by courier this evening."


def _hits(result, key: str) -> tuple[int, int]:
    found = next(i for c in result.criteria for i in c.indicators if i.key == key)
    return found.hits, found.opportunities


class TestRepeats:
    TALK = (
        "C: My router is broken and I have had no internet for four days.\nA: Hello, that is a"
        " nuisance.\nC: So what about my router?\nA: {first}\nC: I am not convinced about that"
        " courier.\nA: {second}\nC: That leaves my office without internet.\nA: {third}\n"
    )

    def test_the_same_offer_counts_once(self, talks):
        rubric = talks.rubric("support")
        loop = talks(
            self.TALK.format(first=OFFER, second=f"So again: {OFFER}", third=f"Well, {OFFER}")
        )
        once = talks(self.TALK.format(first=OFFER, second="Okay, I see.", third="Right, fine."))
        assert _hits(judge(loop, rubric), "offers_option")[0] == 1
        assert raw_points(loop, rubric)["solving"] <= raw_points(once, rubric)["solving"] + 20

    def test_another_offer_counts_again(self, talks):
        talk = talks(
            self.TALK.format(
                first=OFFER,
                second="I can put a mobile hotspot on your account at no cost.",
                third="I can book a technician for tomorrow morning.",
            )
        )
        assert _hits(judge(talk, talks.rubric("support")), "offers_option")[0] == 3

    def test_asking_before_the_first_offer_is_no_missed_offer(self, talks):
        talk = talks(
            self.TALK.format(first="What happened before that?", second=OFFER, third="Okay, fine.")
        )
        assert _hits(judge(talk, talks.rubric("support")), "offers_option")[1] == 3


class TestBinding:
    def test_nothing_is_owed_after_thanks(self, talks):
        talk = talks(
            "C: Somebody took money from my card and I am scared.\n"
            "A: I have blocked the card. Your money is safe.\n"
            "C: What a relief, thank you.\nA: You're welcome, it is all done on my side.\n"
            "C: I am still worried about my rent payment tomorrow.\nA: The account stays open.\n"
        )
        advice = judge(talk, talks.rubric("fraud")).advice
        assert not [item for item in advice if "What a relief" in item.text]

    @pytest.mark.parametrize("role", ["support", "sales", "fraud", "collections"])
    @pytest.mark.parametrize("quality", ["good", "average"])
    def test_praise_quotes_something_telling(self, talks, role, quality):
        for item in judge(talks.get(role, quality), talks.rubric(role)).advice:
            assert item.evidence is not None
            if item.kind == "strength":
                assert is_telling(item.evidence.quote)

    @pytest.mark.parametrize("quote", ["Okay.", "All right, I see.", "Thank you, 2 0 4 1 7.", ""])
    def test_an_acknowledgment_tells_nothing(self, quote):
        assert not is_telling(quote)


class TestCustomer:
    @pytest.mark.parametrize(
        ("text", "settled"),
        [
            ("What a relief, thank you.", True),
            ("Okay.", True),
            ("Yes, let's do that.", True),
            ("Thank you, but when does it come?", False),
            ("Thanks for nothing, I am furious.", False),
            ("The parcel is at a green door.", False),
        ],
    )
    def test_settled(self, text, settled):
        assert read_customer(text, analyze(text)).settled is settled

    @pytest.mark.parametrize(
        "text", ["I haven't slept in three nights.", "I've been awake half the night."]
    )
    def test_a_sleepless_customer_has_a_feeling(self, text):
        assert read_customer(text, analyze(text)).feeling is not None
