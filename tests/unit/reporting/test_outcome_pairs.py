"""Skills beside outcomes and practice beside real conversations: planted, absent, and said honestly."""

from datetime import date, timedelta
from uuid import UUID

import numpy as np
import pytest
from scipy.stats import spearmanr

from services.reporting.trends import people
from services.reporting.trends.limits import Kind
from services.reporting.trends.outcome_pairs import means_of, pairs_of, say_pairs
from services.reporting.trends.person_scores import Scored, person_scores
from services.reporting.trends.transfer import Gains, say_transfers, slope_of, transfers_of
from services.reporting.trends.words import STANDARD
from shared.contracts.reports.outcomes import SurveyKind

PEOPLE = [
    UUID(int=(number * 0x9E3779B97F4A7C15F39CC0605CEDC835) % 2**128) for number in range(1, 61)
]
TEAM, OTHER = UUID(int=1001), UUID(int=1002)
SKILL = "relate.empathy"


def by_person(values: np.ndarray) -> dict[UUID, float]:
    return dict(zip(PEOPLE, values.tolist(), strict=False))


class TestPairs:
    def test_a_planted_pair_is_found_and_called_a_correlation(self) -> None:
        chance = np.random.default_rng(3)
        skill = chance.normal(70, 10, 60)
        outcomes = {
            "csat-5": by_person(skill + chance.normal(0, 8, 60)),
            "handle_time": by_person(-skill + chance.normal(0, 8, 60)),
            "transfers": by_person(chance.normal(0, 8, 60)),
        }
        found = pairs_of(
            {SKILL: by_person(skill)}, outcomes, {"csat-5": "csat"}, STANDARD, min_people=5
        )
        by_outcome = {pair.outcome: pair for pair in found.pairs}
        reference = spearmanr(skill, list(outcomes["csat-5"].values()))
        csat = by_outcome["csat-5"]
        assert csat.rho == round(reference.statistic, 2)
        assert csat.p == pytest.approx(reference.pvalue, abs=1e-4)
        assert csat.is_clear
        assert csat.sentence.startswith("People with higher Empathy had more positive answers")
        assert csat.sentence.endswith("A correlation, not a cause.")
        assert "shorter handle times" in by_outcome["handle_time"].sentence
        assert not by_outcome["transfers"].is_clear
        assert "no clear correlation" in by_outcome["transfers"].sentence
        strongest = max(found.pairs, key=lambda pair: abs(pair.rho))
        assert say_pairs(found.pairs) == strongest.sentence

    def test_nothing_is_found_where_nothing_is(self) -> None:
        chance = np.random.default_rng(11)
        clear = 0
        for _ in range(40):
            skills = {f"own.s{n}": by_person(chance.normal(0, 1, 30)) for n in range(6)}
            outcomes = {f"o{n}": by_person(chance.normal(0, 1, 30)) for n in range(3)}
            kinds: dict[str, SurveyKind] = dict.fromkeys(outcomes, "csat")
            found = pairs_of(skills, outcomes, kinds, STANDARD, min_people=5)
            clear += any(pair.is_clear for pair in found.pairs)
        assert clear <= 5  # of 40 answers; .05 each

    def test_ten_people_or_more_where_wanted_and_some_variation(self) -> None:
        nine = by_person(np.arange(9.0))
        ten = by_person(np.arange(10.0))
        flat = by_person(np.ones(10))
        for skill, min_people, reason in (
            (nine, 5, "too_few_people"),
            (ten, 12, "too_few_people"),
            (flat, 5, "no_variation"),
        ):
            found = pairs_of(
                {SKILL: skill}, {"nps": ten}, {"nps": "nps"}, STANDARD, min_people=min_people
            )
            assert found.pairs == ()
            assert [hidden.reason for hidden in found.hidden] == [reason]
            assert say_pairs(found.pairs).startswith("No skill can be set beside")

    def test_people_with_little_are_left_out(self) -> None:
        assert means_of(PEOPLE[:3], [2, 3, 4], [10, 12, 20], scale=10) == {
            PEOPLE[1]: 40.0,
            PEOPLE[2]: 50.0,
        }


