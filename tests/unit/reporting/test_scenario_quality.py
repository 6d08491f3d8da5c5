"""Difficulty whoever played, and discrimination, on planted tenants."""

from uuid import UUID

import numpy as np
import pytest

from services.reporting.trends.scenario_quality import (
    Played,
    ScenarioQuality,
    fit,
    scenario_quality,
)


def planted(
    ease: list[float],
    ability: list[float],
    *,
    tries: int = 3,
    noise: float = 6.0,
    plays: object = None,
    blind: int | None = None,
) -> list[Played]:
    """Attempts of a tenant: `plays[person][scenario]`; in `blind` ability does not matter."""
    random = np.random.default_rng(11)
    rows = []
    for scenario, easy in enumerate(ease):
        for person, able in enumerate(ability):
            if isinstance(plays, np.ndarray) and not plays[person, scenario]:
                continue
            counts = 0.0 if scenario == blind else able
            scores = np.clip(np.rint(random.normal(60 + easy + counts, noise, tries)), 0, 100)
            rows.append(
                Played(
                    scenario_id=UUID(int=scenario + 1),
                    person=person + 1,
                    n=tries,
                    total=int(scores.sum()),
                    graded=tries,
                    passed=int((scores >= 70).sum()),
                )
            )
    return rows


def by_number(found: tuple[ScenarioQuality, ...]) -> dict[int, ScenarioQuality]:
    return {each.scenario_id.int - 1: each for each in found}


ABILITY = np.random.default_rng(3).normal(0, 10, 40).tolist()


def test_hard_scenarios_are_hard_whoever_played_them() -> None:
    # The strong half plays the hard scenario, the weak half the easy one; all play the third.
    order = np.argsort(ABILITY)
    plays = np.zeros((40, 3), dtype=bool)
    plays[order[20:], 0] = plays[order[:20], 1] = True
    plays[:, 2] = True
    found = by_number(scenario_quality(planted([-10, 10, 0], ABILITY, plays=plays)))

    hard, easy = found[0], found[1]
    assert hard.mean is not None
    assert easy.mean is not None
    assert abs(hard.mean - easy.mean) < 8  # who looks at means only sees nearly nothing of the 20
    assert hard.ease is not None
    assert easy.ease is not None
    assert easy.ease - hard.ease > 12
    assert hard.expected is not None
    assert hard.expected.low < 60 - 10 + 3
    assert hard.expected.high < 60


def test_everybody_plays_everything() -> None:
    found = by_number(scenario_quality(planted([-8, 0, 8], ABILITY)))

    for number, planted_ease in enumerate([-8, 0, 8]):
        ease = found[number].ease
        assert ease == pytest.approx(planted_ease, abs=2)
        assert found[number].people == 40
        assert found[number].n == 120
    assert found[2].quality == "fine"


def test_a_scenario_in_which_ability_does_not_matter_is_found() -> None:
    found = by_number(scenario_quality(planted([0, 0, 0, 0], ABILITY, blind=2)))

    for number in (0, 1, 3):
        separation = found[number].separation
        assert separation is not None
        assert separation.low > 0.5
    blind = found[2].separation
    assert blind is not None
    assert abs(blind.value) < 0.35
    assert blind.people == 40


def test_separation_is_the_corrected_item_total_correlation() -> None:
    rows = planted([0, 0, 0], ABILITY)
    found = by_number(scenario_quality(rows))

    table = np.zeros((40, 3))
    for row in rows:
        table[row.person - 1, row.scenario_id.int - 1] = row.total / row.n
    expected = np.corrcoef(table[:, 0], table[:, 1:].mean(axis=1))[0, 1]
    separation = found[0].separation
    assert separation is not None
    assert separation.value == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("ease", "quality"), [(35, "too_easy"), (-35, "too_hard")])
def test_what_everybody_or_nobody_passes(ease: float, quality: str) -> None:
    able = np.random.default_rng(5).normal(0, 2, 60).tolist()
    found = by_number(scenario_quality(planted([ease, 0], able, noise=3)))

    assert found[0].quality == quality


def test_too_few_people_give_no_numbers() -> None:
    plays = np.ones((40, 2), dtype=bool)
    plays[4:, 0] = False
    found = by_number(scenario_quality(planted([0, 0], ABILITY, plays=plays), min_people=5))

    few = found[0]
    assert (few.quality, few.people) == ("too_little_data", 4)
    assert (few.mean, few.pass_share, few.expected, few.ease, few.separation) == (None,) * 5


def test_separation_needs_ten_people_and_scores_elsewhere() -> None:
    nine = planted([0, 0], ABILITY[:9])
    alone = planted([0], ABILITY)

    assert by_number(scenario_quality(nine))[0].separation is None
    assert by_number(scenario_quality(alone))[0].separation is None


def test_nobody_has_played() -> None:
    assert scenario_quality([]) == ()
    assert fit([]).mean == 0


def test_order_does_not_matter() -> None:
    rows = planted([-5, 5], ABILITY)

    for one, other in zip(scenario_quality(rows), scenario_quality(rows[::-1]), strict=True):
        assert one.scenario_id == other.scenario_id
        assert one.ease == pytest.approx(other.ease)
        assert one.quality == other.quality


def test_intervals_of_the_expected_score_hold_the_truth() -> None:
    held = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        able = random.normal(0, 10, 30)
        plays = random.random((30, 4)) < 0.6
        eases = [-6.0, -2.0, 2.0, 6.0]
        rows = []
        for person, scenario in np.argwhere(plays):
            score = int(
                np.clip(np.rint(random.normal(60 + eases[scenario] + able[person], 12)), 0, 100)
            )
            rows.append(
                Played(
                    scenario_id=UUID(int=int(scenario) + 1),
                    person=int(person) + 1,
                    n=1,
                    total=score,
                    graded=1,
                    passed=0,
                )
            )
        truth = {number: 60 + each + float(able.mean()) for number, each in enumerate(eases)}
        for number, each in by_number(scenario_quality(rows)).items():
            assert each.expected is not None
            held += each.expected.low <= truth[number] <= each.expected.high

    assert held / 160 >= 0.8
