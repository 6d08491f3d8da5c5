"""Roles of people: which scopes each has, read from `roles.yaml`."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Final, Literal, cast, get_args

import msgspec

from shared.contracts.base import Authored
from shared.keys import SCOPES
from shared.yaml_files import read_yaml

Role = Literal["owner", "admin", "coach", "author", "evaluator", "viewer", "auditor"]

ROLES: Final[tuple[Role, ...]] = get_args(Role)
"""Every role, the mightiest first."""

_FILE = Path(__file__).with_name("roles.yaml")

_Scopes = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]


class RoleEntry(Authored, frozen=True, kw_only=True):
    """One role, as written in the file."""

    about: str
    """What it is for, one sentence."""
    scopes: _Scopes | Literal["all"]
    bounded: bool = False
    """Sees only the people of the user's teams, and nobody where the user has none."""

    @property
    def granted(self) -> frozenset[str]:
        """The scopes, with `all` written out."""
        return frozenset(SCOPES) if self.scopes == "all" else frozenset(self.scopes)


class _RoleFile(Authored, frozen=True, kw_only=True):
    version: Annotated[int, msgspec.Meta(ge=1)]
    roles: dict[Role, RoleEntry]


@cache
def load_roles() -> Mapping[Role, RoleEntry]:
    """Return every role.

    Raises:
        ValueError: the file lacks a role, or names a scope that there is not.
    """
    roles = check_roles(read_yaml(_FILE))
    return {role: roles[role] for role in ROLES}


def check_roles(plain: object) -> dict[Role, RoleEntry]:
    """Return the roles of a file's plain values; raises as `load_roles`."""
    roles = msgspec.convert(plain, _RoleFile).roles
    missing = set(ROLES) - set(roles)
    unknown = {scope for each in roles.values() for scope in each.granted} - set(SCOPES)
    if missing or unknown:
        raise ValueError(f"roles.yaml lacks {sorted(missing)} or has strange {sorted(unknown)}")
    return roles


def scopes_of(role: str | None) -> frozenset[str]:
    """Return what a role may do; nothing without one, or with one that there is not."""
    entry = _entry(role)
    return frozenset() if entry is None else entry.granted


def is_bounded(role: str | None) -> bool:
    """Say whether people with this role see their teams only."""
    entry = _entry(role)
    return entry is not None and entry.bounded


def _entry(role: str | None) -> RoleEntry | None:
    return None if role is None else load_roles().get(cast("Role", role))
