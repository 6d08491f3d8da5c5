"""Numbers that a turn names."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.dialogue import QuantityKind
from shared.dialogue.quantities import quantities


@pytest.mark.parametrize(
    ("text", "kind", "value", "words"),
    [
        ("That's $1,312.40 in total.", QuantityKind.MONEY, 131240, "$1,312.40"),
        ("I can do 40 dollars.", QuantityKind.MONEY, 4000, "40 dollars"),
        ("I can do forty dollars.", QuantityKind.MONEY, 4000, "forty dollars"),
        ("It's seventy-five euros.", QuantityKind.MONEY, 7500, "seventy-five euros"),
        ("a hundred and twenty pounds", QuantityKind.MONEY, 12000, "a hundred and twenty pounds"),
        ("only €30 more", QuantityKind.MONEY, 3000, "€30"),
        ("30€ more", QuantityKind.MONEY, 3000, "30€"),
        ("You pay 80 a month.", QuantityKind.MONEY, 8000, "80"),
        ("fifty per week", QuantityKind.MONEY, 5000, "fifty"),
        ("that's 50 cents", QuantityKind.MONEY, 50, "50 cents"),
        ("ten percent off", QuantityKind.PERCENT, 10, "ten percent"),
        ("15% off", QuantityKind.PERCENT, 15, "15%"),
        ("within 48 hours", QuantityKind.HOURS, 48, "48 hours"),
        ("twenty four hours", QuantityKind.HOURS, 24, "twenty four hours"),
        ("five working days", QuantityKind.DAYS, 5, "five working days"),
        ("two weeks", QuantityKind.DAYS, 14, "two weeks"),
        ("a 12-month plan", QuantityKind.MONTHS, 12, "12-month"),
        ("three years", QuantityKind.MONTHS, 36, "three years"),
        ("in six payments", QuantityKind.MONTHS, 6, "in six payments"),
        ("over 4 equal installments", QuantityKind.MONTHS, 4, "over 4 equal installments"),
    ],
)
def test_a_quantity_is_read_with_its_words(text: str, kind: QuantityKind, value: int, words: str):
    [found] = quantities(text)
    assert (found.kind, found.value, text[found.start : found.end]) == (kind, value, words)


@pytest.mark.parametrize(
    "text", ["half an hour", "the 15th", "it costs 40.", "call 0800 55 12", "one", "", "a week"]
)
def test_bare_numbers_and_fractions_are_left_out(text: str):
    assert quantities(text) == ()


def test_several_quantities_keep_their_order():
    found = quantities("Take $40 off, that's ten percent, if you stay two years.")
    assert [(entry.kind, entry.value) for entry in found] == [
        (QuantityKind.MONEY, 4000),
        (QuantityKind.PERCENT, 10),
        (QuantityKind.MONTHS, 24),
    ]


@given(st.text(max_size=300))
@settings(max_examples=150, deadline=None)
def test_offsets_lie_inside_any_text(text: str):
    for entry in quantities(text):
        assert 0 <= entry.start < entry.end <= len(text)
        assert entry.value >= 0


@pytest.mark.parametrize(
    "piece",
    ["1", "one ", "a hundred ", "$", "1,111", "twenty-", "in one ", "9 ", "one hundred and "],
)
def test_long_repetitions_are_read_in_linear_time(piece: str):
    short, long = (piece * (size // len(piece)) for size in (5_000, 20_000))
    spent = []
    for text in (short, long):
        began = time.process_time()
        quantities(text)
        spent.append(time.process_time() - began)
    assert spent[1] < 10 * spent[0] + 0.05
