"""A key is given nothing that its maker has not. [R-C4]"""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from services.api.api_keys.bounds import OwnBounds, check_within
from services.api.api_keys.records import Rights
from services.api.principal import Principal, both, person, team_bounds
from services.api.users.service import check_role
from shared.errors import ScopeMissingError
from shared.ids import Uuid7Maker
from shared.keys import SCOPES

IDS = Uuid7Maker()
TEAM, OTHER, LEARNER = IDS.new(), IDS.new(), IDS.new()
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
CALLER = Principal(
    tenant_id=IDS.new(),
    key_id=IDS.new(),
    scopes=frozenset({"teams:read", "simulations:read"}),
    team_ids=None,
    learner_id=None,
    time_zone=ZoneInfo("UTC"),
)
WISH = Rights(environment="live", scopes=("teams:read",))


def _beyond(caller: Principal, own: OwnBounds, wish: Rights) -> set[str]:
    try:
        check_within(caller, own, wish)
    except ScopeMissingError as error:
        return {each.pointer for each in error.errors if each.code == "beyond-own"}
    return set()


def _caller(**fields: Any) -> Principal:
    return msgspec.structs.replace(CALLER, **fields)


def _wish(**fields: Any) -> Rights:
    return msgspec.structs.replace(WISH, **fields)


def test_the_same_and_less_are_fine() -> None:
    assert _beyond(CALLER, OwnBounds(), WISH) == set()
    assert _beyond(CALLER, OwnBounds(), _wish(scopes=("simulations:observe",))) == set()
    narrow = _wish(environment="test", team_ids=(TEAM,), learner_id=LEARNER, expires_at=NOON)
    assert _beyond(CALLER, OwnBounds(), narrow) == set()


def test_every_scope_beyond_is_named() -> None:
    wish = _wish(scopes=("teams:read", "teams:write", "keys:write"))

    assert _beyond(CALLER, OwnBounds(), wish) == {"/scopes/1", "/scopes/2"}


def test_teams_and_learners() -> None:
    caller = _caller(team_ids=(TEAM,))
    assert _beyond(caller, OwnBounds(), WISH) == {"/team_ids"}
    assert _beyond(caller, OwnBounds(), _wish(team_ids=(TEAM, OTHER))) == {"/team_ids"}
    assert _beyond(caller, OwnBounds(), _wish(team_ids=(TEAM,))) == set()
    assert _beyond(_caller(learner_id=LEARNER), OwnBounds(), WISH) == {"/learner_id"}


def test_a_test_key_makes_test_keys() -> None:
    caller = _caller(environment="test")

    assert _beyond(caller, OwnBounds(), WISH) == {"/environment"}
    assert _beyond(caller, OwnBounds(), _wish(environment="test")) == set()


def test_a_key_does_not_outlive_its_maker() -> None:
    own = OwnBounds(expires_at=NOON)

    assert _beyond(CALLER, own, WISH) == {"/expires_at"}
    assert _beyond(CALLER, own, _wish(expires_at=NOON + timedelta(seconds=1))) == {"/expires_at"}
    assert _beyond(CALLER, own, _wish(expires_at=NOON)) == set()


@pytest.mark.parametrize(
    ("networks", "beyond"),
    [
        (None, {"/networks"}),
        (("203.0.113.0/24",), set()),
        (("203.0.113.7/32", "2001:db8:1::/48"), set()),
        (("203.0.112.0/23",), {"/networks"}),
        (("203.0.113.7/32", "198.51.100.7/32"), {"/networks"}),
        (("::/0",), {"/networks"}),
    ],
)
def test_a_key_is_not_good_from_more_places(
    networks: tuple[str, ...] | None, beyond: set[str]
) -> None:
    own = OwnBounds(networks=(ip_network("203.0.113.0/24"), ip_network("2001:db8::/32")))
    wanted = None if networks is None else tuple(ip_network(each) for each in networks)

    assert _beyond(CALLER, own, _wish(networks=wanted)) == beyond


def test_bounds_of_a_key_and_its_person() -> None:
    assert both(None, None) is None
    assert both((TEAM,), None) == both(None, (TEAM,)) == (TEAM,)
    assert both((TEAM, OTHER), (OTHER,)) == (OTHER,)
    assert both((TEAM,), (OTHER,)) == ()


def test_a_coach_without_teams_sees_nobody_and_others_all() -> None:
    assert team_bounds("coach", None) == ()
    assert team_bounds("coach", [TEAM]) == (TEAM,)
    assert team_bounds("viewer", None) is None
    assert team_bounds("viewer", [TEAM]) == (TEAM,)


def _person(role: str | None) -> Principal:
    return person(tenant_id=IDS.new(), user_id=IDS.new(), role=role, team_ids=None, time_zone="UTC")


def test_who_signs_in_makes_no_learner_tokens() -> None:
    assert _person("owner").scopes == set(SCOPES) - {"learner_tokens:write"}
    assert _person(None).scopes == set()


def _may_give(caller: Principal, role: str | None) -> bool:
    try:
        check_role(caller, role)
    except ScopeMissingError as error:
        return [each.pointer for each in error.errors] != ["/role"]
    return True


def test_nobody_gives_a_role_with_more_than_they_have() -> None:
    assert all(_may_give(_person("owner"), role) for role in ("owner", "admin", "coach", None))
    assert _may_give(_person("admin"), "admin")
    assert _may_give(_person("admin"), "auditor")
    assert not _may_give(_person("admin"), "owner")
    assert not _may_give(_person("viewer"), "coach")
    everything = _caller(scopes=frozenset(SCOPES))
    assert _may_give(everything, "owner")
    assert not _may_give(_caller(scopes=frozenset(SCOPES) - {"keys:write"}), "admin")
    assert not _may_give(msgspec.structs.replace(everything, role="admin"), "owner")
