"""Roles are data: checked against the scopes there are, and told as they are. [R-C4]"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from shared import roles
from shared.keys import SCOPES
from shared.roles import ROLES, check_roles, is_bounded, scopes_of
from tests.support.role_docs import PAGE, page


def _plain() -> dict[str, Any]:
    plain: dict[str, Any] = yaml.safe_load(Path(roles.__file__).with_suffix(".yaml").read_text())
    return plain


def test_an_owner_may_everything_and_nobody_more() -> None:
    assert scopes_of("owner") == set(SCOPES)
    assert all(scopes_of(role) < set(SCOPES) for role in ROLES if role != "owner")


def test_an_auditor_changes_nothing() -> None:
    assert {scope.partition(":")[2] for scope in scopes_of("auditor")} <= {"read", "observe"}


@pytest.mark.parametrize("role", ["author", "viewer"])
def test_who_needs_no_conversation_reads_none(role: str) -> None:
    assert not scopes_of(role) & {"simulations:read", "scorings:read", "exports:read"}


def test_only_who_runs_the_tenant_changes_people_and_keys() -> None:
    for scope in ("users:write", "keys:write", "settings:write", "webhooks:write"):
        assert {role for role in ROLES if scope in scopes_of(role)} == {"owner", "admin"}


def test_only_coaches_are_kept_to_their_teams() -> None:
    assert [role for role in ROLES if is_bounded(role)] == ["coach"]


@pytest.mark.parametrize("role", [None, "learner", ""])
def test_without_a_role_nothing(role: str | None) -> None:
    assert scopes_of(role) == frozenset()
    assert not is_bounded(role)


def test_a_scope_that_there_is_not_is_refused() -> None:
    plain = _plain()
    plain["roles"]["viewer"]["scopes"].append("reports:raed")

    with pytest.raises(ValueError, match="reports:raed"):
        check_roles(plain)


def test_a_role_that_is_missing_is_refused() -> None:
    plain = _plain()
    del plain["roles"]["coach"]

    with pytest.raises(ValueError, match="coach"):
        check_roles(plain)


def test_the_documentation_has_the_tables_as_they_are() -> None:
    assert PAGE.read_text() == page(), "write them anew: python -m tests.support.role_docs"
