"""One line in, one line out: intake, judgment, and what to say when there is no score."""

from hashlib import sha256
from typing import Final, Literal

import msgspec

from infra.score.conversations import (
    Conversation,
    UnreadableLineError,
    limits,
    read_conversation,
)
from services.scoring_worker.judging.judge import judge
from services.scoring_worker.judging.version import ENGINE_VERSION
from shared.contracts.rubric import RubricSpec
from shared.contracts.scoring import JudgeResult, Transcript
from shared.errors import FieldError
from shared.intake.taking import Flag, Taken, refusals, take_in

FORMAT: Final = 1
"""Of the output; a file in another format is not continued."""

DIGITS: Final = 12
"""Of each hash: 48 bits."""

Outcome = Literal["assessed", "held", "refused", "failed"]
"""What became of a conversation; `failed` is a fault of the judge."""

OUTCOMES: Final[tuple[Outcome, ...]] = ("assessed", "held", "refused", "failed")


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """What the lines of the output begin with: enough to know whether a run may go on."""

    id: str | int | None
    """As the input has it."""
    line: int
    """Of the input, from 1."""
    input_hash: str
    """Of the bytes of the input's line."""
    settings_hash: str
    """Of rubric, engine and format."""
    status: Outcome


class Answer(Stamp, frozen=True, kw_only=True, omit_defaults=True):
    """A line of the output."""

    flags: tuple[Flag, ...] = ()
    """What is odd about the conversation, in words."""
    reasons: tuple[FieldError, ...] = ()
    """Why it was refused, or failed; pointers are into the input's line."""
    assessment: JudgeResult | None = None


class Assessor:
    """Turns lines into answers; the same line gives the same bytes in any process."""

    def __init__(self, rubric: RubricSpec) -> None:
        self.rubric = rubric
        settings = msgspec.json.encode([FORMAT, ENGINE_VERSION, rubric], order="deterministic")
        self.settings_hash = digest(settings)
        self._encoder = msgspec.json.Encoder()

    def assess(self, number: int, line: bytes) -> tuple[Outcome, bytes]:
        """Return what became of the conversation of a line, and the line that says so.

        Raises:
            UnreadableLineError: there is no conversation in it.
        """
        conversation = read_conversation(line)
        answer = self._answer(number, digest(line), conversation)
        return answer.status, self._encoder.encode(answer) + b"\n"

    def _answer(self, number: int, input_hash: str, conversation: Conversation) -> Answer:
        turns = conversation.transcript()
        reasons = limits(turns)
        taken = Taken(turns=turns, language=conversation.language, flags=())
        status: Outcome = "refused"
        assessment = None
        if not reasons:
            taken = take_in(turns, conversation.language)
            reasons = list(refusals(taken.turns))
        if not reasons and taken.is_held and conversation.roles is None:
            status = "held"
        elif not reasons:
            try:
                assessment = self._judge(conversation, taken)
                status = "assessed"
            except Exception as error:  # one conversation must not stop a hundred thousand
                status, reasons = "failed", [_fault(error)]
        return Answer(
            line=number,
            input_hash=input_hash,
            settings_hash=self.settings_hash,
            status=status,
            id=conversation.name,
            flags=taken.flags,
            reasons=tuple(reasons),
            assessment=assessment,
        )

    def _judge(self, conversation: Conversation, taken: Taken) -> JudgeResult:
        transcript = Transcript(
            turns=taken.turns, source=conversation.source, language=taken.language
        )
        return judge(transcript, self.rubric, flags=taken.codes)


def digest(content: bytes) -> str:
    """Return the hash that stands for a line, or for settings."""
    return sha256(content).hexdigest()[:DIGITS]


def is_readable(line: bytes) -> bool:
    """Say whether there is a conversation in a line."""
    try:
        read_conversation(line)
    except UnreadableLineError:
        return False
    return True


def _fault(error: Exception) -> FieldError:
    """Name the kind of a fault; its message could quote the conversation."""
    detail = f"The judge failed ({type(error).__name__})"
    return FieldError(pointer="", code="engine-failed", detail=detail)
