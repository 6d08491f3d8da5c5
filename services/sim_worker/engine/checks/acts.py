"""Whether a line does what the engine decided, as hard as it decided, and nothing against it."""

import re
from collections.abc import Mapping
from typing import Final

from services.sim_worker.engine.checks.table import (
    ACCEPTING,
    GONE,
    GROSS,
    HARD,
    HIGHER,
    LEAVING,
    META,
    ROLE_SWAP,
    SHARP,
    WARNING,
    YES,
)
from services.sim_worker.engine.ports import WordingRequest
from shared.audit.language import plain
from shared.contracts.simulation import Surface
from shared.dialogue.segments import content_stems

_MAY_AGREE: Final = frozenset(
    {Surface.ACCEPT, Surface.FAREWELL, Surface.THANK, Surface.SOFTEN, Surface.SILENCE}
)
_MAY_LEAVE: Final = frozenset({Surface.WARN_LEAVE, Surface.HANG_UP, Surface.FAREWELL})
_MUST: Final[Mapping[Surface, re.Pattern[str]]] = {
    Surface.ACCEPT: YES,
    Surface.WARN_LEAVE: WARNING,
    Surface.HANG_UP: GONE,
    Surface.FAREWELL: GONE,
    Surface.SUPERVISOR: HIGHER,
}
"""What a line of this kind shows, where its draft shows it."""
_ASKS: Final = re.compile("[?\u061f\uff1f]")
_HARD_FROM, _GROSS_FROM = 2, 3
"""Levels of hostility from which such words are meant."""
_SHARED_PERCENT: Final = 30
"""Percent of the draft's distinctive words that make a line as hard as the draft."""


def off_stage(line: str, draft: str) -> str | None:
    """Return `meta` or `role_swap` for a line that no customer says."""
    said = plain(line)
    for code, expression in (("meta", META), ("role_swap", ROLE_SWAP)):
        found = expression.search(said)
        if found and found.group() not in plain(draft):
            return code
    return None


def against(line: str, request: WordingRequest, *, has_agreed: bool) -> str | None:
    """Return how a line goes against the decision: it agrees, leaves or insults without it."""
    said, draft = plain(line), plain(request.draft)

    def adds(expression: re.Pattern[str]) -> bool:
        return bool(expression.search(said)) and not expression.search(draft)

    surface, is_last = request.surface, request.end_reason is not None
    if not (surface in _MAY_AGREE or has_agreed or is_last) and adds(ACCEPTING):
        return "wrong_act"
    if not (surface in _MAY_LEAVE or is_last) and adds(LEAVING):
        return "wrong_act"
    if request.hostility < _GROSS_FROM and adds(GROSS):
        return "too_rude"
    return "too_rude" if request.hostility < _HARD_FROM and adds(HARD) else None


def undone(line: str, request: WordingRequest, *, is_english: bool) -> str | None:
    """Return what a whole line leaves undone of its draft."""
    if request.asks and not _ASKS.search(line):
        return "question_missing"
    if not is_english:
        return None
    said = plain(line)
    must = _MUST.get(request.surface)
    if must is not None and must.search(plain(request.draft)) and not must.search(said):
        return "wrong_act"
    if request.hostility and not SHARP.search(said) and not covers(line, request.body):
        return "softened"
    return None


def covers(line: str, text: str, percent: int = _SHARED_PERCENT) -> bool:
    """Say whether a line holds so many of the distinctive words of a text."""
    stems = content_stems(plain(text))
    return 100 * len(stems & content_stems(plain(line))) >= percent * len(stems)
