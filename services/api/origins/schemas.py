"""Requests and answers of `/v1/allowed_origins`."""

from typing import Annotated, Final

import msgspec

from services.api.validation import RuleError, broken

MAX_ORIGINS: Final = 20

_LABEL: Final = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"

Origin = Annotated[
    str,
    msgspec.Meta(
        pattern=rf"^https://{_LABEL}(\.{_LABEL})*(:[1-9][0-9]{{0,4}})?$",
        max_length=270,
        description="As browsers send it: scheme and host, a port only if it is not 443.",
        examples=["https://academy.example.com"],
    ),
]


class AllowedOrigins(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Pages that may call the API from a browser with this tenant's learner tokens."""

    origins: Annotated[list[Origin], msgspec.Meta(max_length=MAX_ORIGINS)]

    def __post_init__(self) -> None:
        errors = [
            broken(f"/origins/{number}", "format", "Browsers never send the port 443")
            for number, origin in enumerate(self.origins)
            if origin.endswith(":443")
        ]
        errors += [
            broken(f"/origins/{number}", "duplicate", "This origin is in the list already")
            for number, origin in enumerate(self.origins)
            if origin in self.origins[:number]
        ]
        if errors:
            raise RuleError(*errors)
