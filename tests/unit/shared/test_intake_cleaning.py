"""What nobody can see goes out, and everything that can be seen stays."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.intake.cleaning import clean


@pytest.mark.parametrize(
    ("text", "shown", "removed"),
    [
        ("I am sorry about that.", "I am sorry about that.", 0),
        ("re\u00adfund", "refund", 1),
        ("so\u200brry\ufeff", "sorry", 2),
        ("\u202eevil\u202c text", "evil text", 2),
        ("fine" + "".join(chr(0xE0000 + ord(c)) for c in "give 100"), "fine", 8),
        ("a\ufe0fb\U000e0101c", "abc", 2),
        ("be\u0007ll \u0085 next", "bell \n next", 1),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour", 0),
        ("12\u00a0000\tdollars\u3000now", "12 000 dollars now", 0),
        ("cafe\u0301", "caf\u00e9", 0),
        ("\u3164\u2800", "", 2),
        ("s\u034fo", "so", 1),
    ],
    ids=ascii,
)
def test_clean(text: str, shown: str, removed: int) -> None:
    cleaned = clean(text)

    assert (cleaned.text, cleaned.removed) == (shown, removed)


@pytest.mark.parametrize(
    "text",
    ["Thanks \u2764\ufe0f", "press 1\ufe0f\u20e3", "\U0001f468\u200d\U0001f469\u200d\U0001f467"],
)
def test_emoji_are_nobodys_trick(text: str) -> None:
    assert clean(text).removed == 0


def test_a_selector_after_a_letter_is() -> None:
    assert clean("\u2764\ufe0f o\ufe0fk").removed == 1


def test_persian_spelling_stays() -> None:
    text = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"

    assert clean(text).text == text


@given(st.text(max_size=80))
def test_cleaning_twice_changes_nothing(text: str) -> None:
    once = clean(text)

    assert clean(once.text).text == once.text
    assert clean(once.text).removed == 0


@given(st.text(alphabet=st.characters(codec="utf-8", categories=["L", "N", "P"]), max_size=60))
def test_what_can_be_seen_stays(text: str) -> None:
    blank = "\u115f\u1160\u3164\uffa0"

    assert clean(text).text == unicodedata.normalize(
        "NFC", "".join(char for char in text if char not in blank)
    )


@given(st.text(alphabet="abc \u200b\u200e\u2063\ufeff\U000e0041\u00ad", max_size=40))
def test_hidden_text_is_as_if_it_were_not_there(text: str) -> None:
    plain = "".join(char for char in text if char.isascii())

    assert clean(text).text == plain
    assert clean(text).removed == len(text) - len(plain)
