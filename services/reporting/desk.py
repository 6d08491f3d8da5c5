"""What a question is, and what one has at hand to answer it."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

from services.reporting.cache import AnswerCache
from shared.clock import Clock
from shared.contracts.base import Record
from shared.contracts.reports.base import ReportQuery
from shared.db.pool import Database

DEADLINE_S: Final = 5.0
"""Seconds for one answer, the wait for a connection included."""

IN_FLIGHT: Final = 64
"""Questions a process works on at once; more are refused at once instead of answered too late."""


class QuestionError(Exception):
    """The question cannot be answered as it is; the text says why, without its data."""

    def __init__(self, why: str, field: str | None = None) -> None:
        super().__init__(why)
        self.field = field
        """The parameter that is wrong, by its public name (`from`, `skill`), if it is one."""


class NotReadyError(Exception):
    """There is no true answer now: numbers are being counted anew. Asking again helps."""


class Desk(NamedTuple):
    """What every answer is made with."""

    database: Database
    clock: Clock
    answers: AnswerCache | None = None
    """Answers that took long, by what they depend on; None: nothing is kept."""


class Question(NamedTuple):
    """One question: asked on `report.<name>`."""

    name: str
    query: type[ReportQuery]
    answer: Callable[[Desk, Any], Awaitable[Record]]
    """Raises `QuestionError` where the question is wrong."""
    deadline_s: float = DEADLINE_S
    """Seconds for the answer; who asks may have less patience."""
    in_flight: int = IN_FLIGHT
    """Of this question at once in one process; low where an answer is heavy."""
