"""Refusals that only reviews meet."""

from shared.errors import AppError


class RevisionOutdatedError(AppError):
    """A later revision counts than the one the caller has read."""

    code, status, title = "revision-outdated", 409, "A later revision counts"


class DisputeClosedError(AppError):
    """The window for a dispute is over, one is open already, or it was answered."""

    code, status, title = "dispute-closed", 409, "This cannot be disputed, or not any more"


class SameActorError(AppError):
    """Whoever scored or disputed may not be the one who decides."""

    code, status, title = "same-actor", 409, "Somebody else must decide this"
