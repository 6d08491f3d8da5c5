"""Fitted behaviors: tokens, features, strengths and their reasons."""

import msgspec
import pytest

from infra.fit.shipping import version_of
from services.scoring_worker.judging.behaviors.features import features, word_features
from services.scoring_worker.judging.behaviors.model import (
    Model,
    Weights,
    load_behaviors,
    load_model,
)
from services.scoring_worker.judging.behaviors.utterance import (
    tokens_of,
    utterances,
    words_of,
)
from shared.library.skills import load_skills


class TestWords:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("I'm sure you don't.", ("i", "am", "sure", "you", "do", "not", ".")),
            ("Im sure you dont.", ("i", "am", "sure", "you", "do", "not", ".")),
            ("I ' m here", ("i", "am", "here")),
            ("Sam's it's", ("sam", "it", "is")),
            ("That\u2019s 12.50!", ("that", "is", "0", "!")),
            ("Ok\u2026", ("okay", "...")),
        ],
    )
    def test_spellings_that_mean_the_same_are_one(self, text, words) -> None:
        assert words_of(text) == words

    def test_tokens_know_their_places(self) -> None:
        text = "Well, I can't!"
        found = list(tokens_of(text))
        assert tuple(token.word for token in found) == words_of(text)
        assert [text[token.start : token.end] for token in found][-3:] == ["can't", "can't", "!"]


class TestUtterances:
    def test_heard_and_before(self) -> None:
        turns = [("c", "One."), ("c", "Two."), ("a", "Three."), ("a", "Four."), ("c", "Five.")]
        first, second = utterances(turns, "a")
        assert (first.heard, first.before, first.number, first.of) == ("One.\nTwo.", "", 0, 2)
        assert (second.heard, second.before, second.number) == ("", "Three.", 1)


class TestFeatures:
    def test_words_and_pairs_have_length_one_and_silent_marks_do_not_count(self) -> None:
        found = word_features(words_of("So, you said so. Why?"))
        assert {name for name in found if name.startswith("w:")} == {
            "w:so",
            "w:you",
            "w:said",
            "w:why",
            "w:?",
        }
        assert {name for name in found if name.startswith("b:")} == {
            "b:^ so", "b:you said", "b:said so", "b:^ why", "b:why ?"
        }  # fmt: skip
        for kind in ("w:", "b:"):
            assert sum(v * v for k, v in found.items() if k.startswith(kind)) == pytest.approx(1)

    def test_nothing_said_is_no_error(self) -> None:
        (empty,) = utterances([("a", "")], "a")
        assert not any(name[:2] in {"w:", "b:", "a:"} for name in features(empty))
        assert load_model().of_conversation([empty]).keys() == load_model().of_turn(empty).keys()


class TestModel:
    def test_a_strength_is_bias_plus_weighted_features_and_mixtures(self) -> None:
        model = Model(
            Weights(
                version="x",
                behaviors=("one", "two"),
                biases=(0.5, 0.25),
                features={"w:please": (0, 2.0, 1, 1.0)},
                mixed={"two": {"one": 10.0}},
            )
        )
        (said,) = utterances([("a", "please")], "a")
        assert model.of_turn(said) == {"one": 2.5, "two": 26.25}

    def test_a_conversation_is_the_mean_of_its_turns(self) -> None:
        turns = [
            ("c", "It is broken."),
            ("a", "Thank you, I see."),
            ("c", "Well?"),
            ("a", "Do it."),
        ]
        said = utterances(turns, "a")
        model = load_model()
        each = [model.of_turn(one)["courtesy"] for one in said]
        assert model.of_conversation(said)["courtesy"] == pytest.approx(sum(each) / 2, abs=1e-5)

    @pytest.mark.parametrize(
        ("key", "heard", "more", "less"),
        [
            (
                "courtesy",
                "",
                "Could you please help me? Thank you so much!",
                "Why did you do that?",
            ),
            ("asking_openly", "I am tired.", "What makes you feel that way?", "Go to bed."),
            (
                "reflecting",
                "I lost my job.",
                "So it sounds like losing your job hit you hard.",
                "When?",
            ),
            (
                "taking_up",
                "I added the two numbers.",
                "So you added the two numbers. Why?",
                "Okay.",
            ),
            ("positivity", "", "I am grateful and hope it gets better.", "I hate this awful day."),
            ("eliciting_preferences", "", "What do you need the most?", "I need it."),
            (
                "dismissing_emotions",
                "I am so sad.",
                "Just get over it.",
                "I am sorry, that is hard.",
            ),
        ],
    )
    def test_the_shipped_strengths_point_the_right_way(self, key, heard, more, less) -> None:
        strength = [
            load_model().of_turn(utterances([("c", heard), ("a", text)], "a")[0])[key]
            for text in (more, less)
        ]
        assert strength[0] > strength[1]

    def test_same_turn_same_numbers(self) -> None:
        (said,) = utterances([("a", "Thanks, what can I do for you?")], "a")
        assert load_model().of_turn(said) == load_model().of_turn(said)

    def test_reasons_quote_the_words_that_count(self) -> None:
        (said,) = utterances([("a", "Here is the list, thank you so much.")], "a")
        reasons = load_model().reasons("courtesy", said)
        assert reasons
        assert "thank" in " ".join(said.text[reason.start : reason.end] for reason in reasons)
        assert list(reasons) == sorted(reasons, key=lambda reason: (reason.start, reason.end))

    def test_every_behavior_is_described_and_speaks_for_a_skill(self) -> None:
        behaviors = load_behaviors()
        assert tuple(one.key for one in behaviors) == load_model().keys
        known = set(load_skills())
        assert {one.skill for one in behaviors} <= known

    def test_the_weights_file_is_small_and_named_by_its_content(self) -> None:
        model = load_model()
        assert len(model.version) == 12
        assert version_of(model.weights) == model.version
        assert len(msgspec.json.encode(model.weights)) < 2_000_000
