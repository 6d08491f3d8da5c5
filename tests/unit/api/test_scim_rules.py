"""SCIM without servers: memberships that move, filters, what is shown."""

import contextlib
import subprocess
import sys
from datetime import date, timedelta
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scim2_models import InvalidFilterException, InvalidValueException

from services.api.learners.repository import Membership
from services.api.scim.asking import Wanted, of_body, of_url, parse_filter
from services.api.scim.moves import moved

TODAY = date(2026, 11, 22)
A, B, C = uuid4(), uuid4(), uuid4()


def stay(team: UUID, start: int, end: int | None = None) -> Membership:
    """Return a membership by days from today."""
    return Membership(
        team_id=team,
        start=TODAY + timedelta(start),
        end=None if end is None else TODAY + timedelta(end),
    )


@pytest.mark.parametrize(
    ("before", "team", "after"),
    [
        ((), A, (stay(A, 0),)),
        ((stay(A, -10),), B, (stay(A, -10, 0), stay(B, 0))),
        ((stay(A, -10),), None, (stay(A, -10, 0),)),
        ((stay(A, -10, -5),), None, (stay(A, -10, -5),)),
        ((stay(A, -10, 0), stay(B, 0)), None, (stay(A, -10, 0),)),
        ((stay(A, -10, 0), stay(B, 0)), A, (stay(A, -10),)),
        ((stay(A, 0),), B, (stay(B, 0),)),
        ((stay(A, -10),), A, (stay(A, -10),)),
        ((stay(A, -10, 5), stay(B, 5)), C, (stay(A, -10, 0), stay(C, 0, 5), stay(B, 5))),
    ],
)
def test_a_move_counts_from_today(
    before: tuple[Membership, ...], team: UUID | None, after: tuple[Membership, ...]
) -> None:
    assert moved(before, team, TODAY, keeps_future=True) == after


def test_who_is_deactivated_has_no_future() -> None:
    before = (stay(A, -10, 5), stay(B, 5))
    assert moved(before, None, TODAY, keeps_future=False) == (stay(A, -10, 0),)


_STEPS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from([A, B, C, None]), st.booleans()), max_size=30
)


@given(_STEPS)
def test_the_past_never_changes_and_nobody_is_in_two_teams(
    steps: list[tuple[int, UUID | None, bool]],
) -> None:
    """Whatever groups say over weeks: every day before a change stays with the team it had."""
    day, memberships = TODAY, ()
    for wait, team, keeps in steps:
        day += timedelta(wait)
        after = moved(memberships, team, day, keeps_future=keeps)
        for back in range(1, 100):
            earlier = day - timedelta(back)
            assert _team(memberships, earlier) == _team(after, earlier)
        assert _team(after, day) == team
        assert all(each.end is None or each.end > each.start for each in after)
        assert all(one.end is not None and one.end <= two.start for one, two in pairwise(after))
        memberships = after


def _team(memberships: tuple[Membership, ...], day: date) -> UUID | None:
    found = [
        each.team_id
        for each in memberships
        if each.start <= day and (each.end is None or day < each.end)
    ]
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize(
    ("text", "attribute", "value"),
    [
        ('userName eq "mia"', "userName", "mia"),
        ('USERNAME EQ "mia"', "userName", "mia"),
        ('urn:ietf:params:scim:schemas:core:2.0:User:userName eq "mia"', "userName", "mia"),
        ('externalId eq "a b"', "externalId", "a b"),
        ('id eq "usr_1"', "id", "usr_1"),
        ('emails.value eq "m@x.example"', "emails.value", "m@x.example"),
        ('emails eq "m@x.example"', "emails.value", "m@x.example"),
        ('displayName eq "Night"', "displayName", "Night"),
        (r'userName eq "q\"uote"', "userName", 'q"uote'),
    ],
)
def test_filters_that_there_are(text: str, attribute: str, value: str) -> None:
    assert parse_filter(text) == Wanted(attribute, value)


@pytest.mark.parametrize(
    "text",
    [
        'userName sw "m"',
        'userName eq "a" and active eq true',
        'not (userName eq "a")',
        "active eq true",
        "userName pr",
        'emails[type eq "work"].value eq "x"',
        'name.familyName eq "x"',
        "userName eq",
        'userName eq "',
        "",
        "(" * 400,
        'userName eq "' + "x" * 700 + '"',
        7,
    ],
)
def test_other_filters_are_refused_by_name(text: object) -> None:
    with pytest.raises(InvalidFilterException) as caught:
        parse_filter(text)
    assert caught.value.scim_type == "invalidFilter"


@given(st.text(max_size=80))
def test_no_text_breaks_the_filter(text: str) -> None:
    with contextlib.suppress(InvalidFilterException):
        parse_filter(text)


def test_pages_are_bounded() -> None:
    query = of_url(b"startIndex=-5&count=100000", paged=True)
    assert (query.start, query.count) == (1, 200)
    assert of_url(b"count=-1", paged=True).count == 0
    assert of_url(b"", paged=True).count == 100
    with pytest.raises(InvalidValueException):
        of_url(b"count=many", paged=True)


def test_members_are_read_only_when_they_are_shown() -> None:
    assert of_url(b"", paged=True).needs_members
    assert not of_url(b"excludedAttributes=members", paged=True).needs_members
    assert not of_url(b"attributes=id,displayName", paged=True).needs_members
    assert of_url(b"attributes=members.value", paged=True).needs_members


def test_a_search_is_an_object() -> None:
    assert of_body({"filter": 'userName eq "m"', "count": 3}).count == 3
    with pytest.raises(InvalidValueException):
        of_body([])


def test_a_process_that_nobody_asks_for_scim_does_not_pay_for_it() -> None:
    code = (
        "import sys, services.api.main\n"
        "bad = {'scim2_models', 'temporalio', 'opentelemetry', 'openai'} & sys.modules.keys()\n"
        "sys.exit(repr(bad) if bad else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
