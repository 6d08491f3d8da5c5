"""What the analyser of turns says about one turn; read by the persona engine and by the judge."""

from enum import StrEnum

from shared.contracts.base import Record


class Act(StrEnum):
    """What a speaker does in a turn. One turn may hold several."""

    GREET = "greet"
    THANK = "thank"
    ACKNOWLEDGE_FEELING = "acknowledge_feeling"
    ACKNOWLEDGE_IMPACT = "acknowledge_impact"
    STOCK_EMPATHY = "stock_empathy"
    APOLOGIZE = "apologize"
    TAKE_OWNERSHIP = "take_ownership"
    BLAME = "blame"
    DISMISS = "dismiss"
    OPEN_QUESTION = "open_question"
    CLOSED_QUESTION = "closed_question"
    PARAPHRASE = "paraphrase"
    CHECK_UNDERSTANDING = "check_understanding"
    EXPLAIN = "explain"
    JARGON = "jargon"
    CITE_POLICY = "cite_policy"
    OFFER = "offer"
    NEXT_STEP = "next_step"
    HOLD = "hold"
    RUSH = "rush"
    REPROACH = "reproach"
    THREATEN = "threaten"
    INSULT = "insult"
    VERIFY_IDENTITY = "verify_identity"
    DISCLOSE = "disclose"
    PRESSURE = "pressure"
    RECAP = "recap"
    REASSURE = "reassure"
    CLOSE = "close"
    PROBE = "probe"
    CONCEDE = "concede"
    GIVE_AWAY = "give_away"
    OFFER_CHOICE = "offer_choice"
    REFUSE = "refuse"
    HAND_OVER = "hand_over"
    UPSELL = "upsell"
    INTERRUPT = "interrupt"
    REPEAT = "repeat"
    SARCASM = "sarcasm"
    PRAISE = "praise"
    SET_BOUNDARY = "set_boundary"
    SIGNPOST = "signpost"


class Topic(StrEnum):
    """What an act is about, as far as its own words show it; a closed, general list."""

    IDENTITY = "identity"
    MONEY = "money"
    TIME = "time"
    DELIVERY = "delivery"
    PRODUCT = "product"
    ACCOUNT = "account"
    CONTRACT = "contract"
    SECURITY = "security"
    RULES = "rules"
    FEELING = "feeling"
    PEOPLE = "people"
    HISTORY = "history"
    """What happened before."""


class QuantityKind(StrEnum):
    """What a number in a turn counts."""

    MONEY = "money"
    """In hundredths of the currency unit."""
    PERCENT = "percent"
    HOURS = "hours"
    DAYS = "days"
    """Weeks count seven."""
    MONTHS = "months"
    """Years count twelve; `in six payments` counts six."""


class Quantity(Record, frozen=True, kw_only=True):
    """A number that somebody named, with its words."""

    kind: QuantityKind
    value: int
    start: int
    end: int
    """Offsets into the turn's text, as in `ActSpan`."""


class ActSpan(Record, frozen=True, kw_only=True):
    """One act, with the words that show it."""

    act: Act
    start: int
    """First character of the span in the turn's text, counted in Unicode code points."""
    end: int
    """One past the last character; `text[start:end]` is the evidence."""
    strength: int = 1
    """1 weak, 2 clear, 3 strong."""
    topic: Topic | None = None
    """What the span is about; None when its words do not show it."""


class TurnAnalysis(Record, frozen=True, kw_only=True):
    """Everything the analyser found in one turn."""

    acts: tuple[ActSpan, ...]
    """In order of `start`."""
    words: int
    sentences: int
    questions: int

    def has(self, act: Act) -> bool:
        """Say whether the turn holds this act."""
        return any(span.act is act for span in self.acts)
