"""Hurtful words that are denied do not hurt; a negation elsewhere excuses nothing."""

import pytest

from shared.contracts.dialogue import Act
from shared.dialogue.analyzer import analyze


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("Nobody is going to cut you off, you're safe there.", Act.THREATEN),
        ("We won't cut you off or take you to court.", Act.THREATEN),
        ("No, we won't cut you off, or take you to court.", Act.THREATEN),
        ("Nothing goes to a debt collection agency while we talk.", Act.THREATEN),
        ("This won't hurt your credit score.", Act.THREATEN),
        ("It was not your fault.", Act.BLAME),
        ("None of it is your own fault.", Act.BLAME),
        ("I'm not saying you should have known.", Act.BLAME),
        ("You don't have to pay now.", Act.PRESSURE),
        ("I'm not asking you to decide today.", Act.PRESSURE),
        ("You're not stupid.", Act.INSULT),
        ("I don't want you to hurry.", Act.RUSH),
        ("I won't put you on hold again.", Act.HOLD),
        ("Nobody is telling you to calm down.", Act.DISMISS),
    ],
)
def test_a_denial_takes_the_sting_out(text: str, act: Act):
    assert not analyze(text).has(act)


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("If you don't pay we will cut you off.", Act.THREATEN),
        ("You didn't pay, and now we will cut you off.", Act.THREATEN),
        ("We will not hesitate to take you to court.", Act.THREATEN),
        ("Don't make me take you to court.", Act.THREATEN),
        ("Pay now or we'll take you to court.", Act.THREATEN),
        ("Nobody but you is to blame, it's your own fault.", Act.BLAME),
        ("Isn't that your own fault?", Act.BLAME),
        ("You can't be that stupid.", Act.INSULT),
        ("I've never met anyone so stupid.", Act.INSULT),
        ("You're not listening.", Act.REPROACH),
        ("Don't be childish.", Act.INSULT),
    ],
)
def test_a_negation_elsewhere_excuses_nothing(text: str, act: Act):
    assert analyze(text).has(act)


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("It costs less than you pay now.", Act.PRESSURE),
        ("That is what most people pay today.", Act.PRESSURE),
        ("You didn't get a reply for four days.", Act.BLAME),
        ("You never got a call back.", Act.BLAME),
    ],
)
def test_statements_are_neither_orders_nor_accusations(text: str, act: Act):
    assert not analyze(text).has(act)


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("Well, sign now and it is yours.", Act.PRESSURE),
        ("Please pay today.", Act.PRESSURE),
        ("You never answered our letters.", Act.BLAME),
        ("It was not your fault.", Act.TAKE_OWNERSHIP),
        ("Nobody is going to cut you off.", Act.REASSURE),
        ("No wonder you couldn't sleep.", Act.ACKNOWLEDGE_IMPACT),
        ("No wonder you couldn't sleep.", Act.ACKNOWLEDGE_FEELING),
        ("You haven't slept for three nights.", Act.ACKNOWLEDGE_IMPACT),
        ("You didn't get a reply for four days.", Act.ACKNOWLEDGE_IMPACT),
        ("I can make a new bill now, or I can send somebody.", Act.OFFER),
        ("I can look again on Friday, or we could wait.", Act.OFFER),
        ("We do it today or on Friday, whichever suits you.", Act.OFFER),
        ("Let me say that back to you: the van never came.", Act.PARAPHRASE),
    ],
)
def test_what_they_do_say_is_seen(text: str, act: Act):
    assert analyze(text).has(act)


def test_reading_a_number_back_is_no_paraphrase():
    said = "It's two zero four one seven, Okafor, seven eight nine, three four."
    reply = "Thank you, your number is two zero four one seven, seven eight nine, three four."
    assert not analyze(reply, previous_customer=said).has(Act.PARAPHRASE)


def test_thanking_is_not_speaking_about_the_customer():
    said = "The parcel stands at a green door near Alder Street."
    reply = "Thank you, green door, Alder Street, parcel."
    assert not analyze(reply, previous_customer=said).has(Act.PARAPHRASE)
