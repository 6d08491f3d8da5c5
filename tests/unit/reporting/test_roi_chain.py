"""The arithmetic of a return, worked out by hand, and what may count in it."""

from typing import Any

import msgspec
import pytest

from services.reporting.trends.roi import (
    Effect,
    benefits_of,
    handed_in_effect,
    returns,
    weigh,
    worth_of,
)
from services.reporting.trends.roi_words import headline, return_sentence
from shared.contracts.reports.roi import EffectInterval, HandedIn, Metric, ReturnLevel


def metric(**fields: Any) -> Metric:
    usual = {
        "key": "calls",
        "label": "Calls saved",
        "measure": "handle_time",
        "unit_value": 2.0,
        "units_per_year": 1000.0,
        "isolation_share": 0.5,
        "confidence_share": 0.8,
    }
    return Metric(**{**usual, **fields})


def effect(value: float, low: float | None, high: float | None, isolation="comparison") -> Effect:
    interval = None if low is None or high is None else EffectInterval(low=low, high=high)
    return Effect(
        before=10.0, after=10.0 + value, effect=value, interval=interval, isolation=isolation
    )


def test_level_five_by_hand() -> None:
    found = returns(51_000.0, 1_000.0)
    assert (found.bcr, found.roi_percent, found.payback_months) == (51.0, 5000.0, 0.2)


def test_a_loss_is_a_negative_return_and_is_never_paid_back() -> None:
    found = returns(-500.0, 1_000.0)
    assert (found.bcr, found.roi_percent, found.payback_months) == (-0.5, -150.0, None)


def test_without_costs_there_is_no_ratio() -> None:
    found = returns(500.0, 0.0)
    assert (found.bcr, found.roi_percent, found.payback_months) == (None, None, 0.0)


def test_a_proven_effect_is_not_shared_twice() -> None:
    # A comparison has isolated the change already: only confidence is taken off.
    said = weigh(metric(), effect(3.0, 1.0, 5.0))
    assert said.benefit == pytest.approx(3.0 * 2 * 1000 * 0.8)
    assert (said.is_proven, said.isolation_share) == (True, 1.0)


def test_an_estimate_pays_with_both_shares_and_is_not_proven() -> None:
    said = weigh(metric(), effect(3.0, 1.0, 5.0, "estimate"))
    assert said.benefit == pytest.approx(3.0 * 2 * 1000 * 0.5 * 0.8)
    assert not said.is_proven
    assert "an estimate, not a proof" in said.sentence


@pytest.mark.parametrize(("low", "high"), [(-1.0, 5.0), (0.0, 5.0), (-5.0, 0.0)])
def test_an_interval_with_zero_earns_nothing(low: float, high: float) -> None:
    found = effect(2.0, low, high)
    assert weigh(metric(), found).benefit == 0.0
    assert benefits_of([(metric(), found)]) == (0.0, 0.0, 0.0)
    assert "not proven" in weigh(metric(), found).sentence


def test_no_data_is_no_improvement() -> None:
    said = weigh(metric(), None)
    assert (said.benefit, said.basis, said.is_proven) == (0.0, "not_measured", False)
    assert "counts as no improvement" in said.sentence


def test_down_can_be_better() -> None:
    wanted = metric(better="down")
    said = weigh(wanted, effect(-20.0, -30.0, -10.0))
    assert said.benefit == pytest.approx(20 * 2 * 1000 * 0.8)
    proven, _, cautious = benefits_of([(wanted, effect(-20.0, -30.0, -10.0))])
    assert (proven, cautious) == (pytest.approx(32_000), pytest.approx(16_000))


def test_a_proven_loss_is_counted() -> None:
    said = weigh(metric(), effect(-2.0, -3.0, -1.0))
    assert said.benefit == pytest.approx(-3200.0)
    assert not said.is_proven
    assert "got worse" in said.sentence


def test_an_intangible_has_no_money() -> None:
    said = weigh(metric(unit_value=None), effect(3.0, 1.0, 5.0))
    assert said.benefit is None
    assert said.is_proven
    assert benefits_of([(metric(unit_value=None), effect(3.0, 1.0, 5.0))]) == (0.0, 0.0, 0.0)


def test_figures_handed_in_with_a_comparison_are_a_difference_in_differences() -> None:
    handed = HandedIn(
        before=10, after=16, comparison_before=9, comparison_after=11, low=2, high=6, people=40
    )
    wanted = metric(measure="handed_in", handed_in=handed)
    found = handed_in_effect(handed, "comparison")
    assert (found.effect, found.isolation) == (4.0, "comparison")
    assert worth_of(wanted, found) == "proven"


@pytest.mark.parametrize("missing", ["low", "people", "comparison_before"])
def test_figures_handed_in_with_less_are_an_estimate(missing: str) -> None:
    whole = HandedIn(
        before=10, after=16, comparison_before=9, comparison_after=11, low=2, high=6, people=40
    )
    handed = msgspec.structs.replace(whole, **{missing: None})
    wanted = metric(measure="handed_in", handed_in=handed)
    assert worth_of(wanted, handed_in_effect(handed, "comparison")) == "estimated"


def test_words_name_the_share_that_was_counted() -> None:
    """A comparison without an interval is an estimate, of which nothing is taken for isolation."""
    handed = HandedIn(before=10, after=16, comparison_before=10, comparison_after=12)
    wanted = metric(measure="handed_in", handed_in=handed, isolation_share=0.0)
    said = weigh(wanted, handed_in_effect(handed, "comparison"))
    assert said.benefit == pytest.approx(4.0 * 2 * 1000 * 0.8)
    assert "counted at 100% for the program and 80% confidence" in said.sentence


def test_what_is_not_proven_is_said_first() -> None:
    metrics = [
        weigh(metric(key="a"), effect(3.0, 1.0, 5.0)),
        weigh(metric(key="b"), effect(3.0, -1.0, 5.0)),
    ]
    proven, estimated, cautious = (returns(each, 1000.0) for each in (4800.0, 4800.0, 1600.0))
    level = ReturnLevel(
        proven=proven,
        with_estimates=estimated,
        cautious=cautious,
        sentence=return_sentence(proven, estimated, "EUR"),
    )
    said = headline(metrics, level)
    assert said.startswith("Not proven: 1 of 2")
    assert "4,800 EUR against costs of 1,000 EUR (ROI 380 %, paid back in 2.5 months)" in said


def test_a_return_that_only_estimates_carry_is_called_so() -> None:
    said = return_sentence(returns(0.0, 1000.0), returns(3000.0, 1000.0), "EUR")
    assert said.startswith("No financial return is proven against costs of 1,000 EUR.")
    assert "With what is only estimated it would be 3,000 EUR (ROI 200 %" in said
