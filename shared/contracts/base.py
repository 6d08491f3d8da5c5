"""Bases of the wire types."""

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A value that travels between rooms or rests in the database; tolerates unknown fields when
    read.
    """


class Authored(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value that a person writes (scenario, rubric): an unknown field is a mistake."""
