"""What the SCIM face knows of users and groups, and what it says about itself.

The core schemas of RFC 7643 with the attributes that we have a use for. Whatever else a provider
sends (phone numbers, addresses, photographs) is accepted and not kept.
"""

from typing import Annotated, Any, ClassVar, Final

from pydantic import EmailStr, Field
from scim2_models import (
    URN,
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    ComplexAttribute,
    ETag,
    ExtensibleStringEnum,
    Filter,
    Mutability,
    Pagination,
    Patch,
    Reference,
    Required,
    Resource,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    Uniqueness,
)

from services.api.scim.address import BASE

MAX_PAGE: Final = 200
"""Resources in one answer."""

DEFAULT_PAGE: Final = 100

MAX_NAME: Final = 200
"""Characters of a name, as elsewhere in the API."""

MAX_EMAILS: Final = 10
MAX_MEMBERS: Final = 20_000
"""Of one group as a request may name them; the size of a body bounds them earlier."""


class Name(ComplexAttribute):
    """The parts of a name."""

    formatted: str | None = None
    """The whole name, as it is shown."""

    family_name: str | None = None
    """The family name."""

    given_name: str | None = None
    """The given name."""


class Email(ComplexAttribute):
    """An address."""

    class Type(ExtensibleStringEnum):
        """What it is for."""

        work = "work"
        home = "home"
        other = "other"

    value: EmailStr | None = None
    """The address itself."""

    type: Type | None = None
    """What it is for, for example work."""

    primary: bool | None = None
    """Whether it is the preferred one."""


class GroupOfUser(ComplexAttribute):
    """A group that a user is in."""

    value: Annotated[str | None, Mutability.read_only, CaseExact.true] = None
    """Its id."""

    ref: Annotated[Reference["Group"] | None, Mutability.read_only] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """Its address."""

    display: Annotated[str | None, Mutability.read_only] = None
    """Its name."""


class User(Resource[Any]):
    """A person. Without a role in Rapport also a learner, whose external id is the user name."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    """What the person is known by; unique, letter case aside."""

    name: Name | None = None
    """The parts of the name."""

    Name: ClassVar[type[ComplexAttribute]] = Name

    display_name: str | None = None
    """The name as it is shown."""

    active: bool | None = None
    """Whether the person may sign in and is a member of a team."""

    emails: list[Email] | None = None
    """Addresses."""

    Emails: ClassVar[type[ComplexAttribute]] = Email

    groups: Annotated[list[GroupOfUser] | None, Mutability.read_only] = None
    """The groups the person is in; changed in the groups."""

    Groups: ClassVar[type[ComplexAttribute]] = GroupOfUser


class Member(ComplexAttribute):
    """A user in a group."""

    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    """The user's id."""

    ref: Annotated[Reference["User"] | None, Mutability.immutable] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The user's address."""

    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])
    """User: groups in groups are not supported."""


class Group(Resource[Any]):
    """A team."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:Group")

    display_name: Annotated[str | None, Required.true] = None
    """The team's name."""

    members: list[Member] | None = None
    """Users in the group."""

    Members: ClassVar[type[ComplexAttribute]] = Member


POLICY: Final = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)
"""Attributes that we do not keep are no mistake; two habits of Microsoft Entra are understood."""

CONFIG: Final = ServiceProviderConfig(
    documentation_uri=None,
    patch=Patch(supported=True),
    bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
    filter=Filter(supported=True, max_results=MAX_PAGE),
    change_password=ChangePassword(supported=False),
    sort=Sort(supported=False),
    etag=ETag(supported=False),
    pagination=Pagination(
        cursor=False, index=True, default_page_size=DEFAULT_PAGE, max_page_size=MAX_PAGE
    ),
    authentication_schemes=[
        AuthenticationScheme(
            type=AuthenticationScheme.Type.oauthbearertoken,
            name="API key",
            description="An API key with the scope scim:write, as a bearer token",
            primary=True,
        )
    ],
)

PROVIDER: Final = ScimProvider(models=[User, Group], config=CONFIG, policy=POLICY)


def user_location(user_id: str) -> str:
    """Return where a user is found, relative to the API's address."""
    return f"{BASE}/Users/{user_id}"


def group_location(group_id: str) -> str:
    """Return where a group is found, relative to the API's address."""
    return f"{BASE}/Groups/{group_id}"