class TestTransfer:
    def gains(self, slope: float, *, amount: int = 40, seed: int = 5) -> Gains:
        chance = np.random.default_rng(seed)
        practice = chance.normal(6, 8, amount)
        return Gains(SKILL, practice, slope * practice + chance.normal(0, 4, amount))

    def test_a_planted_transfer_is_found_with_its_size(self) -> None:
        (found,) = transfers_of([self.gains(0.6)], STANDARD, min_people=5)
        assert found.finding == "goes_along"
        assert found.per_ten_points is not None
        assert found.per_ten_points.low <= 6.0 <= found.per_ten_points.high
        assert found.per_ten_points.low > 0
        assert "An association" in found.sentence
        assert say_transfers([found]) == found.sentence

    def test_the_other_way_round_is_said_too(self) -> None:
        (found,) = transfers_of([self.gains(-0.6)], STANDARD, min_people=5)
        assert found.finding == "goes_against"

    def test_no_transfer_is_not_shown(self) -> None:
        findings = [
            each.finding
            for seed in range(30)
            for each in transfers_of([self.gains(0.0, seed=seed)], STANDARD, min_people=5)
        ]
        assert findings.count("not_shown") >= 27

    def test_few_people_have_changes_and_no_association(self) -> None:
        (found,) = transfers_of([self.gains(0.9, amount=6)], STANDARD, min_people=5)
        assert (found.finding, found.rho, found.per_ten_points) == ("too_few_people", None, None)
        assert found.practice_change.low <= found.practice_change.value
        assert "takes 10 people" in found.sentence
        assert say_transfers([found]).startswith("Too few people")
        assert say_transfers([]).startswith("Nothing can be shown")

    def test_the_line_covers_the_truth_as_often_as_it_says(self) -> None:
        chance = np.random.default_rng(2)
        hits = 0
        for seed in range(150):
            practice = chance.normal(0, 8, 40)
            found = slope_of(practice, 0.5 * practice + chance.normal(0, 6, 40), seed=seed)
            assert found is not None
            hits += found.low <= 5.0 <= found.high
        assert 0.82 <= hits / 150 <= 0.97

    def test_no_line_where_all_gained_the_same(self) -> None:
        assert slope_of(np.ones(12), np.arange(12.0), seed=1) is None


def rollup(team: UUID, bucket: date, who: range, kind: Kind = "real") -> Scored:
    records = np.array(
        [(PEOPLE[number].bytes, 2, 100 + number) for number in who], dtype=people.PERSON
    )
    return Scored(team, SKILL, kind, bucket, people.encode(records))


class TestPersonScores:
    MONDAY = date(2026, 3, 2)

    def test_scores_of_published_weeks_are_summed_by_person(self) -> None:
        later = self.MONDAY + timedelta(days=7)
        rows = [
            rollup(TEAM, self.MONDAY, range(5)),
            rollup(TEAM, later, range(6)),
            rollup(TEAM, later, range(6), "practice"),
            rollup(TEAM, self.MONDAY + timedelta(days=35), range(2)),
        ]
        scores = person_scores(rows, (TEAM,), min_people=5, open_from=date(2026, 6, 1))
        assert scores.skills() == [SKILL]
        real = scores.tally(SKILL, "real", date(2026, 3, 1), date(2026, 4, 30))
        assert dict(zip(scores.people, real.n.tolist(), strict=True)) == {
            PEOPLE[number]: 4 if number < 5 else 2 for number in range(6)
        }
        assert dict(zip(scores.people, real.total.tolist(), strict=True))[PEOPLE[3]] == 206
        practice = scores.tally(SKILL, "practice", date(2026, 3, 1), date(2026, 3, 31))
        assert practice.n.tolist() == [2] * 6
        both = scores.tally("relate", None, date(2026, 3, 1), date(2026, 3, 31))
        assert both.n.sum() == real.n.sum() + practice.n.sum()

    def test_weeks_of_too_few_and_open_ones_count_nowhere(self) -> None:
        rows = [rollup(TEAM, self.MONDAY, range(4)), rollup(OTHER, self.MONDAY, range(8, 14))]
        march = (date(2026, 3, 1), date(2026, 3, 31))
        scores = person_scores(rows, (TEAM,), min_people=5, open_from=date(2026, 6, 1))
        assert scores.tally(SKILL, "real", *march).n.sum() == 0
        scores = person_scores(rows, (TEAM, OTHER), min_people=5, open_from=date(2026, 6, 1))
        assert scores.tally(SKILL, "real", *march).n.sum() == 12
        scores = person_scores(rows, None, min_people=5, open_from=self.MONDAY)
        assert scores.tally(SKILL, "real", *march).n.sum() == 0

    def test_nobody(self) -> None:
        scores = person_scores([], None, min_people=5, open_from=self.MONDAY)
        assert scores.skills() == []
        assert scores.tally(SKILL, None, self.MONDAY, self.MONDAY).n.tolist() == []
