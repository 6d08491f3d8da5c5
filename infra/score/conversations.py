"""What a line of the input may hold, and what makes it unreadable."""

from itertools import islice
from typing import Final, Literal

import msgspec

from services.api.validation import wrong_fields
from shared.contracts.scoring import TranscriptTurn
from shared.errors import FieldError
from shared.intake.language import DEFAULT
from shared.intake.limits import MAX_TURN_CHARACTERS, MAX_TURNS

MAX_NAMED: Final = 3
"""Wrong fields that are named of one line."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_OTHER_SIDE: Final[dict[str, Literal["agent", "customer"]]] = {
    "agent": "customer",
    "customer": "agent",
}


class UnreadableLineError(Exception):
    """The line holds no conversation; the message is for a person and quotes no turn."""


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """What one side said; other fields are ignored."""

    role: Literal["agent", "customer"]
    """`agent` is the person who is scored."""
    text: str
    id: str | int | None = None
    """Evidence cites it; `t1`, `t2`, ... by position when absent."""
    start_ms: int | None = None
    end_ms: int | None = None


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """One line: the `conversation` of `POST /v1/scorings`, or just `turns`; other fields are
    ignored.
    """

    turns: tuple[Turn, ...]
    id: str | int | None = None
    external_id: str | int | None = None
    source: Literal["simulation", "call", "chat", "email"] = "call"
    language: str = DEFAULT
    roles: Literal["keep", "swap"] | None = None
    """What a person found out about labels that look swapped: they are right, or they are not."""

    @property
    def name(self) -> str | int | None:
        """What the sender calls the conversation."""
        return self.external_id if self.id is None else self.id

    def transcript(self) -> tuple[TranscriptTurn, ...]:
        """Return the turns with ids, their roles put right where `roles` says so."""
        swap = self.roles == "swap"
        return tuple(
            TranscriptTurn(
                id=f"t{number}" if turn.id is None else str(turn.id),
                role=_OTHER_SIDE[turn.role] if swap else turn.role,
                text=turn.text,
                start_ms=turn.start_ms,
                end_ms=turn.end_ms,
            )
            for number, turn in enumerate(self.turns, start=1)
        )


_DECODER: Final = msgspec.json.Decoder(Conversation)


def read_conversation(line: bytes) -> Conversation:
    """Return the conversation of a line.

    Raises:
        UnreadableLineError: not JSON, or not of the form.
    """
    line = line.removeprefix(_BYTE_ORDER_MARK)
    try:
        return _DECODER.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise UnreadableLineError(_why(line)) from None


def _why(line: bytes) -> str:
    """Say what is wrong with a line; the whole of it is read, not only up to the first mistake."""
    try:
        wrong = wrong_fields(msgspec.json.decode(line), Conversation)
    except UnicodeDecodeError:
        return "not valid UTF-8"
    except RecursionError:
        return "nested too deeply"
    except msgspec.DecodeError as error:
        return f"no JSON: {error}"
    named = (
        f"{error.pointer or '/'}: {error.detail}"
        for error in wrong
        if error.code != "unknown-field"
    )
    return "; ".join(islice(named, MAX_NAMED))


def limits(turns: tuple[TranscriptTurn, ...]) -> list[FieldError]:
    """Return why turns cannot be taken, of what needs no look at their words."""
    found = []
    if len(turns) > MAX_TURNS:
        detail = f"A conversation may have {MAX_TURNS} turns; this one has {len(turns)}"
        found.append(_error("/turns", "too-long", detail))
    seen: set[str] = set()
    for number, turn in enumerate(turns):
        if len(turn.text) > MAX_TURN_CHARACTERS:
            detail = f"A turn may have {MAX_TURN_CHARACTERS} characters"
            found.append(_error(f"/turns/{number}/text", "too-long", detail))
        if turn.id in seen:
            found.append(_error(f"/turns/{number}/id", "repeated", "Each turn has its own id"))
        seen.add(turn.id)
        if turn.start_ms is not None and turn.end_ms is not None and turn.end_ms < turn.start_ms:
            detail = "A turn ends after it starts"
            found.append(_error(f"/turns/{number}/end_ms", "out-of-order", detail))
    return found


def _error(pointer: str, code: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code=code, detail=detail)
