"""Answers that are files, streamed to whoever wants to keep them."""

from collections.abc import AsyncIterator

from services.api.endpoint import Answer


def attachment(name: str, media_type: str, parts: AsyncIterator[bytes]) -> Answer:
    """Return a file that browsers keep by a name; one that breaks off has no proper end."""
    return Answer(
        body=None,
        stream=parts,
        media_type=media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
