"""What a provider asks for: which attributes, which page, and the few filters that there are."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs
from uuid import UUID

import msgspec
from scim2_models import (
    InvalidFilterException,
    InvalidValueException,
    ResponseParameters,
    ScimFilter,
    SearchRequest,
)
from scim2_models.path.expressions import Comparison

from services.api.scim.resources import DEFAULT_PAGE, MAX_PAGE
from shared.ids import InvalidIdError, parse_id

FILTERS: Final = {
    "username": "userName",
    "externalid": "externalId",
    "id": "id",
    "emails.value": "emails.value",
    "emails": "emails.value",
    "displayname": "displayName",
}
"""Attributes that can be looked for, by their names in lower case."""

_CORE: Final = "urn:ietf:params:scim:schemas:core:2.0:"

MAX_FILTER: Final = 600
"""Characters of a filter."""

MAX_START: Final = 2**31 - 1


class Wanted(msgspec.Struct, frozen=True):
    """Only resources whose attribute has this value."""

    attribute: str
    value: str

    def id_of(self, prefix: str) -> UUID:
        """Return the id that is looked for; of something that is none, one that nothing has."""
        try:
            return parse_id(prefix, self.value)
        except InvalidIdError:
            return UUID(int=0)


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer is to hold."""

    wanted: Wanted | None
    start: int
    """From 1."""
    count: int
    shown: ResponseParameters[Any]

    @property
    def needs_members(self) -> bool:
        """Whether the members of groups are asked for: with them an answer can be long."""
        if self.shown.attributes:
            return any(str(each).lower().startswith("members") for each in self.shown.attributes)
        hidden = self.shown.excluded_attributes or ()
        return not any(str(each).lower() == "members" for each in hidden)


def of_url(raw: bytes, *, paged: bool) -> Query:
    """Return what a query string asks for.

    Args:
        raw: As sent.
        paged: It is for a list.

    Raises:
        InvalidFilterException, InvalidValueException: it cannot be answered.
        ValueError: a pydantic error about attributes.
    """
    text = raw.decode("ascii", "replace")
    try:
        values = {name: each[-1] for name, each in parse_qs(text, max_num_fields=50).items()}
    except ValueError:
        raise InvalidValueException(detail="There are too many parameters") from None
    names: tuple[str, ...] = ("attributes", "excludedAttributes")
    if paged:
        names = (*names, "filter", "startIndex", "count")
    return _query({name: values[name] for name in names if name in values})


def of_body(body: object) -> Query:
    """Return what a search request asks for; raises as `of_url`."""
    if not isinstance(body, dict):
        raise InvalidValueException(detail="A search request is an object")
    names = ("attributes", "excludedAttributes", "filter", "startIndex", "count")
    return _query({name: body[name] for name in names if body.get(name) is not None})


def _query(values: Mapping[str, Any]) -> Query:
    shown = {name: values[name] for name in ("attributes", "excludedAttributes") if name in values}
    count = _number(values.get("count"), DEFAULT_PAGE)
    return Query(
        wanted=None if "filter" not in values else parse_filter(values["filter"]),
        start=min(max(_number(values.get("startIndex"), 1), 1), MAX_START),
        count=min(max(count, 0), MAX_PAGE),
        shown=SearchRequest.model_validate(shown),
    )


def _number(value: object, default: int) -> int:
    if value is None:
        return default
    try:
        return int(str(value)[:20])
    except ValueError:
        raise InvalidValueException(detail="startIndex and count are whole numbers") from None


def parse_filter(text: object) -> Wanted:
    """Return what a filter looks for.

    Raises:
        InvalidFilterException: anything but one attribute of `FILTERS` `eq` a text.
    """
    if not isinstance(text, str) or len(text) > MAX_FILTER:
        raise InvalidFilterException(detail="A filter is a text of 600 characters at most")
    try:
        node = ScimFilter(text).ast
    except RecursionError:
        raise InvalidFilterException(detail="This filter is nested too deeply") from None
    if not isinstance(node, Comparison) or node.op.value != "eq" or not isinstance(node.value, str):
        raise InvalidFilterException(detail=_SUPPORTED)
    path = str(node.attr_path)
    if path.lower().startswith(_CORE.lower()):
        path = path[len(_CORE) :].partition(":")[2]
    attribute = FILTERS.get(path.lower())
    if attribute is None:
        raise InvalidFilterException(detail=_SUPPORTED)
    return Wanted(attribute, node.value)


_SUPPORTED: Final = (
    "Supported filters: userName, externalId, id, emails.value or displayName, eq, and a text"
)
