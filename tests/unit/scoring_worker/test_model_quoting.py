"""A quote is found word for word, but for spaces and the shapes of quotation marks."""

from collections.abc import Iterator

import pytest

from services.scoring_worker.judging.model.quoting import locate

TEXT = "I\u2019m sorry about that \u2013 it\u2019s  our\nmistake. I said \u201ccall us\u201d; I am sorry."


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("I am sorry", "I am sorry"),
        ("I\u2019m sorry about that", "I\u2019m sorry about that"),
        ("I'm sorry about that - it's our mistake", TEXT[: TEXT.index(". I said")]),
        ('"I\'m sorry about that"', "I\u2019m sorry about that"),
        ("it's our mistake...", "it\u2019s  our\nmistake"),
        ('I said "call us"', "I said \u201ccall us\u201d"),
        ("  I am sorry.  ", "I am sorry."),
        ("I am s\u200borry", "I am sorry"),
    ],
)
def test_the_exact_words_are_found(quote, found):
    span = locate(TEXT, quote)
    assert span is not None
    assert TEXT[span.start : span.end] == found


@pytest.mark.parametrize(
    "quote",
    [
        "",
        " ",
        "...",
        '"',
        "I am very sorry",
        "i am sorry",
        "orry",
        "sorr",
        "I am sorry today",
        "\u2013",
    ],
)
def test_what_does_not_stand_there_is_not_found(quote):
    assert locate(TEXT, quote) is None


def test_a_word_that_is_part_of_another_is_passed_over():
    text = "The therapist is the one."
    span = locate(text, "the")
    assert span is not None
    assert span.start == text.index("the one")


def test_every_stretch_of_whole_words_is_found_where_it_stands_first():
    words = [(start, end) for start, end in _words(TEXT)]
    for first in range(len(words)):
        for last in range(first, min(first + 6, len(words))):
            quote = TEXT[words[first][0] : words[last][1]]
            if not any(char.isalnum() for char in quote):
                continue
            span = locate(TEXT, " ".join(quote.split()))
            assert span is not None
            assert " ".join(TEXT[span.start : span.end].split()) == " ".join(quote.split())


def _words(text: str) -> Iterator[tuple[int, int]]:
    start = None
    for place, char in enumerate(f"{text} "):
        if char.isspace() and start is not None:
            yield start, place
            start = None
        elif not char.isspace() and start is None:
            start = place
