"""Skill decides how a conversation ends, over the whole library and for every kind of learner."""

from collections.abc import Sequence

import pytest

from services.sim_worker.engine.learners import PROFILES
from shared.contracts.simulation import EndReason
from shared.library import load_scenarios
from tests.support.separation import Played, play_all, resolved

COMPARED = ("skilled", "average", "rude", "policy-robot", "pushover")
SEEDS = 3
ALL_SEEDS = 30


@pytest.fixture(scope="module")
def few() -> list[Played]:
    """A few conversations of each kind, quick enough for every run."""
    return play_all(load_scenarios(), COMPARED, range(SEEDS))


@pytest.fixture(scope="module")
def many() -> list[Played]:
    """The full count, with every learner there is."""
    return play_all(load_scenarios(), tuple(PROFILES), range(ALL_SEEDS))


def check_shares(played: Sequence[Played]) -> None:
    """Skilled ones resolve, rude and cold ones do not, average ones sometimes."""
    shares = {name: resolved(played, name) for name in COMPARED}
    assert shares["skilled"] >= 0.95, shares
    assert 0.30 <= shares["average"] <= 0.70, shares
    assert shares["rude"] <= 0.05, shares
    assert shares["policy-robot"] <= 0.05, shares


def check_calm(played: Sequence[Played]) -> None:
    """The same customer is calmer at the end with a skilled learner than with a rude one."""
    at_end = {(item.scenario, item.seed, item.profile): item.frustration for item in played}
    worse = [
        (scenario, seed)
        for scenario, seed, profile in at_end
        if profile == "skilled"
        and at_end[scenario, seed, "skilled"] >= at_end[scenario, seed, "rude"]
    ]
    assert worse == []


def check_gifts(played: Sequence[Played]) -> None:
    """Giving everything away is no good end, unless the scenario allows it."""
    allowed = {spec.slug for spec in load_scenarios() if spec.allows_give_away}
    bought = [
        (item.scenario, item.seed)
        for item in played
        if item.profile == "pushover" and item.is_resolved and item.scenario not in allowed
    ]
    assert bought == []


class TestAFewSeeds:
    def test_skill_decides_the_outcome(self, few: list[Played]):
        check_shares(few)

    def test_skill_calms(self, few: list[Played]):
        check_calm(few)

    def test_a_gift_is_not_a_solution(self, few: list[Played]):
        check_gifts(few)


@pytest.mark.slow
@pytest.mark.timeout(1800)  # 8,100 conversations, played once
class TestManySeeds:
    def test_skill_decides_the_outcome(self, many: list[Played]):
        check_shares(many)

    def test_skill_calms(self, many: list[Played]):
        check_calm(many)

    def test_a_gift_is_not_a_solution(self, many: list[Played]):
        check_gifts(many)

    @pytest.mark.parametrize("profile", ["unskilled", "silent", "parrot", "prompt-attacker"])
    def test_who_brings_nothing_gets_nothing(self, many: list[Played], profile: str):
        assert resolved(many, profile) <= 0.05

    def test_every_conversation_ends_for_a_reason(self, many: list[Played]):
        ended = {item.end for item in many}
        assert ended <= {
            EndReason.GOAL_MET,
            EndReason.LEARNER_ENDED,
            EndReason.CUSTOMER_LEFT,
            EndReason.MAX_TURNS,
            EndReason.OUT_OF_POLICY,
            EndReason.ESCALATED,
        }
        assert {EndReason.GOAL_MET, EndReason.CUSTOMER_LEFT} <= ended
