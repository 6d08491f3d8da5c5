"""The standard fits the taxonomy and the detectors, or does not load."""

import pytest

from services.scoring_worker.judging.detectors.registry import DETECTORS
from services.scoring_worker.judging.standard import (
    StandardError,
    check_standard,
    load_standard,
    standard_hash,
)
from shared.contracts.rubric import Indicator, Polarity
from shared.library.skills import Seen, load_skills


def test_every_skill_of_a_transcript_and_no_other() -> None:
    visible = [key for key, skill in load_skills().items() if Seen.TRANSCRIPT in skill.seen]
    assert list(load_standard()) == visible
    assert len(visible) == 37


def test_indicators_are_answered_and_mixed() -> None:
    for skill, indicators in load_standard().items():
        keys = [item.key for item in indicators]
        assert len(set(keys)) == len(keys), skill
        assert set(keys) <= DETECTORS.keys()
        assert {item.polarity for item in indicators} == set(Polarity), skill


def test_one_key_means_the_same_everywhere() -> None:
    meanings: dict[str, Polarity] = {}
    for indicators in load_standard().values():
        for item in indicators:
            assert meanings.setdefault(item.key, item.polarity) is item.polarity


def test_the_hash_names_the_content() -> None:
    assert len(standard_hash()) == 12
    assert standard_hash() == standard_hash()


def _with(skill: str, *indicators: Indicator) -> dict[str, tuple[Indicator, ...]]:
    return dict(load_standard()) | {skill: indicators}


GOOD = Indicator(key="greets", title="Greets", polarity=Polarity.GOOD, weight=10)
BAD = Indicator(key="rude", title="Is rude", polarity=Polarity.BAD, weight=10)
UNKNOWN = Indicator(key="smiles", title="Smiles", polarity=Polarity.GOOD, weight=10)


class TestRefused:
    def test_a_skill_is_missing(self) -> None:
        standard = dict(load_standard())
        del standard["relate.empathy"]
        with pytest.raises(StandardError, match=r"relate\.empathy"):
            check_standard(standard)

    def test_a_skill_that_no_transcript_shows(self) -> None:
        with pytest.raises(StandardError, match=r"grow\.growth_mindset"):
            check_standard(_with("grow.growth_mindset", GOOD, BAD))

    @pytest.mark.parametrize(
        ("indicators", "message"),
        [
            ((GOOD, GOOD), "twice"),
            ((GOOD,), "1 indicators"),
            ((BAD, UNKNOWN), "smiles"),
            ((BAD, BAD), "twice"),
        ],
    )
    def test_a_skill_with_odd_indicators(
        self, indicators: tuple[Indicator, ...], message: str
    ) -> None:
        with pytest.raises(StandardError, match=message):
            check_standard(_with("relate.empathy", *indicators))

    def test_a_skill_with_bad_indicators_only(self) -> None:
        worse = Indicator(key="mocks", title="Mocks", polarity=Polarity.BAD, weight=10)
        with pytest.raises(StandardError, match="no good indicator"):
            check_standard(_with("relate.empathy", BAD, worse))
