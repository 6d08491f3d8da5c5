"""What answers each SCIM path and method."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec
from scim2_models import Context, PatchOp, Resource

from services.api.context import ProcessContext
from services.api.scim.address import BASE
from services.api.scim.asking import of_body
from services.api.scim.groups import Groups
from services.api.scim.kinds import Handler, Kind, Reply, list_of, listed
from services.api.scim.people import Caller, People
from services.api.scim.resources import (
    CONFIG,
    PROVIDER,
    Group,
    User,
    group_location,
    user_location,
)

__all__ = ["Handler", "Reply", "Service"]


class Service:
    """The SCIM resources of the API."""

    def __init__(self, context: ProcessContext) -> None:
        self._users = Kind(User, PatchOp[User], "usr", user_location, People(context))
        self._groups = Kind(Group, PatchOp[Group], "team", group_location, Groups(context))
        self._fixed_paths: Mapping[str, Mapping[str, Handler]] = {
            "Users": self._users.all,
            "Groups": self._groups.all,
            "Users/.search": {"POST": self._users.search},
            "Groups/.search": {"POST": self._groups.search},
            ".search": {"POST": self._search},
        }

    def at(self, parts: list[str]) -> Mapping[str, Handler]:
        """Return what answers a path, by method; nothing where there is no such path."""
        path = "/".join(parts)
        if path in self._fixed_paths:
            return self._fixed_paths[path]
        if len(parts) == 2 and parts[0] == "Users":
            return self._users.one(parts[1])
        if len(parts) == 2 and parts[0] == "Groups":
            return self._groups.one(parts[1])
        return _discovery(parts)

    async def _search(self, caller: Caller, _raw: bytes, body: Any) -> Reply:
        """Users first, then groups, as one list."""
        query = of_body(body)
        total, users = await self._users.holdings.list(caller, query)
        rest = msgspec.structs.replace(
            query, start=max(1, query.start - total), count=query.count - len(users)
        )
        more, groups = await self._groups.holdings.list(caller, rest)
        return listed(query, total + more, [*users, *groups])


def _discovery(parts: list[str]) -> Mapping[str, Handler]:
    """Return what the service says about itself."""
    documents = {
        "ServiceProviderConfig": None,
        "Schemas": [(each, str(each.id)) for each in PROVIDER.schemas],
        "ResourceTypes": [(each, str(each.id)) for each in PROVIDER.resource_types],
    }
    if not parts or parts[0] not in documents or len(parts) > 2:
        return {}
    kind = parts[0]
    known = documents[kind]
    if known is None:
        body = _dump_discovery(CONFIG, "ServiceProviderConfig", kind) if len(parts) == 1 else None
    elif len(parts) == 1:
        shown = [_dump_discovery(each, kind[:-1], f"{kind}/{name}") for each, name in known]
        body = list_of(1, len(shown), shown)
    else:
        found = [(each, name) for each, name in known if name.lower() == parts[1].lower()]
        body = next((_dump_discovery(e, kind[:-1], f"{kind}/{name}") for e, name in found), None)
    return {} if body is None else {"GET": partial(_fixed, body)}


async def _fixed(body: Any, _caller: Caller, _raw: bytes, _body: Any) -> Reply:
    return Reply(body=body)


def _dump_discovery(resource: Resource[Any], kind: str, path: str) -> dict[str, Any]:
    shown = resource.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    return {**shown, "meta": {"resourceType": kind, "location": f"{BASE}/{path}"}}
