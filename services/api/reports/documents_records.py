"""Weekly pages as they are listed."""

from datetime import date, datetime
from uuid import UUID

import msgspec


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A weekly page, without what it says."""

    document_id: UUID
    team_id: UUID
    week: date
    created_at: datetime
