"""The list of indicators that authors read is what the judge answers."""

import pytest

from services.scoring_worker.judging.detectors.registry import DETECTORS
from services.scoring_worker.judging.reading import read
from shared.contracts.rubric import Polarity
from shared.library.indicators import load_indicators
from shared.library.rubrics import load_rubrics
from shared.library.skills import load_skills


def test_the_list_holds_every_detector_and_nothing_else() -> None:
    assert set(load_indicators()) == set(DETECTORS)


@pytest.mark.parametrize("key", sorted(load_indicators()))
def test_a_check_of_the_whole_conversation_is_listed_as_one(key: str, talks) -> None:
    reading = read(talks.get("support", "good"))
    assert DETECTORS[key](reading).census is load_indicators()[key].whole


def test_rubrics_use_indicators_as_they_are_listed() -> None:
    known = load_indicators()
    for spec in load_rubrics():
        for section in spec.sections:
            for criterion in section.criteria:
                assert set(criterion.skill_weights()) <= set(load_skills())
                for indicator in criterion.indicators:
                    assert known[indicator.key].polarity is indicator.polarity
    assert {each.polarity for each in known.values()} == set(Polarity)
