"""Swapped labels are seen where the words tell; else they stay."""

from collections.abc import Sequence

import pytest

from services.sim_worker.engine.playing import play_profile
from shared.contracts.scoring import TranscriptTurn
from shared.intake.roles import look_at_roles
from shared.library import load_scenarios

OTHER = {"agent": "customer", "customer": "agent"}

CALL = [
    ("agent", "Thank you for calling Northfield Water, my name is Priya, how can I help you?"),
    ("customer", "Hi, I'm calling about my bill. I was charged twice and nobody told me why."),
    ("agent", "I'm sorry to hear that. May I have your account number and your date of birth?"),
    ("customer", "Sure, it's 4432 1198, third of May 1980."),
    ("agent", "Thanks. Let me check that for you. I can see two payments on the second of March."),
    ("customer", "Yes, that's what I mean. I want my money back."),
    ("agent", "I'll refund the second one today. Is there anything else I can do for you?"),
    ("customer", "No, that's all. Thanks for your help."),
]

CHAT = [
    ("customer", "my internet is down again"),
    ("customer", "i've already restarted the router twice"),
    ("agent", "That must be frustrating. What lights are you seeing on your router right now?"),
    ("customer", "just one, its red"),
    ("agent", "I see. Would you like me to send a technician tomorrow between 8 and 10?"),
    ("customer", "i have to work tomorrow, can i get someone on saturday"),
    ("agent", "We can do Saturday at 9. You'll receive a text an hour before."),
]

SALES = [
    ("agent", "Good morning, this is Lee from Cedar Roofs, I'm calling about your quote request."),
    ("customer", "Oh, right. Yeah, I was looking at a few companies."),
    ("agent", "What made you start looking, and what would you like the new roof to do for you?"),
    ("customer", "My roof leaks. I guess I just want something that lasts."),
    ("agent", "I understand. We can offer two options, and I'd recommend the slate one for you."),
    ("customer", "I don't know, it was more than I thought."),
]

VAGUE = [
    ("agent", "Good morning. The weather is nice. It rained on Tuesday though."),
    ("customer", "Good morning. It did. The train was late on Tuesday."),
]


def _turns(said: Sequence[tuple[str, str]], *, swapped: bool = False) -> list[TranscriptTurn]:
    return [
        TranscriptTurn(id=f"t{n}", role=OTHER[role] if swapped else role, text=text)  # type: ignore[arg-type]
        for n, (role, text) in enumerate(said, 1)
    ]


@pytest.mark.parametrize("said", [CALL, CHAT, SALES], ids=["call", "chat", "sales"])
def test_both_ways(said: list[tuple[str, str]]) -> None:
    right, wrong = look_at_roles(_turns(said)), look_at_roles(_turns(said, swapped=True))

    assert right.verdict == "plausible"
    assert right.reason == ""
    assert wrong.verdict == "swapped"
    assert wrong.margin == -right.margin


def test_the_reason_is_in_words_and_quotes_nothing() -> None:
    reason = look_at_roles(_turns(CALL, swapped=True)).reason

    assert reason.startswith("The side labeled `customer` speaks like an agent (")
    assert "verification" in reason
    assert "and the side labeled `agent` speaks like a customer (" in reason
    assert "Northfield" not in reason


def test_few_cues_decide_nothing() -> None:
    assert look_at_roles(_turns(VAGUE)).verdict == "unclear"
    assert look_at_roles(_turns(VAGUE, swapped=True)).verdict == "unclear"


def test_one_side_alone_may_decide() -> None:
    one = [TranscriptTurn(id="t1", role="customer", text=CALL[0][1])]

    assert look_at_roles(one).verdict == "swapped"


def test_a_rude_agent_is_still_the_agent() -> None:
    said = [
        ("customer", "I've been waiting for my refund for three weeks and I want to know why."),
        ("agent", "Oh, please. What do you want me to do about it? Read what you signed."),
        ("customer", "I want my money. I was promised it would be here by Friday."),
        ("agent", "People like you always complain. Calm down, I have other customers waiting."),
    ]

    assert look_at_roles(_turns(said)).verdict != "swapped"
    assert look_at_roles(_turns(said, swapped=True)).verdict == "swapped"


def test_the_library_is_told_apart() -> None:
    """From a skilled learner to a rude one."""
    seen = {"right": 0, "wrong": 0, "unclear": 0}
    for scenario in load_scenarios()[::5]:
        for profile in ("skilled", "average", "rude"):
            lines = play_profile(scenario, profile, seed=5).lines()
            said = [(line.role, line.text) for line in lines]
            verdict = look_at_roles(_turns(said, swapped=True)).verdict
            names = {"swapped": "right", "plausible": "wrong", "unclear": "unclear"}
            seen[names[verdict]] += 1
            if profile != "rude":
                assert verdict == "swapped", (scenario.slug, profile)

    assert seen["wrong"] == 0
    assert seen["right"] >= 0.7 * sum(seen.values())
