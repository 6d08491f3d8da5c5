"""Picks the phrases of a reply by key, so that no sentence comes twice in a conversation."""

from services.sim_worker.engine.asking import question_kind
from services.sim_worker.engine.bank import BANK
from services.sim_worker.engine.grammar import Line, sentence_count
from services.sim_worker.engine.manner import ending, lead_number, reaction
from services.sim_worker.engine.picking import Place, pick, place_of
from services.sim_worker.engine.surface import Decision, Turn
from services.sim_worker.engine.texts import phrase_text, voice_lines
from shared.contracts.scenario import ScenarioSpec
from shared.contracts.simulation import EndReason, Surface

__all__ = ["BANK", "asks", "choose", "phrase_text"]

MAX_SENTENCES = 4
"""A reply is no longer than this, unless the scenario's own line is."""
_OWN_PERCENT = 78
"""How often a customer uses a line of the scenario while there is a fitting common one, too."""
_ASKING = frozenset({"a", "f", "p", "t", "v", "b"})
"""Kinds of keys whose questions want an answer."""
_ASKING_BANKS = frozenset(
    {"press", "test", "object", "soften", "accept", "bargain", "remind", "hesitate", "fallback"}
)
"""Banks whose questions want an answer; the others vent, brush off or close."""
_WHOLE = frozenset({"fact", "answer", "partial"})
"""Sources that name one text."""
_STANDS_FOR = {"guard": "deflect", "fact": "answer", "partial": "deflect", "twist": "press"}
"""The bank that is used when a source has nothing left."""
_PLAIN_BANKS = frozenset({"confirm", "accept", "thank"})
"""Banks whose lines need no first words: nobody says `With respect, yes`."""
_BARE_BANKS = frozenset({"overtaken", "given"})
"""Banks whose lines say all there is to say."""
_ALWAYS_OWN = frozenset({"guard", "accept", "farewell", "hang_up", "twist"})
"""Sources for which the scenario's own lines always come first."""


def choose(
    turn: Turn, decision: Decision, *, previous_customer: str, seed: int, seq: int
) -> tuple[tuple[str, ...], str]:
    """Return the keys of the reply's phrases in order, and what it takes up ("" for nothing).

    The same arguments give the same keys, and no sentence of three words or more is one that the
    used phrases hold.
    """
    place = place_of(turn, decision, seed, seq)
    body, echo = _body(place, decision)
    if decision.end_reason is not None:
        agreed = pick(place, "b:agree_now") if _ends_on_a_yes(turn, decision) else None
        return ((agreed[0], body) if agreed else (body,)), echo
    text = phrase_text(turn.scenario, body)
    room = MAX_SENTENCES - sentence_count(text)
    if body.split(":")[1] in _BARE_BANKS:
        return (body,), echo
    first, echo = reaction(place, text, previous_customer, echo=echo, room=room)
    keys = (_led(place, body, first), *_last(place, text, body, first, room))
    return ((first, *keys) if first else keys), echo


def _ends_on_a_yes(turn: Turn, decision: Decision) -> bool:
    """Say whether the customer agrees and says goodbye in one breath."""
    return decision.end_reason is EndReason.GOAL_MET and turn.accepted is not None


def asks(scenario: ScenarioSpec, keys: tuple[str, ...]) -> str | None:
    """Return the kind of question that the chosen phrases put to the learner.

    `when`, `who`, `how`, `why`, `sure` or `what`; None when they ask nothing that wants an answer:
    reactions, outbursts and last lines only sound like questions.
    """
    for key in reversed(keys):
        kind, _, rest = key.partition(":")
        bank = rest.partition(":")[0].partition("_")[0]
        if kind not in _ASKING or (kind in {"v", "b"} and bank not in _ASKING_BANKS):
            continue
        found = question_kind(phrase_text(scenario, key))
        if found:
            return found
    return None


def _body(place: Place, decision: Decision) -> tuple[str, str]:
    kind, _, name = _source(decision).partition(":")
    if name and kind in _WHOLE and f"{kind[0]}:{name}" not in place.used:
        return f"{kind[0]}:{name}", ""
    own = [key for key in _own(place.scenario, kind, name) if place.is_new(key)]
    if not own and kind in _STANDS_FOR:
        own = [key for key in _own(place.scenario, _STANDS_FOR[kind], "") if place.is_new(key)]
    always = kind in _ALWAYS_OWN or decision.end_reason is not None
    if own and (always or place.draw("own", 100) < _OWN_PERCENT):
        return _own_line(place, own[place.draw("body", len(own))])
    bank = f"{kind}_{name}" if kind in {"insult", "remind"} else _STANDS_FOR.get(kind, kind)
    for source in (bank, "fallback"):
        picked = pick(place, f"b:{source}")
        if picked is not None:
            return picked
    return _own_line(place, own[0]) if own else (_last_resort(place), "")


def _source(decision: Decision) -> str:
    """Return where the words come from; the customer's own silence is `mute`."""
    if decision.surface is Surface.SILENCE and decision.source == "silence":
        return "mute"
    return decision.source


def _own_line(place: Place, key: str) -> tuple[str, str]:
    """Return a line of the scenario and its echo: it may hold an earlier promise only."""
    holds = "{earlier}" in phrase_text(place.scenario, key)
    return key, place.echo("earlier") if holds else ""


def _own(scenario: ScenarioSpec, kind: str, name: str) -> tuple[str, ...]:
    """Return the keys of the scenario's own lines for a source."""
    if kind == "guard":
        guard = next(fact.guard for fact in scenario.facts if fact.key == name)
        return tuple(f"g:{name}:{number}" for number in range(len(guard)))
    if kind == "twist":
        lines = next(twist.lines for twist in scenario.twists if twist.key == name)
        return tuple(f"t:{name}:{number}" for number in range(len(lines)))
    if kind == "insult":
        return tuple(f"i:{name}:{n}" for n in range(len(scenario.voice.insult.get(name, ()))))
    return tuple(
        f"v:{kind}:{number}"
        for number, line in enumerate(voice_lines(scenario, kind))
        if kind != "remind" or question_kind(f"{line.rstrip('.!?')}?") in {name, "sure", None}
    )


def _led(place: Place, body: str, first: str | None) -> str:
    """Return the body's key with first words before it, where they fit."""
    if not body.startswith("b:"):
        return body
    bank, number = body.split(":")[1:3]
    if bank in _PLAIN_BANKS:
        return body
    line: Line = BANK.bodies[bank][int(number)]
    lead = lead_number(place, line, first)
    return f"{body}~{lead}" if lead else body


def _last(place: Place, text: str, body: str, first: str | None, room: int) -> tuple[str, ...]:
    said = sentence_count(phrase_text(place.scenario, first)) if first else 0
    if body[0] in "afpt" or ":hesitate:" in body or room - said < 1:
        return ()
    key = ending(place, text)
    return (key,) if key and sentence_count(phrase_text(place.scenario, key)) + said <= room else ()


def _last_resort(place: Place) -> str:
    """Return something when everything has been said: a conversation of hundreds of turns."""
    number = len(place.used)
    return f"b:fallback:{number % len(BANK.bodies['fallback'])}:{number}"
