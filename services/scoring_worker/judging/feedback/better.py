"""Other words for exactly one turn, built from what the customer said and from the turn itself."""

import re
from functools import cached_property

from services.scoring_worker.judging.customer import REPEATED, find_feeling
from services.scoring_worker.judging.feedback import slots
from services.scoring_worker.judging.feedback.coaching import WORDS, moves
from services.scoring_worker.judging.feedback.excerpt import clause
from services.scoring_worker.judging.feedback.filling import Get, choose, spread
from services.scoring_worker.judging.feedback.questions import asked, question
from services.scoring_worker.judging.feedback.saying import say_back
from services.scoring_worker.judging.feedback.scene import Scene
from services.scoring_worker.judging.words import Span, count_words, fold
from shared.contracts.dialogue import Act

MAX_SAID_CHARS = 90
_REQUEST = re.compile(
    r"^(?:just |please |now |so |then |okay,? |and )*"
    r"((?:give|tell|send|confirm|repeat|state|provide"
    r"|show|read|spell|answer|check)\b[^.?!]*)",
    re.IGNORECASE,
)
_MAX_TERM_WORDS = 4


class Slots:
    """The values for one turn; each is looked for only when a wording asks for it."""

    def __init__(self, scene: Scene, agent: int, customer: int | None, span: Span) -> None:
        """Take the turn that is quoted, and the customer turn that it answers."""
        self._scene = scene
        self._agent = agent
        self._quoted = span
        self.heard = scene.heard(agent) if customer is None else scene.turns[customer].text
        self._heard_all = scene.heard(agent)
        self.text = scene.turns[agent].text
        self.salt = f"{scene.salt}|{agent}"

    def get(self, name: str) -> str | None:
        """Return the value of a slot, or None when the turn does not give it."""
        value: str | None = getattr(self, name, None)
        return value

    @cached_property
    def family(self) -> str:
        """The feeling of the customer, as words.yaml names it."""
        found = find_feeling(self.heard)
        if found is not None:
            return found[0].value
        if REPEATED.search(fold(self.heard)):
            return "repeated"
        insulted = any(
            span.act in {Act.INSULT, Act.THREATEN}
            for turn in self._scene.reading.turns[: self._agent]
            if turn.turn.role == "customer" and turn.turn.text == self.heard
            for span in turn.raw.acts
        )
        return "attacked" if insulted else "plain"

    @cached_property
    def feeling(self) -> str:
        """A sentence that accepts the feeling."""
        known = WORDS.feeling[self.family]
        return known[spread(f"{self.salt}|feeling", len(known))]

    @cached_property
    def cost(self) -> str:
        """A sentence that says what the trouble means."""
        plain = WORDS.cost_plain[self.family]
        values = {"span": slots.lasting(self.heard), "amount": self.amount, "thing": None}
        return choose(WORDS.cost, values.get, self.salt) or plain[spread(self.salt, len(plain))]

    @cached_property
    def echo(self) -> str | None:
        """The customer's sentence turned around."""
        return say_back(self.heard)

    @cached_property
    def earlier(self) -> str | None:
        """A sentence that the customer said some turns ago, turned around."""
        past = self._scene.turns[: max(0, self._agent - 2)]
        found = (say_back(turn.text) for turn in past if turn.role == "customer")
        return next((said for said in found if said), None)

    @cached_property
    def thing(self) -> str | None:
        """What the customer speaks of now, or opened with: the word that comes up most often."""
        first = next((turn.text for turn in self._scene.turns if turn.role == "customer"), "")
        found = [slots.thing(text) for text in (self.heard, first)]
        words = self._scene.words
        return max(
            (said for said in found if said),
            key=lambda said: words[said.rpartition(" ")[2].lower()],
            default=None,
        )

    @cached_property
    def amount(self) -> str | None:
        """A sum of money."""
        return slots.amount(self.heard)

    @cached_property
    def asked(self) -> str | None:
        """The customer's question as a clause."""
        return asked(self._heard_all)

    @cached_property
    def question(self) -> str | None:
        """The customer's question as it was said."""
        return question(self._heard_all)

    @cached_property
    def said(self) -> str | None:
        """A short quote of the customer."""
        return clause(self.heard, MAX_SAID_CHARS)

    @cached_property
    def own(self) -> str | None:
        """What is worth keeping of the turn."""
        turn = self._scene.reading.turns[self._agent]
        if turn.flags or self._asks_details_again:
            return None
        return slots.kept(self.text, turn.raw, self._heard_all)

    @property
    def _asks_details_again(self) -> bool:
        turns = (turn for turn in self._scene.reading.agent if turn.index <= self._agent)
        asking = [turn.index for turn in turns if turn.raw.has(Act.VERIFY_IDENTITY)]
        return len(asking) > 1 and asking[-1] == self._agent

    @cached_property
    def deed(self) -> str | None:
        """What the agent says that they can do."""
        return slots.deed(self.text)

    @cached_property
    def plan(self) -> str | None:
        """The latest of these up to this turn."""
        said = (turn.text for turn in self._scene.turns[: self._agent + 1] if turn.role == "agent")
        return next((found for text in reversed(list(said)) if (found := slots.deed(text))), None)

    @cached_property
    def portion(self) -> str | None:
        """The first part of the quoted sentence."""
        return slots.first_portion(self.text, self._quoted)

    @cached_property
    def term(self) -> str | None:
        """The longest term that nobody explained."""
        turn = self._scene.reading.turns[self._agent]
        said = [
            self.text[span.start : span.end] for span in turn.raw.acts if span.act is Act.JARGON
        ]
        short = [term for term in said if count_words(term) <= _MAX_TERM_WORDS]
        return max(short, key=len, default=None)

    @cached_property
    def request(self) -> str | None:
        """What was ordered, as the end of `could you ...`."""
        match = _REQUEST.match(self.text[self._quoted.start : self._quoted.end])
        if match is None or not 3 <= count_words(match[1]) <= slots.MAX_DEED_WORDS:
            return None
        return match[1][:1].lower() + match[1][1:].rstrip(" ,;")


def better(move: str, get: Get, salt: str) -> str:
    """Return other words for the turn; every move has wordings without slots."""
    return choose(moves()[move], get, salt) or moves()[move][0]
