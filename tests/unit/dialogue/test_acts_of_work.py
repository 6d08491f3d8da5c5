"""What a learner asks, tells and does: what shows each act, and what only looks like it."""

import pytest

from shared.contracts.dialogue import Act
from shared.dialogue.analyzer import analyze

_SHOWN = {
    Act.OPEN_QUESTION: (
        "What happened after you clicked the link?",
        "How has that been for you?",
        "Tell me more about the noise.",
        "can u tell me what went wrong",
        "What matters most to you in a plan?",
    ),
    Act.CLOSED_QUESTION: (
        "Is the light on the box green?",
        "When did you order it?",
        "Which card did you use?",
        "have you restarted it yet",
    ),
    Act.CHECK_UNDERSTANDING: (
        "Did I understand you correctly?",
        "Does that make sense?",
        "Have I missed anything?",
        "Is that how you see it as well?",
        "Are you with me so far?",
    ),
    Act.VERIFY_IDENTITY: (
        "Could you confirm the first line of your address?",
        "For security I need your date of birth.",
        "Am I speaking with the account holder?",
        "whats your account number pls",
    ),
    Act.EXPLAIN: (
        "It is late because the van broke down.",
        "The hold drops off after three days, which means the money never left.",
        "The reason is that the bank books at night.",
        "In plain words: you pay for the part you use.",
    ),
    Act.JARGON: (
        "Your chargeback ratio tripped the velocity rule.",
        "The RMA needs an L2 sign-off.",
        "It's a pro-rata accrual.",
        "We see packet loss on the ONT.",
    ),
    Act.CITE_POLICY: (
        "According to our terms, that is excluded.",
        "It's company policy.",
        "Section 7 of the contract applies here.",
        "The rules say fourteen days.",
    ),
    Act.DISCLOSE: (
        "I should tell you that there's a $30 fee to leave early.",
        "This call is being recorded.",
        "We never ask for your PIN.",
        "To be upfront with you, the cheaper plan is slower.",
    ),
    Act.OFFER: (
        "I can send you a new one tonight.",
        "Would a credit help?",
        "We could move the date to the tenth.",
        "How about a later appointment?",
        "shall I book it for you?",
    ),
    Act.OFFER_CHOICE: (
        "I can refund it or send a new one, whichever you prefer.",
        "Would you rather have it delivered or pick it up?",
        "You have two options here.",
        "Either we fix it on Monday or you get your money back, your choice.",
    ),
    Act.CONCEDE: (
        "I can take off ten percent if you pay by Friday.",
        "I can go as far as $40, not further.",
        "Let's meet in the middle at ninety.",
        "We'll waive the $12 late fee this once.",
        "Fifteen dollars off is the most I can do.",
    ),
    Act.GIVE_AWAY: (
        "I'll waive all of it.",
        "Take whatever you want, it's free.",
        "You owe us nothing, we'll cancel everything.",
        "Free of charge, no questions asked.",
        "Keep it all and I'll wipe the whole bill.",
    ),
    Act.UPSELL: (
        "While I have you, have you thought about our premium plan?",
        "By the way, did you know we also offer travel insurance?",
        "Can I interest you in an extended warranty?",
        "Before you go, we have a special offer on headphones.",
    ),
    Act.REFUSE: (
        "I can't take the fee off.",
        "No, that's not possible.",
        "We won't refund this order.",
        "I'm afraid I have to decline.",
        "unfortunately we cant change it",
    ),
    Act.NEXT_STEP: (
        "I'll call you tomorrow at ten with the result.",
        "The courier will be at your door by six.",
        "You'll get an email within the hour.",
        "As soon as the part is here we'll ring you.",
    ),
    Act.SIGNPOST: (
        "First I'll check the payment, then we look at the card.",
        "I'm going to ask you two short questions.",
        "Let's go through it step by step.",
        "Before I answer that, let me open your file.",
    ),
    Act.HOLD: (
        "Just a moment, please.",
        "Let me put you on hold.",
        "Bear with me while I open this.",
        "one sec",
    ),
    Act.HAND_OVER: (
        "I'll transfer you to billing.",
        "You'd have to speak to the manager.",
        "Let me connect you with our fraud team.",
        "I'll pass this on to a specialist.",
    ),
    Act.RECAP: (
        "To recap: you pay $80 on the first, and I stop the letters.",
        "So we've agreed: Tuesday at nine, no fee.",
        "Let me sum up what we agreed.",
        "In short: new card Friday, old one blocked.",
    ),
    Act.PARAPHRASE: (
        "So what you're saying is that nobody came.",
        "You mentioned a text message.",
        "If I understand you correctly, the price went up twice.",
        "So you paid in March and they still sent a letter.",
    ),
    Act.REPEAT: (
        "Again, the fee is $12.",
        "Like I mentioned, it ships Friday.",
        "As I said, the office opens at nine.",
        "Once more: the number is on the back.",
    ),
}
_NOT_SHOWN = {
    Act.OPEN_QUESTION: ("Is it paid?", "What I can do is call him."),
    Act.CLOSED_QUESTION: ("What happened?", "Shall I send it again?"),
    Act.CHECK_UNDERSTANDING: ("Sit down, okay?", "I want to get this right."),
    Act.VERIFY_IDENTITY: ("Could you describe the noise?", "Your order left on Monday."),
    Act.EXPLAIN: ("Our policy is no refunds.", "I'll ring you."),
    Act.JARGON: ("The PIN is safe.", "The SLA, which means the promised time, was missed."),
    Act.CITE_POLICY: ("It is late because of snow.", "You can ask me anything."),
    Act.DISCLOSE: ("The parcel is here.", "I have to check the list."),
    Act.OFFER: ("I can't send it.", "What would you like me to do?"),
    Act.OFFER_CHOICE: ("I can send a new one.", "Did you get the letter?"),
    Act.CONCEDE: ("The fee is $12.", "I can't lower it."),
    Act.GIVE_AWAY: (
        "We'll waive the $12 late fee.",
        "I'll send a replacement free of charge for the broken part.",
        "I can refund the delivery.",
        "I can take off ten percent if you pay by Friday.",
        "He told you it would all be free?",
        "I'll refund everything once you send it back.",
        "Take as much time as you need.",
        "I'll do whatever it takes to fix this.",
    ),
    Act.UPSELL: ("The plan you asked about costs $20.", "By the way, your parcel is here."),
    Act.REFUSE: ("I can't imagine that.", "I can't wait to hear it.", "I can't hear you."),
    Act.NEXT_STEP: ("We'll look into it.", "I won't send anything."),
    Act.SIGNPOST: ("I sent it first class.", "The first one was blue."),
    Act.HOLD: ("I'll call you back in a moment.", "The bank holds the money."),
    Act.HAND_OVER: ("I'll ask a colleague and come back to you.", "I'll send you a new one."),
    Act.RECAP: ("So the courier never came.", "I will call you."),
    Act.PARAPHRASE: ("I understand.", "So you need to pay now."),
    Act.REPEAT: ("As I already told you twice, no.", "Could it happen again?"),
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
