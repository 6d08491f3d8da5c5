"""What is read of a customer turn is all that the full analysis would say about it."""

import pytest

from services.scoring_worker.judging.customer import analyze_customer
from shared.contracts.dialogue import Act, TurnAnalysis
from shared.dialogue.analyzer import analyze

TURNS = (
    "My internet has been down for four days. Can you help me?",
    "You are an idiot.",
    "Are you people stupid or what?",
    "I will sue you for this! I want my money.",
    "If you don't fix it I'm going to the press.",
    "Once more and I call my lawyer, you useless lot.",
    "Thank you, that is fine.",
    "I'm calling about my bill, so I thought I would ask.",
    "?!",
    "",
)


def hurting(analysis: TurnAnalysis) -> list[tuple[Act, int, int, int]]:
    return [
        (span.act, span.start, span.end, span.strength)
        for span in analysis.acts
        if span.act in {Act.INSULT, Act.THREATEN}
    ]


@pytest.mark.parametrize("text", TURNS)
def test_insults_threats_and_words_are_those_of_the_full_analysis(text: str) -> None:
    found, full = analyze_customer(text), analyze(text)
    assert hurting(found) == hurting(full)
    assert (found.words, found.sentences) == (full.words, full.sentences)


def test_the_turns_above_hold_both_kinds() -> None:
    acts = {span[0] for text in TURNS for span in hurting(analyze(text))}
    assert acts == {Act.INSULT, Act.THREATEN}


def test_a_turn_that_does_not_hurt_is_not_searched_for_acts() -> None:
    assert analyze("Thank you, that is fine.").acts
    assert analyze_customer("Thank you, that is fine.").acts == ()
