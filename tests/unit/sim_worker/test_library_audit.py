"""The embedded customer has no faults, and the audit would find them in every scenario."""

from collections.abc import Mapping
from typing import Any

import pytest

from services.sim_worker.engine.conversation import start
from services.sim_worker.engine.learners import PROFILES
from services.sim_worker.engine.playing import play_profile
from shared.audit.audit import AuditedTurn, audit
from shared.contracts.scenario import ScenarioSpec
from shared.contracts.simulation import Surface
from shared.library import load_scenarios
from tests.support.audited import audited


def library_faults(scenario: ScenarioSpec, seeds: range) -> Mapping[tuple[str, int], Any]:
    found = {}
    for profile in PROFILES:
        for seed in seeds:
            trace = play_profile(scenario, profile, seed=seed)
            faults = audit(scenario, audited(scenario, trace), trace.end_reason)
            if faults:
                found[profile, seed] = faults
    return found


@pytest.mark.parametrize("scenario", load_scenarios(), ids=lambda item: item.slug)
class TestLibrary:
    def test_the_embedded_customer_has_no_faults(self, scenario: ScenarioSpec) -> None:
        assert library_faults(scenario, range(1)) == {}

    @pytest.mark.slow
    def test_nor_with_other_seeds(self, scenario: ScenarioSpec) -> None:
        assert library_faults(scenario, range(1, 5)) == {}

    def test_a_fact_told_too_early_is_always_found(self, scenario: ScenarioSpec) -> None:
        opening = scenario.opening.lines[0]
        state = start(scenario)
        for fact in scenario.facts:
            turns = [
                AuditedTurn(seq=0, role="customer", text=opening, state=state),
                AuditedTurn(seq=1, role="learner", text="Hello."),
                AuditedTurn(
                    seq=2, role="customer", text=fact.text, state=state, surface=Surface.ANSWER
                ),
            ]
            leaked = {x.subject for x in audit(scenario, turns, None) if x.code == "fact_leaked"}
            assert fact.key in leaked
