"""The document of whole conversations shows what the engine says today."""

import pytest

from services.sim_worker.engine.playing import play_profile
from shared.contracts.simulation import EndReason
from shared.library import load_scenarios
from tests.support.conversations import DOCUMENT, SHOWN, Shown, dialogue, parts, rendered

SCENARIOS = {spec.slug: spec for spec in load_scenarios()}


def test_the_document_is_that_of_today() -> None:
    _, written, _ = parts(DOCUMENT.read_text(encoding="utf-8"))
    assert written == rendered(), "write it: python -m tests.support.conversations --write"


def test_each_conversation_is_shown_once_and_explained() -> None:
    keys = [(item.slug, item.profile, item.seed) for item in SHOWN]
    assert len(set(keys)) == len(keys) >= 3
    assert all(item.note.endswith(".") for item in SHOWN)


def test_good_and_bad_ends_are_shown() -> None:
    ends = {
        item.profile: play_profile(SCENARIOS[item.slug], item.profile, seed=item.seed).end_reason
        for item in SHOWN
    }
    assert ends["skilled"] is EndReason.GOAL_MET
    assert ends["rude"] in {EndReason.CUSTOMER_LEFT, EndReason.ESCALATED}


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: f"{shown.slug}-{shown.profile}")
def test_every_line_that_was_said_stands_in_it(shown: Shown) -> None:
    spec = SCENARIOS[shown.slug]
    trace = play_profile(spec, shown.profile, seed=shown.seed)
    text = dialogue(spec, trace)
    assert [text.find(line.text) for line in trace.lines() if line.text not in text] == []
    assert text.count("**Learner:**") == len(trace.exchanges)
    for exchange in trace.exchanges:
        assert f"; {exchange.move.surface.value})*" in text


def test_a_document_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="no markers"):
        parts("# Conversations\n")
