"""What the engine gives to whoever words the customer's line."""

from collections.abc import Mapping

from shared.contracts.base import Record
from shared.contracts.scenario import Mind, Temper
from shared.contracts.simulation import EndReason, Line, Surface


class WordingRequest(Record, frozen=True, kw_only=True):
    """Everything that wording may see.

    Locked facts, unlock rules, the persona's soft spots and triggers, and scoring are not in it.
    """

    name: str
    """The customer's name."""
    summary: str
    """Who the customer is, in a sentence or two."""
    style: str
    temper: Temper
    language: str
    surface: Surface
    end_reason: EndReason | None
    mood: str
    mood_before: str
    """The mood before the learner spoke, so that a turn of mood can be heard."""
    mind: Mind
    hostility: int
    """0 civil .. 3 gross: how rude the line has to be."""
    case: Mapping[str, str]
    open_facts: tuple[str, ...]
    """Texts of the facts that are open, the ones opened in this turn included."""
    must_say: tuple[str, ...]
    """Texts of the facts that open in this line."""
    draft: str
    """The embedded wording of the line: a model may reword it, and it is the fallback."""
    body: str
    """The part of the draft that does what the line has to do: without reactions and asides."""
    asks: bool
    """Whether the draft puts a question that wants an answer."""
    last_lines: tuple[Line, ...]
    """The end of the conversation so far, oldest first."""
    seed: int
    seq: int
