"""The phrases beside the acts: found where they are meant, and only there."""

import pytest

from services.scoring_worker.judging.detectors import terms
from services.scoring_worker.judging.detectors.signs import (
    AGENT_SIGNS,
    CUSTOMER_SIGNS,
    SignTable,
)
from services.scoring_worker.judging.words import fold

TABLE = SignTable(
    {
        "asks": "can/could you ?please help",
        "opens": "^ wait",
        "counts": "# days ... late",
        "ends": "you know $",
    }
)


class TestTable:
    @pytest.mark.parametrize(
        ("text", "signs"),
        [
            ("Could you help me?", {"asks": "Could you help"}),
            ("Could you please help?", {"asks": "Could you please help"}),
            ("Could u pls help?", {"asks": "Could u pls help"}),
            ("Could you go? Help!", {}),
            ("Okay, wait.", {"opens": "wait"}),
            ("Right. Wait.", {"opens": "Wait"}),
            ("I can't wait.", {}),
            ("It is 4 days too late.", {"counts": "4 days too late"}),
            ("It is four days late.", {"counts": "four days late"}),
            ("It is four days, not late.", {}),
            ("It's late, you know.", {"ends": "you know"}),
            ("You know it.", {}),
            ("I never could you help.", {}),
            ("I cannot could you help", {}),
            ("", {}),
        ],
    )
    def test_finds(self, text: str, signs: dict[str, str]) -> None:
        found = TABLE.scan(text).signs
        assert {name: text[start:end] for name, (start, end) in found.items()} == signs

    def test_the_words_are_those_that_patterns_know(self) -> None:
        assert TABLE.scan("Dont u have 41 of them?").words == {
            *("don't", "you", "have", "#", "of", "them")
        }

    def test_unknown_sign(self) -> None:
        with pytest.raises(ValueError, match="smiles"):
            TABLE.known(["asks", "smiles"])

    def test_a_sign_is_not_named_like_an_act(self) -> None:
        with pytest.raises(ValueError, match="act"):
            SignTable({"offer": "i can offer"})

    def test_a_pattern_begins_with_a_word(self) -> None:
        with pytest.raises(ValueError, match="begin"):
            SignTable({"gap": "... you"})


@pytest.mark.parametrize("table", [AGENT_SIGNS, CUSTOMER_SIGNS])
def test_a_neutral_line_shows_no_sign(table: SignTable) -> None:
    assert table.scan("The blue chair stands in the kitchen by the window.").signs == {}


@pytest.mark.parametrize(
    ("term", "phrase"),
    [
        *(
            (terms.COMMITMENT, f"i'll send it {when}")
            for when in (
                *("by six", "within the hour", "before noon", "until friday", "in the next days"),
                *("today", "tonight", "tomorrow", "this morning", "this week", "monday"),
                *("right now", "straight away", "immediately", "in about 5 minutes"),
            )
        ),
        *(
            (terms.VAGUE, phrase)
            for phrase in (
                *("i really don't know", "no idea", "i guess", "whatever", "at some point"),
                *("sooner or later", "one of these days", "we'll see", "it depends"),
                *("hard to say", "might or might not", "something like that", "who knows"),
                "can't say",
            )
        ),
        *(
            (terms.DEAD_END, phrase)
            for phrase in (
                *("nothing else i can do", "not much that we can do", "i can't help"),
                *("we cannot do anything", "i cant do that", "we can't change it"),
                *("not my problem", "not our department", "nothing to be done"),
                *("out of my hands", "you'll just have to wait", "call back later"),
                *("call again", "that's just how it is", "take it or leave it"),
            )
        ),
        *(
            (terms.SECRET, f"tell me your {secret}")
            for secret in (
                *("pin", "password", "one-time code", "one time passcode", "passcode", "cvv"),
                *("security code", "full card number"),
            )
        ),
        *(
            (terms.ACCOUNT_DETAIL, phrase)
            for phrase in (
                *("your balance is 40", "your payments were 40", "your arrears are 40"),
                *("i can see your transaction", "i can see that a transfer", "you owe us 40"),
            )
        ),
    ],
)
def test_the_quick_test_of_a_term_holds_nothing_back(term: terms.Term, phrase: str) -> None:
    assert term.regex.search(fold(phrase))
    assert not term.words.isdisjoint(AGENT_SIGNS.scan(phrase).words)


def test_a_phrase_that_begins_anywhere_is_refused() -> None:
    with pytest.raises(ValueError, match="begin at a word"):
        terms.at_words(["nowhere"])
