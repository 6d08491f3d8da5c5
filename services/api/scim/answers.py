"""What answers each SCIM path and method."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final
from uuid import UUID

import msgspec
from scim2_models import Context, InvalidSyntaxException, PatchOp, Resource, ResponseParameters

from services.api.context import ProcessContext
from services.api.scim.address import BASE
from services.api.scim.asking import Query, of_body, of_url
from services.api.scim.groups import Groups
from services.api.scim.people import Caller, People
from services.api.scim.resources import (
    CONFIG,
    POLICY,
    PROVIDER,
    Group,
    User,
    group_location,
    user_location,
)
from services.api.validation import validate
from shared.errors import NotFoundError
from shared.ids import InvalidIdError, parse_id

LIST: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

MAX_OPERATIONS: Final = 1000
"""Of one PATCH."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, not yet written."""

    status: int = 200
    body: Any = None
    location: str | None = None


Handler = Callable[[Caller, bytes, Any], Awaitable[Reply]]


class Service:
    """The SCIM resources of the API."""

    def __init__(self, context: ProcessContext) -> None:
        self._people = People(context)
        self._groups = Groups(context)
        self._fixed_paths: Mapping[str, Mapping[str, Handler]] = {
            "Users": {"GET": self._list_users, "POST": self._create_user},
            "Groups": {"GET": self._list_groups, "POST": self._create_group},
            "Users/.search": {"POST": self._list_users},
            "Groups/.search": {"POST": self._list_groups},
            ".search": {"POST": self._search},
        }

    def at(self, parts: list[str]) -> Mapping[str, Handler]:
        """Return what answers a path, by method; nothing where there is no such path."""
        path = "/".join(parts)
        if path in self._fixed_paths:
            return self._fixed_paths[path]
        if len(parts) == 2 and parts[0] == "Users":
            return self._user(_id("usr", parts[1]))
        if len(parts) == 2 and parts[0] == "Groups":
            return self._group(_id("team", parts[1]))
        return _discovery(parts)

    def _user(self, user_id: UUID) -> Mapping[str, Handler]:
        return {
            "GET": partial(self._get_user, user_id),
            "PUT": partial(self._replace_user, user_id),
            "PATCH": partial(self._patch_user, user_id),
            "DELETE": partial(self._delete_user, user_id),
        }

    def _group(self, team_id: UUID) -> Mapping[str, Handler]:
        return {
            "GET": partial(self._get_group, team_id),
            "PUT": partial(self._replace_group, team_id),
            "PATCH": partial(self._patch_group, team_id),
            "DELETE": partial(self._delete_group, team_id),
        }

    # -- users

    async def _list_users(self, caller: Caller, raw: bytes, body: Any) -> Reply:
        query = _query(raw, body)
        total, found = await self._people.list(caller, query)
        return _listed(query, total, found)

    async def _get_user(self, user_id: UUID, caller: Caller, raw: bytes, _body: Any) -> Reply:
        query = of_url(raw, paged=False)
        return Reply(body=_dump(await self._people.get(caller, user_id), query.shown))

    async def _create_user(self, caller: Caller, raw: bytes, body: Any) -> Reply:
        query = of_url(raw, paged=False)
        wish = _read(User, body, Context.RESOURCE_CREATION_REQUEST)
        made = await self._people.create(caller, wish)
        shown = _dump(made, query.shown, Context.RESOURCE_CREATION_RESPONSE)
        return Reply(status=201, body=shown, location=user_location(str(made.id)))

    async def _replace_user(self, user_id: UUID, caller: Caller, raw: bytes, body: Any) -> Reply:
        query = of_url(raw, paged=False)
        wish = _read(User, body, Context.RESOURCE_REPLACEMENT_REQUEST)
        after = await self._people.replace(caller, user_id, wish)
        return Reply(body=_dump(after, query.shown, Context.RESOURCE_REPLACEMENT_RESPONSE))

    async def _patch_user(self, user_id: UUID, caller: Caller, raw: bytes, body: Any) -> Reply:
        query = of_url(raw, paged=False)
        patch = _patch(PatchOp[User], body)
        after = await self._people.patch(caller, user_id, patch)
        return Reply(body=_dump(after, query.shown, Context.RESOURCE_PATCH_RESPONSE))

    async def _delete_user(self, user_id: UUID, caller: Caller, _raw: bytes, _body: Any) -> Reply:
        await self._people.delete(caller, user_id)
        return Reply(status=204)

    # -- groups

    async def _list_groups(self, caller: Caller, raw: bytes, body: Any) -> Reply:
        query = _query(raw, body)
        total, found = await self._groups.list(caller, query)
        return _listed(query, total, found)

    async def _get_group(self, team_id: UUID, caller: Caller, raw: bytes, _body: Any) -> Reply:
        query = of_url(raw, paged=False)
        found = await self._groups.get(caller, team_id, has_members=query.needs_members)
        return Reply(body=_dump(found, query.shown))

    async def _create_group(self, caller: Caller, raw: bytes, body: Any) -> Reply:
        query = of_url(raw, paged=False)
        wish = _read(Group, body, Context.RESOURCE_CREATION_REQUEST)
        made = await self._groups.create(caller, wish)
        shown = _dump(made, query.shown, Context.RESOURCE_CREATION_RESPONSE)
        return Reply(status=201, body=shown, location=group_location(str(made.id)))

    async def _replace_group(self, team_id: UUID, caller: Caller, raw: bytes, body: Any) -> Reply:
        query = of_url(raw, paged=False)
        wish = _read(Group, body, Context.RESOURCE_REPLACEMENT_REQUEST)
        after = await self._groups.replace(caller, team_id, wish)
        return Reply(body=_dump(after, query.shown, Context.RESOURCE_REPLACEMENT_RESPONSE))

    async def _patch_group(self, team_id: UUID, caller: Caller, raw: bytes, body: Any) -> Reply:
        query = of_url(raw, paged=False)
        patch = _patch(PatchOp[Group], body)
        after = await self._groups.patch(caller, team_id, patch)
        return Reply(body=_dump(after, query.shown, Context.RESOURCE_PATCH_RESPONSE))

    async def _delete_group(self, team_id: UUID, caller: Caller, _raw: bytes, _body: Any) -> Reply:
        await self._groups.delete(caller, team_id)
        return Reply(status=204)

    # -- both

    async def _search(self, caller: Caller, _raw: bytes, body: Any) -> Reply:
        """Users first, then groups, as one list."""
        query = of_body(body)
        total, users = await self._people.list(caller, query)
        rest = msgspec.structs.replace(
            query, start=max(1, query.start - total), count=query.count - len(users)
        )
        more, groups = await self._groups.list(caller, rest)
        return _listed(query, total + more, [*users, *groups])


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
        body = _list(1, len(shown), shown)
    else:
        found = [(each, name) for each, name in known if name.lower() == parts[1].lower()]
        body = next((_dump_discovery(e, kind[:-1], f"{kind}/{name}") for e, name in found), None)
    return {} if body is None else {"GET": partial(_fixed, body)}


