"""Nobody hands on more than they have: what a caller may give a key, and whose keys they may use.

A secret is what a key can do. Who may roll a key holds its secret, so rolling counts as giving.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec

from services.api.addresses import Network
from services.api.api_keys.records import Rights, is_inside
from services.api.principal import Principal
from shared.errors import FieldError, ScopeMissingError


class OwnBounds(msgspec.Struct, frozen=True, kw_only=True):
    """What bounds the key that asks, beyond its principal."""

    networks: tuple[Network, ...] | None = None
    expires_at: datetime | None = None


def check_within(principal: Principal, own: OwnBounds, wanted: Rights) -> None:
    """Check that a key has nothing that the caller has not.

    Raises:
        ScopeMissingError: it has; `errors` names each field.
    """
    errors = (*_faults(principal, own, wanted),)
    if errors:
        raise ScopeMissingError("The key would have more than yours", errors=errors)


def _faults(principal: Principal, own: OwnBounds, wanted: Rights) -> Iterable[FieldError]:
    for index, scope in enumerate(wanted.scopes):
        if not principal.has(scope):
            yield _beyond(f"/scopes/{index}", f"You do not have the scope {scope}")
    if principal.environment == "test" and wanted.environment != "test":
        yield _beyond("/environment", "A test key makes test keys only")
    if not _is_part(wanted.team_ids, principal.team_ids):
        yield _beyond("/team_ids", "You do not see all of these people")
    if principal.learner_id is not None and wanted.learner_id != principal.learner_id:
        yield _beyond("/learner_id", "You see another learner only")
    if not _is_within(wanted.networks, own.networks):
        yield _beyond("/networks", "Your key is good from fewer addresses")
    if own.expires_at is not None and (
        wanted.expires_at is None or wanted.expires_at > own.expires_at
    ):
        yield _beyond("/expires_at", "Your key ends sooner")


def _is_part(wanted: tuple[UUID, ...] | None, held: tuple[UUID, ...] | None) -> bool:
    return held is None or (wanted is not None and set(wanted) <= set(held))


def _is_within(wanted: tuple[Network, ...] | None, held: tuple[Network, ...] | None) -> bool:
    return held is None or (wanted is not None and all(is_inside(each, held) for each in wanted))


def _beyond(pointer: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code="beyond-own", detail=detail)
