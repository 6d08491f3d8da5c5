"""What the accounting says about each fact is what a reader of the transcript counts."""

from pathlib import Path

import msgspec
import pytest
import yaml

from services.sim_worker.engine.playing import play_lines
from shared.audit.audit import audit, fact_outcomes
from shared.contracts.simulation import FactOutcome, Fault
from shared.library import load_scenarios
from tests.support.audited import audited

SCENARIOS = {scenario.slug: scenario for scenario in load_scenarios()}


class Counted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A conversation with the count."""

    scenario: str
    seed: int
    said: tuple[str, ...]
    elicited: tuple[str, ...]
    volunteered: tuple[str, ...]
    undiscovered: tuple[str, ...]

    @property
    def outcomes(self) -> dict[str, FactOutcome]:
        return {
            **dict.fromkeys(self.elicited, FactOutcome.ELICITED),
            **dict.fromkeys(self.volunteered, FactOutcome.VOLUNTEERED),
            **dict.fromkeys(self.undiscovered, FactOutcome.UNDISCOVERED),
        }


BY_HAND = msgspec.convert(
    yaml.safe_load(Path(__file__).with_name("discovery_by_hand.yaml").read_text()),
    tuple[Counted, ...],
)


def test_there_are_twenty() -> None:
    assert len(BY_HAND) == 20
    assert {outcome for item in BY_HAND for outcome in item.outcomes.values()} == {
        FactOutcome.ELICITED,
        FactOutcome.VOLUNTEERED,
        FactOutcome.UNDISCOVERED,
    }


@pytest.mark.parametrize(
    "counted", BY_HAND, ids=[f"{n}-{item.scenario}" for n, item in enumerate(BY_HAND)]
)
class TestAccounting:
    def test_equals_the_count_by_hand(self, counted: Counted) -> None:
        scenario = SCENARIOS[counted.scenario]
        trace = play_lines(scenario, counted.said, seed=counted.seed)
        assert len(trace.exchanges) == len(counted.said)
        faults = audit(scenario, audited(scenario, trace), trace.end_reason)
        assert faults == ()
        assert fact_outcomes(scenario, trace.state, faults) == counted.outcomes

    def test_what_is_told_stands_in_the_replies(self, counted: Counted) -> None:
        scenario = SCENARIOS[counted.scenario]
        trace = play_lines(scenario, counted.said, seed=counted.seed)
        heard = "\n".join(exchange.reply for exchange in trace.exchanges)
        assert {fact.key for fact in scenario.facts if fact.text in heard} == {
            *counted.elicited,
            *counted.volunteered,
        }

    def test_a_wording_that_tells_too_much_leaks(self, counted: Counted) -> None:
        scenario = SCENARIOS[counted.scenario]
        trace = play_lines(scenario, counted.said, seed=counted.seed)
        for fact in scenario.facts:
            reply = trace.exchanges[0].reply
            turns = audited(scenario, trace, {2: f"{reply} {fact.text}"})
            faults = audit(scenario, turns, trace.end_reason)
            leaked = Fault(code="fact_leaked", seq=2, subject=fact.key)
            assert leaked in faults
            outcomes = fact_outcomes(scenario, trace.state, faults)
            assert outcomes[fact.key] is FactOutcome.LEAKED
            others = {x.subject for x in faults if x.code == "fact_leaked"}
            assert {key for key, value in outcomes.items() if value is FactOutcome.LEAKED} == others
