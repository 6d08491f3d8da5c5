"""The manners, the light and the shape of a turn, whatever it is about."""

import pytest

from services.scoring_worker.judging.behaviors.style import (
    style_features,
    style_matches,
    style_meanings,
)
from services.scoring_worker.judging.behaviors.style_lexicon import lexicon
from services.scoring_worker.judging.behaviors.utterance import Utterance, words_of
from shared.contracts.dialogue import TurnAnalysis

NOTHING = TurnAnalysis(acts=(), words=0, sentences=0, questions=0)


def style(text: str) -> dict[str, float]:
    """Return the style features of a text, without their prefix."""
    turn = Utterance(text=text, tokens=words_of(text), analysis=NOTHING)
    return {name.removeprefix("s:"): value for name, value in style_features(turn).items()}


class TestManners:
    @pytest.mark.parametrize(
        ("text", "manner"),
        [
            ("Thank you for waiting.", "gratitude"),
            ("Thanks for the quick reply.", "thanks_warmly"),
            ("I'm so sorry about that.", "apology"),
            ("Hi there, how are you?", "greeting"),
            ("Please send the form.", "please_first"),
            ("Could you please send it?", "please_inside"),
            ("Would you mind holding for a moment?", "asks_softly"),
            ("Why didn't you call us?", "why_you"),
            ("You never read the letter.", "accuses"),
            ("That is ridiculous.", "harsh"),
            ("Great work on the garden!", "praises_work"),
            ("I'd be happy to look into it.", "offers_help"),
            ("I completely agree with that.", "agrees_fully"),
            ("I see your point about the cost.", "takes_up"),
            ("Perhaps it might help.", "hedges"),
            ("However, the river froze.", "opens_with_but"),
            ("I disagree with the plan.", "disagrees"),
            ("Hopefully the rain will pass.", "hope"),
            ("At least the roof is dry.", "bright_turn"),
            ("Ugh, I hate mornings.", "awful"),
            ("You're on the right track!", "cheers_on"),
        ],
    )
    def test_found(self, text: str, manner: str) -> None:
        assert style(text)[manner] > 0

    @pytest.mark.parametrize(
        ("text", "manner"),
        [
            ("The box would please her.", "please_first"),
            ("The garden is green.", "gratitude"),
            ("He said hello to the driver.", "greeting"),
            ("It rained, however, all day.", "opens_with_but"),
        ],
    )
    def test_not_found(self, text: str, manner: str) -> None:
        assert manner not in style(text)

    def test_again_is_more_but_not_twice_as_much(self) -> None:
        once, twice = style("Thanks.")["gratitude"], style("Thanks. Thanks.")["gratitude"]

        assert once < twice < 2 * once


class TestLight:
    @pytest.mark.parametrize(
        ("brighter", "darker"),
        [
            ("What a wonderful day.", "What a good day."),
            ("What a good day.", "It was not a good day."),
            ("It was not a bad day.", "It was a bad day."),
            ("It was a bad day.", "It was a terrible day."),
        ],
    )
    def test_order(self, brighter: str, darker: str) -> None:
        assert style(brighter).get("first_light", 0) > style(darker).get("first_light", 0)

    def test_turn_after_but(self) -> None:
        found = style("The walk was awful, but the view was amazing.")

        assert found["light_before_but"] < 0 < found["light_after_but"]
        assert found["brightens"] > 0

    def test_other_way_round(self) -> None:
        found = style("The view was amazing, but the walk was awful.")

        assert found["light_after_but"] < 0 < found["light_before_but"]
        assert found["brightens"] < 0


class TestShape:
    def test_questions(self) -> None:
        found = style("What happened? The lamp broke.")

        assert found["opens_asking"] == 1.0
        assert found["question_share"] == 0.5
        assert "ends_asking" not in found
        assert found["begins_wh"] == found["questions"]

    def test_marks(self) -> None:
        loud = style("STOP THAT NOISE!! Now!")

        assert loud["shouts"] > 0
        assert loud["double_marks"] == 1.0
        assert "shouts" not in style("Stop that noise. Now.")


class TestSpelling:
    """Register is no behavior: how a sentence is spelled must not change what is found."""

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("I'm sorry, I don't know.", "I am sorry, I do not know."),
            ("Thanks, you're right.", "thanks, youre right."),
            ("I apologise for that.", "I apologize for that."),
            ("Could you please wait?", "Could u pls wait?"),
            ("Well, I agree, it works.", "Well I agree it works"),
            ("Sam was kind to me.", "Lakshmi was kind to me."),
        ],
    )
    def test_same_features(self, one: str, other: str) -> None:
        assert style(one) == pytest.approx(style(other), abs=0.02)


class TestMatches:
    def test_places_of_the_words(self) -> None:
        tokens = words_of("Well, thank you for waiting.")
        found = [span for name, *span in style_matches(tokens) if name == "s:thanks_warmly"]

        assert [tokens[start:end] for start, end in found] == [("thank", "you", "for")]


class TestDocumentation:
    def test_every_feature_has_a_meaning(self) -> None:
        texts = [manner.says.replace("^", "") for manner in lexicon().manners.values()]
        seen = {name for text in texts for name in style(f"What is it? {text} but {text}!!")}

        assert {f"s:{name}" for name in seen} <= set(style_meanings())
        assert len(seen) > 80

    def test_every_manner_can_be_found(self) -> None:
        for name, manner in lexicon().manners.items():
            first = manner.says.split(",")[0].replace("^", "").strip()
            assert name in style(first), first


@pytest.mark.parametrize("text", ["", "   ", "?!", "123", "...", "🙂"])
def test_no_words_is_no_failure(text: str) -> None:
    assert all(name in style_meanings() for name in (f"s:{key}" for key in style(text)))
