"""Which team a learner is in, after a group said so: past days stay as they were."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec

from services.api.learners.repository import Membership


def moved(
    memberships: Sequence[Membership], team_id: UUID | None, today: date, *, keeps_future: bool
) -> tuple[Membership, ...]:
    """Return the memberships of somebody who is in this team from today on.

    Args:
        memberships: In order of their first days, never overlapping.
        team_id: Where they are; None: in no team.
        today: The tenant's day.
        keeps_future: Memberships that begin later stay, and end this one; otherwise they go.
    """
    past = [_cut(each, today) for each in memberships if each.start < today]
    future = [each for each in memberships if each.start > today] if keeps_future else []
    if team_id is None:
        return (*past, *future)
    end = future[0].start if future else None
    if past and past[-1].team_id == team_id and past[-1].end == today:
        return (*past[:-1], msgspec.structs.replace(past[-1], end=end), *future)
    return (*past, Membership(team_id=team_id, start=today, end=end), *future)


def _cut(membership: Membership, today: date) -> Membership:
    """Return a membership that is over today at the latest."""
    if membership.end is not None and membership.end <= today:
        return membership
    return msgspec.structs.replace(membership, end=today)
