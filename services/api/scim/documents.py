"""Between the wire form of a user and what is stored of it."""

from collections.abc import Sequence
from typing import Final

import msgspec
from scim2_models import InvalidValueException, Meta, Reference

from services.api.scim.resources import (
    MAX_EMAILS,
    MAX_NAME,
    Email,
    Group,
    GroupOfUser,
    Name,
    User,
    user_location,
)
from services.api.users.records import User as StoredUser
from services.api.users.records import UserFacts
from shared.contracts.base import Record
from shared.ids import format_id

COLUMN: Final = "scim_users.document"

MAX_EMAIL: Final = 254
"""Characters of an address, by RFC 5321."""


class Address(Record, frozen=True, kw_only=True):
    """An e-mail address as the provider wrote it."""

    value: str
    type: str | None = None
    primary: bool | None = None


class Profile(Record, frozen=True, kw_only=True):
    """What the provider wrote about a user beyond `app.users`."""

    external_id: str | None = None
    """The provider's own id."""
    formatted: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    emails: tuple[Address, ...] = ()
    shows_active: bool = True
    """False: the provider removed the attribute; whether the user is active stays as it was."""


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A user with the provider's words."""

    user: StoredUser
    profile: Profile


def check_user(user: User) -> None:
    """Check what the schema cannot say.

    Raises:
        InvalidValueException: a text is empty, too long or unprintable, or there are too many.
    """
    name = user.name or Name()
    texts = {
        "userName": user.user_name or "",
        "displayName": user.display_name,
        "externalId": user.external_id,
        "name.formatted": name.formatted,
        "name.givenName": name.given_name,
        "name.familyName": name.family_name,
    }
    for attribute, text in texts.items():
        check_text(attribute, text)
    if len(user.emails or ()) > MAX_EMAILS:
        raise InvalidValueException(detail=f"emails may have {MAX_EMAILS} values")
    for email in user.emails or ():
        if email.value is None or len(email.value) > MAX_EMAIL:
            raise InvalidValueException(detail="emails need a value of 254 characters at most")
        check_text("emails.type", email.type and str(email.type))


def check_text(attribute: str, text: str | None) -> None:
    """Check a text that is stored.

    Raises:
        InvalidValueException: nothing but spaces, too long, or with control characters.
    """
    if text is None:
        return
    if not text.strip() or len(text) > MAX_NAME or not text.isprintable():
        raise InvalidValueException(
            detail=f"{attribute} needs 1 to {MAX_NAME} characters that can be printed"
        )


def profile_of(user: User) -> Profile:
    """Return what is kept of the provider's words."""
    name = user.name or Name()
    return Profile(
        external_id=user.external_id,
        formatted=name.formatted,
        given_name=name.given_name,
        family_name=name.family_name,
        emails=tuple(
            Address(
                value=str(each.value),
                type=None if each.type is None else str(each.type),
                primary=each.primary,
            )
            for each in user.emails or ()
        ),
    )


def shown_name(user: User) -> str | None:
    """Return the name that reports show."""
    name = user.name or Name()
    parts = " ".join(part for part in (name.given_name, name.family_name) if part)
    found = user.display_name or name.formatted or parts or None
    return None if found is None else found[:MAX_NAME]


def facts_of(user: User, before: UserFacts | None) -> UserFacts:
    """Return what is to be stored; roles, teams and the learner are decided elsewhere."""
    emails = [each.value for each in user.emails or () if each.value]
    preferred = [each.value for each in user.emails or () if each.primary and each.value]
    plain = before or UserFacts(user_name="")
    return UserFacts(
        user_name=str(user.user_name),
        email=next(iter(preferred or emails), None),
        display_name=user.display_name,
        role=plain.role,
        team_ids=plain.team_ids,
        learner_id=plain.learner_id,
        active=plain.active if user.active is None else user.active,
    )


def unwritten(user: StoredUser) -> Profile:
    """Return what a provider would have written about somebody whom it did not make."""
    found = () if user.email is None else (Address(value=user.email, primary=True),)
    return Profile(emails=found)


def resource_of(stored: Stored, groups: Sequence[tuple[str, str, str]]) -> User:
    """Return the wire form.

    Args:
        stored: The user.
        groups: Id, address and name of each group.
    """
    user, profile = stored.user, stored.profile
    public = format_id("usr", user.user_id)
    has_name = profile.formatted or profile.given_name or profile.family_name
    return User(
        id=public,
        external_id=profile.external_id,
        meta=Meta(
            resource_type="User",
            created=user.created_at,
            last_modified=user.updated_at,
            location=user_location(public),
        ),
        user_name=user.user_name,
        name=Name(
            formatted=profile.formatted,
            given_name=profile.given_name,
            family_name=profile.family_name,
        )
        if has_name
        else None,
        display_name=user.display_name,
        active=user.active if profile.shows_active else None,
        emails=[
            Email(
                value=each.value,
                type=None if each.type is None else Email.Type(each.type),
                primary=each.primary,
            )
            for each in profile.emails
        ]
        or None,
        groups=[
            GroupOfUser(value=group, ref=Reference[Group](location), display=name)
            for group, location, name in groups
        ]
        or None,
    )
