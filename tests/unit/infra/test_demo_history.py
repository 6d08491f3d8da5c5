"""The demo's past conversations: whole, repeatable, in the right weeks."""

from datetime import date, timedelta
from itertools import pairwise

import pytest

from infra.demo.history import (
    PER_WEEK,
    WEEKS,
    Answers,
    chances,
    compose,
    dialogues,
    first_monday,
)
from infra.demo.outside import load_call
from infra.demo.people import TEAMS, Learner

MONDAY = date(2026, 3, 2)


def every_conversation():
    return [
        compose(team, Learner(id="lrn_x", name=name), week, number, monday=MONDAY, run_id="r")
        for team, names in TEAMS.items()
        for name in names
        for week in range(WEEKS)
        for number in range(PER_WEEK)
    ]


def test_no_slot_is_left_open_and_sides_alternate():
    for past in every_conversation():
        assert not any("{" in turn["text"] or "}" in turn["text"] for turn in past.turns)
        roles = [turn["role"] for turn in past.turns]
        assert roles == ["agent", *["customer", "agent"] * (len(roles) // 2)]


def test_the_same_arguments_give_the_same_conversation():
    assert every_conversation() == every_conversation()


def test_conversations_do_not_look_copied():
    texts = [tuple(turn["text"] for turn in past.turns) for past in every_conversation()]
    assert len(set(texts)) == len(texts)


def test_each_conversation_lies_on_a_workday_of_its_week():
    for past in every_conversation():
        week = int(past.external_id.split("-")[-2])
        monday = MONDAY + timedelta(weeks=week)
        assert monday <= past.occurred_at.date() <= monday + timedelta(days=4)


@pytest.mark.parametrize("today", [date(2026, 5, 4), date(2026, 5, 10), date(2027, 1, 1)])
def test_the_history_ends_before_this_week(today):
    monday = first_monday(today)
    assert monday.weekday() == 0
    assert timedelta(0) <= today - (monday + timedelta(weeks=WEEKS)) < timedelta(days=7)


@pytest.mark.parametrize("team", TEAMS)
@pytest.mark.parametrize("week", range(WEEKS))
def test_chances_are_a_distribution(team, week):
    assert sum(chances(team, week)) == pytest.approx(1)
    assert min(chances(team, week)) > 0


def test_levels_of_one_answer_differ():
    blocks = dialogues()
    answers = [*blocks.closings, *(each for case in blocks.cases for each in case.exchanges)]
    for each in answers:
        assert isinstance(each, Answers)
        assert len({each.weak, each.fair, each.good}) == 3


def test_the_call_moves_forward_in_time():
    call = load_call()
    assert all(turn.start_ms < turn.end_ms for turn in call)
    assert all(one.end_ms <= other.start_ms for one, other in pairwise(call))
