"""How a contact went, as partners say it and as it is shown."""

from typing import Annotated

import msgspec

from services.api.scorings.records import Contact
from services.api.validation import RuleError, broken

MAX_SECONDS = 7 * 24 * 3600
"""A week: more is a mistake of the sender."""

Seconds = Annotated[int, msgspec.Meta(ge=0, le=MAX_SECONDS)]

_PARTS = ("talk_s", "hold_s", "after_work_s")


class ContactPut(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a contact went by your own counting; leave out what you do not know."""

    talk_s: Annotated[
        Seconds | None, msgspec.Meta(description="Seconds of talking, or of writing in chats.")
    ] = None
    hold_s: Seconds | None = None
    after_work_s: Seconds | None = None
    handle_time_s: Annotated[
        Seconds | None,
        msgspec.Meta(
            description="Talk, hold and after-work together, which is what it is when absent. "
            "Of a chat beside others: divided by how many ran at once."
        ),
    ] = None
    is_first_contact: Annotated[
        bool | None,
        msgspec.Meta(description="The customer's first contact for this reason, by your rule."),
    ] = None
    is_resolved: bool | None = None
    is_transferred: bool | None = None

    def __post_init__(self) -> None:
        if all(getattr(self, name) is None for name in self.__struct_fields__):
            raise RuleError(broken("", "missing", "Say something about the contact"))
        if self.talk_s is None and (self.hold_s is not None or self.after_work_s is not None):
            raise RuleError(broken("/talk_s", "missing", "Hold and after-work come with talk"))

    def contact(self) -> Contact:
        """Return what is stored."""
        handle_time_s = self.handle_time_s
        if handle_time_s is None and self.talk_s is not None:
            handle_time_s = sum(getattr(self, name) or 0 for name in _PARTS)
        return Contact(
            talk_s=self.talk_s,
            hold_s=self.hold_s,
            after_work_s=self.after_work_s,
            handle_time_s=handle_time_s,
            is_first_contact=self.is_first_contact,
            is_resolved=self.is_resolved,
            is_transferred=self.is_transferred,
        )


class ContactView(msgspec.Struct, frozen=True, kw_only=True):
    """How a contact went; null where nobody said."""

    talk_s: int | None
    hold_s: int | None
    after_work_s: int | None
    handle_time_s: int | None
    is_first_contact: bool | None
    is_resolved: bool | None
    is_transferred: bool | None

    @classmethod
    def of(cls, contact: Contact) -> "ContactView":
        """Return the public form."""
        return cls(**msgspec.structs.asdict(contact))
