"""What the features of talk notice, and what they leave alone."""

import pytest

from services.scoring_worker.judging.behaviors.talk import (
    CONVERSATION_FEATURES,
    TALK_FEATURES,
    conversation_features,
    talk_features,
)
from services.scoring_worker.judging.behaviors.talk_phrases import HEARD, MOVES, Moves
from services.scoring_worker.judging.behaviors.utterance import Utterance, utterances, words_of

SAID = "I was on call again all weekend, and my boss never even said thanks."


def turn(text: str, heard: str = SAID, before: str = "") -> Utterance:
    turns = [("other", heard), ("me", text)]
    if before:
        turns = [("me", before), *turns]
    return utterances(turns, "me")[-1]


def seen(text: str, heard: str = SAID, before: str = "") -> dict[str, float]:
    return talk_features(turn(text, heard, before))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("You sound really drained.", "t:names_feeling"),
        ("That must be so hard.", "t:sees_hardship"),
        ("It makes sense that you would be fed up.", "t:accepts"),
        ("I'm so sorry to hear that.", "t:sorry_for"),
        ("I hear you.", "t:understands"),
        ("It sounds like nobody noticed.", "t:reads_back"),
        ("Would you like to talk about it?", "t:invites"),
        ("I am here for you whenever you need.", "t:is_there"),
        ("Have you considered talking to your manager?", "t:suggests"),
        ("You should take a few days off.", "t:suggests"),
        ("Same here, when I was in sales it happened to me.", "t:own_story"),
        ("At least you still have a job.", "t:belittles"),
        ("Don't worry about it.", "t:belittles"),
        ("Things will get better.", "t:hopes"),
        ("That's wonderful, congratulations!", "t:rejoices"),
        ("You really need to stop drinking.", "t:directs"),
        ("It raises your risk of a stroke.", "t:warns"),
        ("What would make it easier for you?", "t:evokes"),
        ("It's really up to you.", "t:leaves_free"),
    ],
)
def test_a_move_is_noticed(text: str, name: str) -> None:
    assert seen(text).get(name, 0.0) >= 0.5


@pytest.mark.parametrize(
    ("text", "absent"),
    [
        ("What happened then?", ["t:suggests", "t:belittles", "t:own_story", "t:sorry_for"]),
        ("I hear you, I'm so sorry.", ["t:self_told", "t:own_story", "t:belittles", "t:suggests"]),
        ("You sound worn out.", ["t:suggests", "t:self_words", "t:asks", "t:urges"]),
        ("Do you want to say more?", ["t:urges", "t:belittles"]),
    ],
)
def test_what_is_not_there_is_not_noticed(text: str, absent: list[str]) -> None:
    assert not set(absent) & seen(text).keys()


def test_a_fuller_echo_counts_for_more() -> None:
    none = seen("Okay, next question.")
    some = seen("Your boss?")
    most = seen("You were on call all weekend and your boss never said thanks.")
    assert "t:echo" not in none
    assert 0 < some["t:echo_of_heard"] < most["t:echo_of_heard"] <= 1


def test_words_said_back_with_the_person_turned() -> None:
    found = seen("So you are on your own with that.", heard="I am on my own with that")
    assert found["t:echo_turned"] > found.get("t:echo_run", 0.0)


def test_numbers_are_taken_up_as_words_or_figures() -> None:
    assert "t:echo_numbers" in seen("Yes, 12 of them.", heard="I counted twelve boxes.")
    assert "t:echo_numbers" not in seen("Yes, 13 of them.", heard="I counted twelve boxes.")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("How did that feel?", "t:asks_how"),
        ("How did that feel?", "t:asks_feeling"),
        ("Did your boss notice?", "t:asks_do"),
        ("Did your boss notice?", "t:asks_echo"),
        ("Why?", "t:asks_short"),
        ("Why?", "t:asks_only"),
        ("You were alone, right?", "t:asks_tag"),
        ("Hm. And what then?", "t:ends_asking"),
    ],
)
def test_questions_are_told_apart(text: str, name: str) -> None:
    assert seen(text)[name] > 0


def test_the_mood_of_what_was_heard_is_met_or_missed() -> None:
    sad = "I am so lonely, my dog died."
    assert "t:meets_sad" in seen("Oh no, I'm sorry.", heard=sad)
    assert "t:glad_at_sad" in seen("That is great!", heard=sad)
    assert "t:sorry_at_warm" in seen("I'm sorry to hear that.", heard="I won, I am so happy!")


def test_the_reaction_of_the_other_side_is_read() -> None:
    found = seen("Sure.", heard="Thank you for listening, that means a lot. Do you agree?")
    assert {"t:heard_thanks", "t:heard_comforted", "t:heard_asks"} <= found.keys()


def test_saying_the_same_again_shows() -> None:
    question = "How long have you worked there?"
    assert seen(question, before=question)["t:again"] == 1.0
    assert seen("That is rough.", before=question).get("t:again", 0.0) == 0.0


@pytest.mark.parametrize("text", ["", "...", "?!"])
def test_a_turn_without_words_has_no_features(text: str) -> None:
    assert seen(text) == {}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("That's so hard. You're not alone.", "That is so hard. You are not alone."),
        ("I AM SO SORRY TO HEAR THAT", "i am so sorry to hear that"),
        ("Don\u2019t worry about it", "dont worry about it"),
    ],
)
def test_spelling_does_not_matter(one: str, other: str) -> None:
    assert seen(one) == pytest.approx(seen(other), abs=1e-9)


def test_every_feature_is_bounded_and_documented() -> None:
    texts = ["Okay.", f"So {SAID} " * 40, "Why? " * 200, "I I I my you you sorry just stop!"]
    for text in texts:
        found = seen(text, before=texts[0])
        assert found.keys() <= TALK_FEATURES.keys()
        assert all(-1.6 <= value <= 2.0 for value in found.values())
    moves = {f"t:{name}" for name in (*MOVES.names, *HEARD.names)}
    assert moves <= TALK_FEATURES.keys()


def test_the_longest_pattern_wins_and_overlaps_count_once() -> None:
    moves = Moves({"short": "so @hue", "long": "so ?@hue blue\n^ blue"}, {"hue": "red dark"})
    assert moves.count(words_of("so dark blue")) == [1, 1]
    assert moves.count(words_of("so dark, blue")) == [1, 1]
    assert moves.count(words_of("not blue")) == [0, 0]


def test_a_pattern_of_optional_words_only_is_refused() -> None:
    with pytest.raises(ValueError, match="may not be empty"):
        Moves({"nothing": "?so ?well"}, {})


def test_the_whole_conversation() -> None:
    asking = [("other", SAID), ("me", "What happened?"), ("other", "Nothing."), ("me", "And then?")]
    found = conversation_features(utterances(asking, "me"))
    assert found.keys() <= CONVERSATION_FEATURES.keys()
    assert found["c:asks_all"] == found["c:asks_turns"] == found["c:ends_asking"] == 1.0
    assert found["c:talk_share"] < 0.5
    assert found["c:heard_growth"] < 0
    again = [("other", SAID), ("me", "I see."), ("other", "Well."), ("me", "I see.")]
    assert conversation_features(utterances(again, "me"))["c:repeats_most"] == 1.0
    assert conversation_features([]) == {}
