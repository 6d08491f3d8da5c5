"""Trials of drafts: what scripted learners must and must not reach."""

from itertools import count

import pytest
from msgspec.structs import replace

from services.sim_worker.drafting.trial_run import play_one, plays
from shared.contracts.scenario import ScenarioSpec
from shared.contracts.simulation import EndReason
from shared.drafting.trial import PROFILES, RULES, SEEDS, Played, due, report
from shared.library import load_scenarios

SPEC = next(spec for spec in load_scenarios() if spec.slug == "support-nervous-warm-cooler")
FACTS = tuple(fact.key for fact in SPEC.facts)


def one(profile: str, end: EndReason = EndReason.CUSTOMER_LEFT, **fields: object) -> Played:
    made = Played(profile=profile, end_reason=end, open_facts=FACTS, faults=(), longest_repeat=1)
    return replace(made, **fields)


def all_played(**ends: EndReason) -> list[Played]:
    """Return conversations that pass, but for the profiles that are named with an end."""
    usual = {"skilled": EndReason.GOAL_MET}
    return [
        one(
            profile,
            ends.get(profile.replace("-", "_"), usual.get(profile, EndReason.CUSTOMER_LEFT)),
        )
        for profile in PROFILES
        for _ in range(SEEDS)
    ]


def codes(spec: ScenarioSpec, played: list[Played]) -> list[str]:
    return [finding.code for finding in report(spec, played).findings]


class TestRules:
    def test_nothing_wrong_passes(self) -> None:
        told = report(SPEC, all_played())
        assert told.passed
        assert told.findings == ()
        assert {o.profile: o.goal_met for o in told.outcomes}["skilled"] == SEEDS

    @pytest.mark.parametrize(("met", "passes"), [(6, True), (4, True), (3, False), (0, False)])
    def test_the_skilled_learner_must_mostly_succeed(self, met: int, *, passes: bool) -> None:
        numbers = count()
        played = [
            replace(each, end_reason=EndReason.MAX_TURNS)
            if each.profile == "skilled" and next(numbers) >= met
            else each
            for each in all_played()
        ]
        assert report(SPEC, played).passed is passes

    def test_the_rude_learner_must_not(self) -> None:
        assert codes(SPEC, all_played(rude=EndReason.GOAL_MET)) == ["trial-rude-succeeds"]

    def test_nor_must_the_one_who_gives_away_unless_gifts_are_allowed(self) -> None:
        played = all_played(pushover=EndReason.GOAL_MET)
        assert codes(SPEC, played) == ["trial-pushover-succeeds"]
        assert codes(replace(SPEC, allows_give_away=True), played) == []

    def test_a_fault_of_the_simulator_fails(self) -> None:
        assert codes(SPEC, [*all_played(), one("average", faults=("leaked", "leaked"))]) == [
            "trial-simulator-fault"
        ]

    def test_a_customer_who_repeats_is_stuck(self) -> None:
        assert codes(SPEC, [*all_played(), one("average", longest_repeat=3)]) == ["trial-stuck"]

    def test_a_fact_that_nobody_finds_is_advice(self) -> None:
        told = report(SPEC, [replace(each, open_facts=FACTS[1:]) for each in all_played()])
        assert [finding.code for finding in told.findings] == ["trial-fact-hidden"]
        assert told.passed

    def test_every_rule_has_words(self) -> None:
        assert all(rule.when and rule.advice for rule in RULES.values())


class TestDue:
    def test_only_the_present_revision_counts(self) -> None:
        good = report(SPEC, all_played())
        bad = report(SPEC, all_played(rude=EndReason.GOAL_MET))
        assert due(2, 2, good) == ()
        assert [each.code for each in due(2, 2, bad)] == ["trial-rude-succeeds"]
        assert [each.code for each in due(3, 2, good)] == ["trial-due"]
        assert [each.code for each in due(1, None, None)] == ["trial-due"]


class TestPlaying:
    def test_a_built_in_scenario_passes(self) -> None:
        played = list(plays(SPEC, seeds=2))
        assert len(played) == 2 * len(PROFILES)
        assert report(SPEC, played).passed

    def test_the_same_seed_gives_the_same(self) -> None:
        assert play_one(SPEC, "average", 3) == play_one(SPEC, "average", 3)

    def test_a_case_whose_words_insult_the_customer_fails(self) -> None:
        insult = "It's your own fault, you idiot, and I don't care."
        said = SPEC.case | {"ownership": insult, "promise": f"I'll say it again: {insult}"}
        told = report(SPEC, list(plays(replace(SPEC, case=said), seeds=3)))
        assert "trial-skilled-fails" in {finding.code for finding in told.findings}
