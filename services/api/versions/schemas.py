"""Requests and answers of `/v1/api_version`."""

from typing import Annotated

import msgspec

from services.api.validation import RuleError, broken
from services.api.versions.changes import CHANGES, CURRENT, VERSIONS
from services.api.versions.transform import is_known


class VersionPut(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Pin the tenant to a version."""

    version: Annotated[
        str,
        msgspec.Meta(
            pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
            max_length=10,
            description="One of `known`.",
            examples=[CURRENT],
            extra_json_schema={"enum": list(VERSIONS)},
        ),
    ]

    def __post_init__(self) -> None:
        if not is_known(self.version):
            raise RuleError(broken("/version", "unknown-value", "There is no such version"))


class KnownVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version and what it changed."""

    version: str
    changes: list[str]
    """One sentence each; none for the first."""


class VersionView(msgspec.Struct, frozen=True, kw_only=True):
    """The version that requests without `Api-Version` speak."""

    version: str
    current: str
    """The newest."""
    known: list[KnownVersion]
    """Oldest first."""

    @classmethod
    def of(cls, version: str) -> "VersionView":
        """Return the public form of a tenant's pin."""
        return cls(
            version=version,
            current=CURRENT,
            known=[
                KnownVersion(
                    version=each,
                    changes=[change.summary for change in CHANGES if change.version == each],
                )
                for each in VERSIONS
            ],
        )
