"""Personal data leaves as marks; facts of the scenario stay; JSON stays JSON."""

import json
import time
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.library import load_scenarios
from shared.redaction.checksums import iban, luhn
from shared.redaction.redactor import PatternRedactor
from tests.support.redaction_cases import Case, cases, read

REDACTOR = PatternRedactor()
DOCUMENTED = ("EMAIL", "IBAN", "CARD", "IP", "PHONE", "ID", "BIRTHDAY", "NAME", "NONE")
"""Kinds in the order of the table in docs/costs.md."""

HELD_OUT = 77
"""Seed of a set that nobody looked at while the recognizers were written."""


def counted(drawn: list[Case]) -> tuple[Counter[str], Counter[str]]:
    """Cases by kind: those of which nothing personal is left (of NONE: left alone), and all."""
    good: Counter[str] = Counter()
    for case in drawn:
        found = REDACTOR.redact([case.text], names=case.names)
        if case.personal:
            good[case.kind] += not any(words in found.texts[0] for words in case.personal)
        else:
            good[case.kind] += not found.marks
    return good, Counter(case.kind for case in drawn)


class TestMeasured:
    def test_the_committed_set_is_the_generated_one(self) -> None:
        assert read() == cases()

    @pytest.mark.parametrize("drawn", [read(), cases(HELD_OUT)], ids=["committed", "held-out"])
    def test_nineteen_of_twenty_are_found_of_every_kind(self, drawn: list[Case]) -> None:
        good, total = counted(drawn)
        found = {kind: good[kind] / total[kind] for kind in total}
        assert set(found) == {
            "EMAIL", "CARD", "IBAN", "PHONE", "IP", "ID", "BIRTHDAY", "NAME", "NONE",
        }  # fmt: skip
        assert all(share >= 0.95 for share in found.values()), found

    @pytest.mark.parametrize(
        ("row", "drawn"), [("committed set", read()), ("drawn anew", cases(HELD_OUT))]
    )
    def test_the_documentation_reports_recall_and_over_redaction_as_measured(
        self, row: str, drawn: list[Case], repository_root: Path
    ) -> None:
        good, total = counted(drawn)
        cells = " | ".join(f"{good[kind]} of {total[kind]}" for kind in DOCUMENTED)
        text = (repository_root / "docs" / "costs.md").read_text(encoding="utf-8")
        assert f"\n| {row} | {cells} |\n" in text

    def test_the_librarys_own_texts_stay_as_they_are(self) -> None:
        texts = [msgspec.json.encode(scenario).decode() for scenario in load_scenarios()]
        touched = [words for text in texts for words in REDACTOR.redact([text]).marks.values()]
        assert sum(map(len, texts)) > 400_000
        assert len(touched) <= 3, touched


class TestMarks:
    def test_the_same_words_get_the_same_mark_in_all_texts(self) -> None:
        found = REDACTOR.redact(["a@b.example, c@d.example", "again a@b.example"])
        assert found.texts == ("[EMAIL_1], [EMAIL_2]", "again [EMAIL_1]")
        assert found.marks == {"[EMAIL_1]": "a@b.example", "[EMAIL_2]": "c@d.example"}

    def test_a_mark_that_somebody_typed_is_not_given_away(self) -> None:
        found = REDACTOR.redact(["I wrote [EMAIL_1] and a@b.example"])
        assert found.texts == ("I wrote [EMAIL_1] and [EMAIL_2]",)

    def test_json_stays_json_with_the_same_structure(self) -> None:
        said = 'line\nanna@example.com\t"+43 664 1234567"\\Noor'
        text = json.dumps([{"text": said, "id": 7}])
        found = REDACTOR.redact([text], names=["Noor Haddad"])
        decoded = json.loads(found.texts[0])
        assert decoded == [{"text": 'line\n[EMAIL_1]\t"[PHONE_1]"\\[NAME_1]', "id": 7}]

    def test_facts_of_the_scenario_stay(self) -> None:
        text = "Case 0664 1234567: the IP is 10.1.2.3, mine is 10.9.9.9"
        found = REDACTOR.redact([text], kept=["0664 1234567", "10.1.2.3"])
        assert found.texts == ("Case 0664 1234567: the IP is 10.1.2.3, mine is [IP_1]",)

    def test_names_that_are_words_stay_words(self) -> None:
        found = REDACTOR.redact(
            ["Will it come, Will? It will, in May.", "will green said so"], names=["Will Green"]
        )
        assert found.texts == ("[NAME_1] it come, [NAME_1]? It will, in May.", "[NAME_2] said so")

    def test_nothing_to_hide_is_the_same_object(self) -> None:
        text = "Nothing personal here, order 4711 cost 34.50."
        found = REDACTOR.redact([text])
        assert found.texts[0] is text
        assert found.marks == {}


class TestAnyText:
    @given(st.lists(st.text(), max_size=4), st.lists(st.text(max_size=12), max_size=3))
    def test_putting_the_marks_back_gives_the_texts(
        self, texts: list[str], names: list[str]
    ) -> None:
        found = REDACTOR.redact(texts, names=names, kept=texts[:1])
        for text, marked in zip(texts, found.texts, strict=True):
            restored = marked
            for mark, words in found.marks.items():
                restored = restored.replace(mark, words)
            assert restored == text

    @given(st.recursive(st.text(alphabet='ab@.0123456789+-: \\"\n/N', max_size=40), st.lists))
    def test_json_of_anything_stays_json(self, value: object) -> None:
        found = REDACTOR.redact([json.dumps(value)], names=["Nab Bab"])
        json.loads(found.texts[0])

    @given(st.integers(min_value=0, max_value=10**15))
    def test_luhn_takes_one_of_ten(self, number: int) -> None:
        assert sum(luhn(f"{number}{digit}") for digit in range(10)) == 1

    def test_known_ibans(self) -> None:
        assert iban("GB82WEST12345698765432")
        assert not iban("GB82WEST12345698765433")
        assert not iban("GB82WEST1234569876543")


SIZE = 20_000
EVIL = {
    "letters before a sign": "a" * SIZE + "@",
    "letters around a sign": "a" * (SIZE // 2) + "@" + "a" * (SIZE // 2),
    "dots and no sign": "a." * (SIZE // 2) + " at)",
    "blanks after a word": "born" + " " * SIZE + "x",
    "blanks after a document": "12345678 passport" + " " * SIZE + "x",
    "many addresses": "".join(f"a{number}@b.co " for number in range(SIZE // 10)),
    "many numbers": "1 " * (SIZE // 2),
}


class TestPatience:
    @pytest.mark.parametrize("shape", EVIL)
    def test_no_text_keeps_others_waiting(self, shape: str) -> None:
        started = time.process_time()
        REDACTOR.redact([EVIL[shape]], kept=["a.a", "b.co 1"])
        assert time.process_time() - started < 2

    def test_after_many_numbers_what_looks_like_one_is_one(self) -> None:
        numbers = [f"{number}" + " 1" * 13 for number in range(300, 600)]
        found = REDACTOR.redact([" and ".join(numbers)])
        left = [words for words in numbers if words in found.texts[0]]
        assert len(left) > 150
        assert not set(left) & set(numbers[210:])  # some are a card's by their check digit
