"""The way in: what is refused, what is flagged, what is kept."""

import pytest

from shared.contracts.scoring import TranscriptTurn
from shared.intake.limits import MAX_CHARACTERS
from shared.intake.taking import refusals, take_in

CALL = (
    "Thank you for calling Northfield Water, my name is Priya, how can I help you today?",
    "Hi, I'm calling about my bill, I was charged twice for March and I want my money back.",
    "I'm sorry about that. May I have your account number, please?",
    "It's 4432 1198.",
)


def _turns(*texts: str, first: int = 0) -> tuple[TranscriptTurn, ...]:
    roles = ("agent", "customer")
    return tuple(
        TranscriptTurn(id=f"t{n}", role=roles[(n + first) % 2], text=text)  # type: ignore[arg-type]
        for n, text in enumerate(texts)
    )


def _codes(turns: tuple[TranscriptTurn, ...]) -> list[tuple[str, str]]:
    return [(error.pointer, error.code) for error in refusals(turns)]


def test_a_conversation_goes_in_as_it_is() -> None:
    turns = _turns(*CALL)

    taken = take_in(turns, "en")

    assert taken.turns == turns
    assert taken.flags == ()
    assert not taken.is_held
    assert _codes(turns) == []


def test_swapped_roles_are_held() -> None:
    taken = take_in(_turns(*CALL, first=1), "en")

    assert taken.codes == ("roles_look_swapped",)
    assert taken.is_held
    assert "`customer` speaks like an agent" in taken.flags[0].detail


def test_invisible_characters_are_counted_and_change_nothing_else() -> None:
    hidden = tuple(text.replace("o", "o\u200b") for text in CALL)

    taken = take_in(_turns(*hidden), "en")

    assert taken.turns == _turns(*CALL)
    assert [(flag.code, flag.count) for flag in taken.flags] == [
        ("invisible_characters_removed", "".join(CALL).count("o"))
    ]


@pytest.mark.parametrize("declared", ["de", "pt-BR"])
def test_a_declared_language_that_nobody_knows(declared: str) -> None:
    taken = take_in(_turns(*CALL, first=1), declared)

    assert taken.language == declared
    assert taken.codes == ("unsupported_language",)  # nobody can tell whose words they are


def test_a_language_that_was_declared_wrongly() -> None:
    text = (
        "Ich habe das Paket nicht bekommen und ich möchte bitte wissen, wo es ist und wann es kommt"
    )
    taken = take_in(_turns(text, text), "en")

    assert taken.language == "de"
    assert "Declared as `en`" in taken.flags[0].detail


@pytest.mark.parametrize(
    ("texts", "errors"),
    [
        (("one two three four", "five six seven eight nine"), [("/turns", "too-few-words")]),
        (("one two three four five", "six seven eight nine ten"), []),
        (("?!?", "..."), [("/turns", "no-words")]),
        (("\u4f60\u597d\u4f60\u597d\u4f60\u597d\u4f60\u597d\u4f60\u597d",) * 2, []),
        ((*CALL[:2], " \n"), [("/turns/2/text", "blank")]),
        ((" ".join(CALL),), [("/turns", "one-speaker")]),
        (("a",), [("/turns", "one-speaker"), ("/turns", "too-few-words")]),
        (("word " * 1600,) * (MAX_CHARACTERS // 8000 + 1), [("/turns", "too-long")]),
    ],
    ids=["nine", "ten", "symbols", "chinese", "blank", "one", "one-short", "long"],
)
def test_refusals(texts: tuple[str, ...], errors: list[tuple[str, str]]) -> None:
    assert _codes(_turns(*texts)) == errors


def test_a_turn_of_hidden_text_alone_is_blank() -> None:
    taken = take_in(_turns(*CALL, "\u200b\u2060"), "en")

    assert _codes(taken.turns) == [("/turns/4/text", "blank")]
