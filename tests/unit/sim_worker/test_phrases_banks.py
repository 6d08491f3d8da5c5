"""The common banks as data: deep enough, well formed, true of every scenario."""

import re
from collections.abc import Iterator
from itertools import chain

import pytest

from services.sim_worker.engine.bank import BANK
from services.sim_worker.engine.grammar import Line, parse, sentence_count, sentences
from services.sim_worker.engine.slots import fill
from services.sim_worker.engine.wording import slots_of
from shared.contracts.scenario import ScenarioSpec
from shared.library import load_scenarios

SCENARIOS = load_scenarios()
BANKS: dict[str, tuple[Line, ...]] = {
    **{f"b:{name}": lines for name, lines in BANK.bodies.items()},
    **{f"r:{act.value}": lines for act, lines in BANK.reactions.items()},
    "e:after": BANK.tails.after,
    "e:asked": BANK.tails.asked,
}
LEADS = (*BANK.leads.statement, *BANK.leads.question, *BANK.leads.but)
SAMPLE = 40
"""Variants of one line that are looked at."""


def texts(lines: tuple[Line, ...]) -> Iterator[str]:
    for line in lines:
        yield from (line.variant(number) for number in range(min(line.variants, SAMPLE)))


ALL = tuple(chain.from_iterable(texts(lines) for lines in BANKS.values()))


@pytest.mark.parametrize("name", BANKS)
def test_a_bank_is_deep(name: str):
    lines = BANKS[name]
    assert len(lines) >= 12 or sum(line.variants for line in lines) >= 60


@pytest.mark.parametrize("name", BANKS)
def test_lines_are_one_to_three_clean_sentences(name: str):
    for text in texts(BANKS[name]):
        assert 1 <= sentence_count(text) <= 3, text
        assert text[0].isupper() or text[0] in "{.", text
        assert text.endswith((".", "?", "!")), text
        assert "  " not in text
        assert not re.search(r"\s[.,?!]", text.replace("...", "")), text
        assert not re.search(r"\b(\w+) \1\b", text.lower().replace("that that", "")), text


def test_no_line_is_a_stage_direction_or_markup():
    assert not [text for text in ALL if re.search(r"[*_#`<>\[\]()|]", re.sub(r"{\w+}", "", text))]


def test_no_line_coaches_or_leaves_the_role():
    words = (
        r"\b(empath|rubric|score|prompt|language model|AI|scenario|simulat|persona\b|role-?play"
        r"|open question|acknowledge my|feedback|learner|practi[cs]e this)"
    )
    assert not [text for text in ALL if re.search(words, text)]


def test_no_sentence_stands_in_two_lines():
    places: dict[str, set[tuple[str, int]]] = {}
    for name, lines in BANKS.items():
        for number, line in enumerate(lines):
            for sentence in chain.from_iterable(map(sentences, texts((line,)))):
                if len(sentence.split()) > 2:
                    places.setdefault(sentence, set()).add((name, number))
    assert not [sentence for sentence, found in places.items() if len(found) > 1]


def test_contractions_are_usual():
    short = sum("'" in text for text in ALL)
    stiff = [text for text in ALL if re.search(r"\b(do not|I am|is not|cannot|it is)\b", text)]
    assert short / len(ALL) > 0.35
    assert len(stiff) / len(ALL) < 0.05


def test_first_words_end_in_a_comma_or_are_a_conjunction():
    assert all(line.text.endswith(",") or line.text == "But" for line in LEADS)
    assert all(line.variants == 1 for line in LEADS)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.slug)
class TestEveryScenario:
    def test_every_line_fills(self, scenario: ScenarioSpec):
        slots = slots_of(scenario, "tomorrow")
        for text in ALL:
            filled = fill(text, slots)
            assert not re.search(r"[{}]|\bNone\b", filled)
            assert filled[0].isupper() or not filled[0].isalpha()


class TestGrammar:
    def test_choices_multiply(self):
        line = parse("@hot @curt @said:calm,be_quiet (You|They) said (so|that).")
        assert line.variants == 4
        assert {line.variant(number) for number in range(4)} == {
            "You said so.",
            "They said so.",
            "You said that.",
            "They said that.",
        }
        assert (line.heat, line.style) == ({"hot"}, {"curt"})
        assert line.said == ("calm", "be quiet")

    @pytest.mark.parametrize("source", ["@tepid Yes.", "@mood:calm Yes."])
    def test_an_unknown_mark_is_refused(self, source: str):
        with pytest.raises(ValueError, match="unknown mark"):
            parse(source)

    def test_a_line_for_just_this_is_likelier(self):
        assert parse("Yes.").weight < parse("@curt Yes.").weight < parse("@said:calm Yes.").weight
