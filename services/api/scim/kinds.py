"""What answers the paths of a kind of resource: users and groups are asked for in the same way."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final, Generic, Protocol, TypeVar
from uuid import UUID

import msgspec
from scim2_models import Context, InvalidSyntaxException, PatchOp, Resource, ResponseParameters

from services.api.scim.asking import Query, of_body, of_url
from services.api.scim.people import Caller
from services.api.scim.resources import POLICY
from services.api.validation import validate
from shared.errors import NotFoundError
from shared.ids import InvalidIdError, parse_id

LIST: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

MAX_OPERATIONS: Final = 1000
"""Of one PATCH."""

Shown = TypeVar("Shown", bound="Resource[Any]")


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, not yet written."""

    status: int = 200
    body: Any = None
    location: str | None = None


Handler = Callable[[Caller, bytes, Any], Awaitable[Reply]]


class Holdings(Protocol[Shown]):
    """All resources of a kind; every method raises the refusals of SCIM."""

    async def list(self, caller: Caller, query: Query) -> tuple[int, list[Shown]]:
        """Return how many match, and those of one page."""

    async def get(self, caller: Caller, resource_id: UUID, query: Query) -> Shown:
        """Return one."""

    async def create(self, caller: Caller, wish: Shown) -> Shown:
        """Make one."""

    async def replace(self, caller: Caller, resource_id: UUID, wish: Shown) -> Shown:
        """Put other words in its place."""

    async def patch(self, caller: Caller, resource_id: UUID, patch: "PatchOp[Shown]") -> Shown:
        """Change parts of one."""

    async def delete(self, caller: Caller, resource_id: UUID) -> None:
        """Remove one."""


class Kind(Generic[Shown]):
    """Users, or groups."""

    def __init__(
        self,
        model: type[Shown],
        patches: "type[PatchOp[Shown]]",
        prefix: str,
        location: Callable[[str], str],
        holdings: Holdings[Shown],
    ) -> None:
        self._model = model
        self._patches = patches
        self._prefix = prefix
        self._location = location
        self.holdings = holdings

    @property
    def all(self) -> Mapping[str, Handler]:
        """What answers the path of the kind, by method."""
        return {"GET": self.search, "POST": self._create}

    def one(self, public_id: str) -> Mapping[str, Handler]:
        """Return what answers the path of a resource; raises `NotFoundError` for what is no id."""
        try:
            resource_id = parse_id(self._prefix, public_id)
        except InvalidIdError:
            raise NotFoundError from None
        return {
            "GET": partial(self._get, resource_id),
            "PUT": partial(self._replace, resource_id),
            "PATCH": partial(self._patch, resource_id),
            "DELETE": partial(self._delete, resource_id),
        }

    async def search(self, caller: Caller, raw: bytes, body: Any) -> Reply:
        """List them, as the URL or a body asks."""
        query = of_url(raw, paged=True) if body is None else of_body(body)
        total, found = await self.holdings.list(caller, query)
        return listed(query, total, found)

    async def _get(self, resource_id: UUID, caller: Caller, raw: bytes, _body: Any) -> Reply:
        query = of_url(raw, paged=False)
        found = await self.holdings.get(caller, resource_id, query)
        return Reply(body=_dump(found, query.shown))

    async def _create(self, caller: Caller, raw: bytes, body: Any) -> Reply:
        query = of_url(raw, paged=False)
        wish = self._read(body, Context.RESOURCE_CREATION_REQUEST)
        made = await self.holdings.create(caller, wish)
        shown = _dump(made, query.shown, Context.RESOURCE_CREATION_RESPONSE)
        return Reply(status=201, body=shown, location=self._location(str(made.id)))

    async def _replace(self, resource_id: UUID, caller: Caller, raw: bytes, body: Any) -> Reply:
        query = of_url(raw, paged=False)
        wish = self._read(body, Context.RESOURCE_REPLACEMENT_REQUEST)
        after = await self.holdings.replace(caller, resource_id, wish)
        return Reply(body=_dump(after, query.shown, Context.RESOURCE_REPLACEMENT_RESPONSE))

    async def _patch(self, resource_id: UUID, caller: Caller, raw: bytes, body: Any) -> Reply:
        query = of_url(raw, paged=False)
        after = await self.holdings.patch(caller, resource_id, self._operations(body))
        return Reply(body=_dump(after, query.shown, Context.RESOURCE_PATCH_RESPONSE))

    async def _delete(self, resource_id: UUID, caller: Caller, _raw: bytes, _body: Any) -> Reply:
        await self.holdings.delete(caller, resource_id)
        return Reply(status=204)

    def _read(self, body: Any, context: Context) -> Shown:
        _check_body(body)
        return self._model.model_validate(body, scim_ctx=context, scim_policy=POLICY)

    def _operations(self, body: Any) -> "PatchOp[Shown]":
        _check_body(body)
        operations = body.get("Operations", body.get("operations"))
        if isinstance(operations, list) and len(operations) > MAX_OPERATIONS:
            raise InvalidSyntaxException(detail=f"At most {MAX_OPERATIONS} operations in a request")
        return self._patches.model_validate(
            body, scim_ctx=Context.RESOURCE_PATCH_REQUEST, scim_policy=POLICY
        )


def listed(query: Query, total: int, found: list[Any]) -> Reply:
    """Return one page of a list."""
    return Reply(body=list_of(query.start, total, [_dump(each, query.shown) for each in found]))


def list_of(start: int, total: int, found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a list as SCIM writes it."""
    return {
        "schemas": [LIST],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": len(found),
        "Resources": found,
    }


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
