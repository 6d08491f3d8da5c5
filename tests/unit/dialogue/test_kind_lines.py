"""Kind and plain sentences in which no act against the customer may be found."""

import pytest

from shared.contracts.dialogue import Act
from shared.dialogue.analyzer import analyze

_UNKIND = frozenset(
    {
        *(Act.BLAME, Act.DISMISS, Act.REPROACH, Act.SARCASM, Act.INSULT, Act.THREATEN),
        *(Act.PRESSURE, Act.RUSH, Act.INTERRUPT, Act.SET_BOUNDARY, Act.CITE_POLICY),
    }
)
_KIND = (
    "Thank you for waiting, I know that was a long time.",
    "I'm sorry, that was our mistake and I'll put it right.",
    "Take all the time you need, I'm not in a hurry.",
    "You don't have to decide today, think it over and call me when it suits you.",
    "You were right to call, and you did nothing wrong.",
    "It isn't your fault that the letter went to the old address.",
    "I can see why you're angry, four hours is a long time to wait at home.",
    "Please tell me what happened, from the beginning, in your own words.",
    "Let me say that back to you: forty a month is what you can keep up.",
    "To put it in my own words: the man who knew your name called twice.",
    "Before we start, may I confirm your full name and your date of birth?",
    "Just one thing before we begin: this call is recorded.",
    "You're playing in the orchestra on Sunday, and the seat still isn't confirmed.",
    "Here's what I can see: the three-month price is higher because you can pause it.",
    "You have to give notice by the fourth, or the contract rolls over, and nobody told you.",
    "I'll stay with you until this is sorted.",
    "If anything is unclear, stop me at any time.",
    "Nobody is going to cut off your power while we talk.",
    "Nothing will happen to your account today.",
    "I won't ask you for your PIN, and nobody from us ever will.",
    "You're not in any trouble, and nobody is blaming you.",
    "That sounds exhausting, and you shouldn't have had to call three times.",
    "Our driver should have rung the bell, and he didn't.",
    "We should have told you about the fee before you signed.",
    "I should have checked that first, I'm sorry.",
    "You asked a good question, and I'd like to answer it properly.",
    "Yes, I heard you: the noise starts when the fan comes on.",
    "So you've already told two of us, and nobody wrote it down.",
    "You already paid once, and now we ask you again; that would upset anybody.",
    "How many times did you have to explain this before it reached me?",
    "I'd rather be honest with you than quick.",
    "I'll be quick, so that you can get back to your daughter.",
    "There's no rush, the offer stays open until the end of the month.",
    "The price is the same next week, so sleep on it.",
    "The shop closes at six, so I'll call them before that.",
    "If you pay by Friday I can take off ten percent, and if that's too early we'll find another day.",
    "What would you like me to do first?",
    "Would it help if I sent you that in writing?",
    "I can refund it or send a new one, whichever you prefer.",
    "Let me check that with the warehouse, it takes two minutes.",
    "I'd like to understand what it did to your week.",
    "You sound worried, and after that message anybody would be.",
    "I'm glad you told me, that helps me to find it.",
    "It must be hard to hear this from a stranger on the phone.",
    "That's a fair point, and I can't argue with it.",
    "You know your machine better than I do, so tell me what you hear.",
    "No, you didn't misread it: our page said Tuesday.",
    "I don't want to push you, so here's the number if you want to call back.",
    "I can't take the fee off, and I want to tell you why.",
    "The rule exists because people lost money when we didn't check.",
    "It costs eighty-nine a month, and there's a fee of thirty to leave early.",
    "That isn't stupid at all; these messages are made by professionals.",
    "You're not the first person this happened to, and it's no reason to be ashamed.",
    "I believe you.",
    "Did I get that right?",
    "What matters most to you in this?",
    "Good that you noticed it so fast.",
    "I'll call you tomorrow at ten with the result, whatever it is.",
    "Please don't apologize, you have every reason to be upset.",
    "You waited all day and the van never came, so I see why you don't trust the next date.",
    "I'd be worried too if my card stopped working on a trip.",
    "If you'd like, my manager can look at it with us.",
    "You can hang up and call the number on your card, so that you know it's really us.",
    "Who else has been affected by this?",
    "Can you walk me through what you saw on the screen?",
    "Thanks for being patient with me.",
    "You were clear the first time; it was us who didn't listen.",
    "I understand that the flat is cold and that your mother is eighty.",
    "That's on us, and I'd rather be straight with you.",
    "From what you've told me, it's a chair in the orchestra, on Sunday at ten.",
    "If I heard you right, you must give notice by the twenty-fourth, or the old contract rolls over.",
)


@pytest.mark.parametrize("text", _KIND)
def test_a_kind_sentence_hurts_in_no_way(text: str):
    found = analyze(text).acts
    assert not [(span.act, text[span.start : span.end]) for span in found if span.act in _UNKIND]
