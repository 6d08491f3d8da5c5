"""The measurements behind the guide of the model as judge."""

from pathlib import Path

from infra.model_judge.asked import cost_of, hearings, share_of
from infra.model_judge.tables import SIZES
from services.scoring_worker.judging.model.planning import PER_CALL

GUIDE = Path(__file__).parents[3] / "docs" / "model-judge.md"


def test_more_per_call_is_cheaper_and_loses_more_with_one():
    (heard,) = hearings("average", every=27)
    found = [cost_of(heard, size) for size in SIZES]
    assert [each.usage.input_tokens for each in found] == sorted(
        (each.usage.input_tokens for each in found), reverse=True
    )
    assert [each.longest for each in found] == sorted(each.longest for each in found)
    assert found[0].calls > found[-1].calls


def test_a_cascade_asks_a_part():
    (heard,) = hearings("skilled", every=27)
    share = share_of(heard)
    assert 0 < share.asked < share.indicators / 2
    assert share.calls < share.calls_for_all


def test_the_guide_has_the_chosen_size():
    rows = GUIDE.read_text(encoding="utf-8")
    assert f"\n| {PER_CALL} | " in rows
    assert PER_CALL in SIZES
