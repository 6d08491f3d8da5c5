"""What hurts, hurries or mocks: what shows each act, and what only looks like it."""

import pytest

from shared.contracts.dialogue import Act
from shared.dialogue.analyzer import analyze

_SHOWN = {
    Act.BLAME: (
        "You should have checked the date.",
        "That's your own fault.",
        "You must have entered the wrong number.",
        "Why didn't you call earlier?",
        "Well, you clicked on that link yourself.",
    ),
    Act.DISMISS: (
        "Calm down.",
        "It's not such a big deal.",
        "You're overreacting.",
        "These things happen.",
        "It's only a few days, relax.",
    ),
    Act.RUSH: (
        "Can we speed this up?",
        "Get to the point, please.",
        "I don't have all day.",
        "I've got other customers waiting.",
    ),
    Act.PRESSURE: (
        "This price is only good today.",
        "You need to decide now.",
        "There are only two rooms left.",
        "Sign now or it's gone.",
    ),
    Act.REPROACH: (
        "You're not listening.",
        "I've already told you that.",
        "How many times do I have to explain it?",
        "Don't interrupt me.",
        "Watch your tone.",
    ),
    Act.THREATEN: (
        "Pay today or we'll take you to court.",
        "If you don't stop I'll hang up.",
        "This goes straight to collections.",
        "We'll cut off your power.",
    ),
    Act.INSULT: (
        "Don't be stupid.",
        "You're an idiot.",
        "People like you always lie.",
        "Are you deaf?",
    ),
    Act.SARCASM: (
        "Oh great, another genius.",
        "Well, good luck with that.",
        "Oh wow, how original.",
        "Lucky me.",
        "Sure, because shouting always helps.",
    ),
    Act.INTERRUPT: (
        "Let me stop you right there.",
        "Hold on, hold on, listen.",
        "Sorry to cut you off, but that's not it.",
        "Can I just jump in here?",
    ),
}
_NOT_SHOWN = {
    Act.BLAME: ("It was not your fault.", "The driver should have rung."),
    Act.DISMISS: ("That is a big deal.", "I'm not telling you to calm down."),
    Act.RUSH: ("I'll be quick.", "Take all the time you need."),
    Act.PRESSURE: ("You don't have to decide today.", "The shop closes at six today."),
    Act.REPROACH: ("Thanks for listening.", "Like I mentioned, it ships Friday."),
    Act.THREATEN: ("Nobody will cut you off.", "We won't take you to court."),
    Act.INSULT: ("You're not stupid.", "That was clever."),
    Act.SARCASM: ("Great, I have it here.", "That was clever of you."),
    Act.INTERRUPT: ("One moment, please.", "I'm listening."),
}


@pytest.mark.parametrize(
    ("act", "text"), [(act, text) for act, texts in _SHOWN.items() for text in texts]
)
def test_the_words_show_the_act(act: Act, text: str):
    analysis = analyze(text)
    assert analysis.has(act)
    assert all(text[span.start : span.end].strip() for span in analysis.acts)


@pytest.mark.parametrize(
    ("act", "text"), [(act, text) for act, texts in _NOT_SHOWN.items() for text in texts]
)
def test_lookalikes_do_not_show_it(act: Act, text: str):
    assert not analyze(text).has(act)


@pytest.mark.parametrize(
    ("act", "text"),
    [
        (Act.DISMISS, "He told you to calm down."),
        (Act.DISMISS, 'The man said "calm down" to you.'),
        (Act.THREATEN, "They said they would take you to court."),
        (Act.INSULT, "She called you an idiot."),
        (Act.OFFER, "They told you they can refund it."),
        (Act.RUSH, "My colleague said you should hurry up."),
    ],
)
def test_words_of_others_are_not_the_learners_act(act: Act, text: str):
    assert not analyze(text).has(act)


@pytest.mark.parametrize(
    ("act", "text"),
    [
        (Act.APOLOGIZE, "They said it was lost, and I'm sorry about that."),
        (Act.DISMISS, "I told you to calm down."),
        (Act.THREATEN, "You said no, so we will take you to court."),
    ],
)
def test_own_words_beside_reported_ones_count(act: Act, text: str):
    assert analyze(text).has(act)
