"""How a learner treats the person: what shows each act, and what only looks like it."""

import pytest

from shared.contracts.dialogue import Act
from shared.dialogue.analyzer import analyze

_SHOWN = {
    Act.GREET: (
        "Good afternoon, Castle Broadband, Lena speaking.",
        "hey there! im Tobi from the help desk",
        "Welcome to Northway Bank, my name is Ines.",
        "Hello Mr. Varga, this is Ruth from the claims department.",
    ),
    Act.THANK: (
        "Thanks for your patience while I looked.",
        "thx for sending the photos",
        "Thank you so much for telling me that.",
        "I really appreciate you staying on.",
    ),
    Act.ACKNOWLEDGE_FEELING: (
        "That sounds exhausting.",
        "I'd be furious as well if it were my money.",
        "No wonder you're worried about it.",
        "I can hear how upset you are.",
        "It's completely understandable that you're nervous.",
    ),
    Act.ACKNOWLEDGE_IMPACT: (
        "So you sat in the dark for two evenings because of us.",
        "You missed your sister's wedding over this.",
        "You've had to explain this to four different people.",
        "Three weeks without a phone, with a sick mother at home.",
    ),
    Act.STOCK_EMPATHY: (
        "I completely understand your concerns, sir.",
        "We apologize for any inconvenience.",
        "Your satisfaction is very important to us.",
        "I'm sorry to hear that.",
    ),
    Act.APOLOGIZE: (
        "I'm sorry we sent it to the wrong address.",
        "My apologies, I mixed up the dates.",
        "Please forgive us for the mix-up.",
        "sorry about the wait earlier",
    ),
    Act.TAKE_OWNERSHIP: (
        "That's on us, we booked the wrong slot.",
        "I'll personally see this through to the end.",
        "We dropped the ball here.",
        "Leave it with me.",
        "We should have warned you.",
    ),
    Act.REASSURE: (
        "Your savings are safe, nothing has left the account.",
        "You're not in any trouble.",
        "There's plenty of time, take your time.",
        "Nobody can take your house over one late payment.",
    ),
    Act.PRAISE: (
        "You handled that really well.",
        "Good thinking, keeping the receipt.",
        "It was smart of you to hang up.",
        "Well done for checking the sender.",
        "You were right to call us first.",
    ),
    Act.CLOSE: (
        "Have a lovely evening, goodbye.",
        "Take care now, bye!",
        "Enjoy your weekend.",
        "All the best, Mrs. Hahn.",
    ),
    Act.SET_BOUNDARY: (
        "I want to help you, but I can only do that without the insults.",
        "I'm happy to carry on as long as we keep it civil.",
        "Please don't call me names, and then I can look for a solution with you.",
        "I won't be shouted at, but I do want to solve this with you.",
    ),
}
_NOT_SHOWN = {
    Act.GREET: ("I told him hello already.", "The name on the card is Sam."),
    Act.THANK: ("No thanks.", "We do not accept that."),
    Act.ACKNOWLEDGE_FEELING: ("I understand.", "Calm down."),
    Act.ACKNOWLEDGE_IMPACT: ("I see how angry you are.", "The visit takes two hours."),
    Act.STOCK_EMPATHY: ("That must be frightening.", "The form is important."),
    Act.APOLOGIZE: ("Sorry?", "I won't apologize.", "Sorry for the inconvenience."),
    Act.TAKE_OWNERSHIP: ("That was your mistake.", "The courier lost it."),
    Act.REASSURE: ("You should worry about that.", "The office is closed."),
    Act.PRAISE: ("Great!", "You didn't do it right."),
    Act.CLOSE: ("I'll take care of the refund.", "We close at six."),
    Act.SET_BOUNDARY: ("If you keep shouting I'll hang up.", "I want to help you with the form."),
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
