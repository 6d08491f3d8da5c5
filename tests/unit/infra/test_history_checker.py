"""The checker of histories finds every kind of fault that is planted."""

import pytest

from tests.support.history import History, Seen, Try

SCORINGS = "/v1/scorings"


def history(*tries: Try, sights: tuple[Seen, ...] = ()) -> History:
    made = History()
    made.tries += tries
    made.sights += sights
    return made


GOOD = (
    Try("k1", SCORINGS, "unknown"),
    Try("k1", SCORINGS, "ok", "scr_1"),
    Try("k1", SCORINGS, "ok", "scr_1"),
    Try("k2", SCORINGS, "refused"),
    Try("k2", SCORINGS, "ok", "scr_2"),
)


def test_repeats_with_one_effect_are_well() -> None:
    sights = (
        Seen("/v1/scorings/scr_1", "queued"),
        Seen("/v1/scorings/scr_2", "running"),
        Seen("/v1/scorings/scr_1", "completed"),
        Seen("/v1/scorings/scr_1", "completed"),
    )
    assert history(*GOOD, sights=sights).check({SCORINGS: ["scr_1", "scr_2"]}) == []


def test_a_try_that_was_never_answered_may_have_one_effect_or_none() -> None:
    open_end = history(*GOOD, Try("k3", SCORINGS, "unknown"))
    assert open_end.check({SCORINGS: ["scr_1", "scr_2"]}) == []
    assert open_end.check({SCORINGS: ["scr_1", "scr_2", "scr_3"]}) == []
    assert open_end.check({SCORINGS: ["scr_1", "scr_2", "scr_3", "scr_4"]})


@pytest.mark.parametrize(
    ("more", "stored", "fault"),
    [
        ((), ["scr_2"], "scr_1 was accepted and is lost"),
        ((), ["scr_1", "scr_2", "scr_2"], "scr_2 is there twice"),
        ((), ["scr_1", "scr_2", "scr_9"], "1 were made by 0 keys"),
        ((Try("k1", SCORINGS, "ok", "scr_9"),), ["scr_1", "scr_2", "scr_9"], "key k1 made"),
    ],
)
def test_what_cannot_be_explained_is_told(
    more: tuple[Try, ...], stored: list[str], fault: str
) -> None:
    faults = history(*GOOD, *more).check({SCORINGS: stored})
    assert any(fault in each for each in faults), faults


@pytest.mark.parametrize(
    ("first", "then", "fault"),
    [
        ("completed", "running", "running after completed"),
        ("running", "queued", "queued after running"),
        ("running", "failed", "failed"),
    ],
)
def test_a_status_never_goes_back(first: str, then: str, fault: str) -> None:
    sights = (Seen("/v1/scorings/scr_1", first), Seen("/v1/scorings/scr_1", then))
    faults = history(*GOOD, sights=sights).check({SCORINGS: ["scr_1", "scr_2"]})
    assert any(fault in each for each in faults), faults