async def _fixed(body: Any, _caller: Caller, _raw: bytes, _body: Any) -> Reply:
    return Reply(body=body)


def _dump_discovery(resource: Resource[Any], kind: str, path: str) -> dict[str, Any]:
    shown = resource.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    return {**shown, "meta": {"resourceType": kind, "location": f"{BASE}/{path}"}}


def _id(prefix: str, text: str) -> UUID:
    try:
        return parse_id(prefix, text)
    except InvalidIdError:
        raise NotFoundError from None


def _query(raw: bytes, body: Any) -> Query:
    return of_url(raw, paged=True) if body is None else of_body(body)


def _read(kind: type[Any], body: Any, context: Context) -> Any:
    _check_body(body)
    return kind.model_validate(body, scim_ctx=context, scim_policy=POLICY)


def _patch(kind: type[Any], body: Any) -> Any:
    _check_body(body)
    operations = body.get("Operations", body.get("operations"))
    if isinstance(operations, list) and len(operations) > MAX_OPERATIONS:
        raise InvalidSyntaxException(detail=f"At most {MAX_OPERATIONS} operations in a request")
    return kind.model_validate(body, scim_ctx=Context.RESOURCE_PATCH_REQUEST, scim_policy=POLICY)


def _check_body(body: Any) -> None:
    if not isinstance(body, dict):
        raise InvalidSyntaxException(detail="The body is not an object")
    validate(body, dict)  # text that no database holds


def _dump(
    resource: Resource[Any],
    shown: ResponseParameters[Any],
    context: Context = Context.RESOURCE_QUERY_RESPONSE,
) -> dict[str, Any]:
    plain: dict[str, Any] = resource.model_dump(
        scim_ctx=context, response_parameters=shown, scim_policy=POLICY
    )
    return plain


def _listed(query: Query, total: int, found: list[Any]) -> Reply:
    return Reply(body=_list(query.start, total, [_dump(each, query.shown) for each in found]))


def _list(start: int, total: int, found: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "schemas": [LIST],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": len(found),
        "Resources": found,
    }
