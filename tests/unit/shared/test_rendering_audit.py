"""The audit of conversations in other languages: no false faults, and what shows all the same."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from shared.audit.audit import AuditedTurn, audit
from tests.support.audited import SCENARIO, talk


def found(line: str, learner: str | None = None) -> list[str]:
    turns: Sequence[AuditedTurn] = talk(line)
    if learner is not None:
        turns = [replace(t, text=learner) if t.role == "learner" else t for t in turns]
    return [fault.code for fault in audit(SCENARIO, turns, None, is_english=False)]


@pytest.mark.parametrize(
    "line",
    [
        "Ich habe 20 Prozent weniger bezahlt, und das seit 7 Tagen.",
        "My name is nobody here, it is in a song.",
        "Das Health-Inspector-Handbuch liegt hier.",
        "Wie kann ich Ihnen helfen? How can I help you?",
        "...!",
    ],
)
def test_what_takes_english_to_be_seen_is_no_fault(line: str) -> None:
    assert set(found(line)) <= {"empty_line"}
    assert "fact_leaked" not in found(line)


@pytest.mark.parametrize("figure", ["48.250", "48,250", "48\u00a0250", "48250"])
def test_a_long_figure_of_a_locked_fact_leaks_in_any_language(figure: str) -> None:
    assert found(f"Ich schulde der Bank {figure} Dollar.") == ["fact_leaked"]
    assert found(f"Ja, {figure} Dollar.", learner="Sie schulden 48.250 Dollar?") == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("**Nein**, das will ich nicht.", "markup"),
        ("wort " * 130, "too_long"),
        ("Das ist mir egal, ja? Das ist mir egal, ja?", "repeated_line"),
    ],
)
def test_what_shows_in_any_language_is_found(line: str, code: str) -> None:
    assert found(line) == [code]
