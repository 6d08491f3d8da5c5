"""How a customer begins and ends a reply: reactions, first words, asides."""

import re

from services.sim_worker.engine.agreement import proposals
from services.sim_worker.engine.bank import BANK
from services.sim_worker.engine.grammar import Line, first_word, sentence_count, suits
from services.sim_worker.engine.picking import Place, fits, pick
from services.sim_worker.engine.texts import phrase_text
from shared.contracts.dialogue import Act
from shared.contracts.simulation import Surface
from shared.dialogue.segments import fold

_REACTION_PERCENT = {
    Surface.VENT: 85,
    Surface.OBJECT: 70,
    Surface.WARN_LEAVE: 65,
    Surface.CONFUSED: 45,
    Surface.REVEAL: 75,
    Surface.PARTIAL: 60,
    Surface.SOFTEN: 65,
    Surface.TEST: 65,
    Surface.DEFLECT: 30,
    Surface.ANSWER: 35,
    Surface.SARCASM: 45,
    Surface.INSULT: 40,
    Surface.SUPERVISOR: 55,
    Surface.BARGAIN: 55,
    Surface.REMIND: 45,
    Surface.REFUSE: 25,
    Surface.CORRECT: 20,
    Surface.ACCEPT: 20,
}
"""How often a reply begins with a reaction, by surface; a surface that is missing never does."""
_FRIENDLY = frozenset({Surface.SOFTEN, Surface.REVEAL, Surface.ACCEPT, Surface.THANK})
"""On these a reaction to something hurtful would not fit the body."""
_HURTFUL = frozenset(
    {Act.INSULT, Act.THREATEN, Act.SARCASM, Act.DISMISS, Act.BLAME, Act.PRESSURE, Act.REPROACH}
    | {Act.RUSH, Act.INTERRUPT, Act.UPSELL, Act.HAND_OVER, Act.REFUSE, Act.CITE_POLICY, Act.REPEAT}
    | {Act.JARGON, Act.HOLD, Act.STOCK_EMPATHY, Act.GREET, Act.CLOSE}
)
_HEATED = frozenset(
    {Surface.VENT, Surface.WARN_LEAVE, Surface.SUPERVISOR, Surface.SARCASM, Surface.INSULT}
)
"""On these a reaction that takes something in good part would contradict the body."""
_TURNS_DOWN = frozenset({Surface.OBJECT, Surface.REFUSE, Surface.BARGAIN, Surface.DEFLECT})
"""Nobody notes down a day and then says no to it."""
_GOES_AHEAD = frozenset({Surface.ANSWER, Surface.SOFTEN})
"""The only replies that let the learner go on as announced."""
_CLEAR = 2
"""Strength from which a goodbye is one."""
_TAIL_PERCENT = {"chatty": 26, "formal": 14, "plain": 12, "curt": 7}
"""How often last words follow, by style."""
_OBJECTING = frozenset(
    {Surface.OBJECT, Surface.VENT, Surface.TEST, Surface.DEFLECT, Surface.REFUSE}
)
"""On these a reply takes back what its reaction granted."""
_SLIGHT = frozenset({Act.THANK, Act.GREET, Act.HOLD})
"""Acts that nobody reacts to before they tell what weighs on them."""
_PROPOSING = frozenset({Act.OFFER, Act.OFFER_CHOICE, Act.CONCEDE, Act.GIVE_AWAY})
_WEIGHED = _PROPOSING | {Act.TAKE_OWNERSHIP, Act.REFUSE, Act.ACKNOWLEDGE_IMPACT}
"""Acts that nobody weighs again while what is agreed is only said back."""
_FOR_A_YES = _PROPOSING | {Act.NEXT_STEP, Act.RECAP, Act.REASSURE, Act.EXPLAIN, Act.TAKE_OWNERSHIP}
"""Acts that an agreement may answer directly."""
_KIND_WORDS = frozenset({Act.ACKNOWLEDGE_IMPACT, Act.PRAISE, Act.CONCEDE})
"""Acts that nobody answers to while an offer lies on the table that they do not take."""
_ABOUT = {
    Act.EXPLAIN: "cause",
    Act.DISCLOSE: "disclosure",
    Act.CITE_POLICY: "policy",
    Act.ACKNOWLEDGE_IMPACT: "impact",
}
"""What a scenario's own reaction to an act takes for granted that it was about."""
_CONTENT = re.compile(r"[a-z]{5,}|\d{2,}")
_SHARED_WORDS = 2
"""Words of it that the learner must have said."""
_TAIL_SURFACES = frozenset(
    {Surface.VENT, Surface.OBJECT, Surface.TEST, Surface.DEFLECT, Surface.SOFTEN, Surface.ANSWER}
    | {Surface.BARGAIN, Surface.REMIND}
)
_LED_WORDS = 4
"""Words from which a line can have first words before it."""
_LEAD_PERCENT = {"chatty": 42, "formal": 26, "plain": 30, "curt": 12}
_NO_LEAD = frozenset(
    {"so", "and", "but", "or", "well", "look", "okay", "ok", "yes", "no", "hello", "sorry", "oh"}
    | {
        "wow",
        "mm",
        "mmm",
        "hm",
        "right",
        "fine",
        "good",
        "great",
        "listen",
        "sure",
        "still",
        "then",
    }
    | {"again", "um", "ah", "all", "please", "honestly", "seriously", "really", "wait", "thank"}
    | {"thanks", "almost", "not", "just", "stop", "same", "how", "only", "nice", "excuse", "hey"}
    | {"enough", "huh", "lovely", "wonderful", "exactly", "ha", "now", "ugh", "hang", "one", "to"}
)
_NO_LEAD_BANKS = frozenset(
    {Surface.CONFUSED, Surface.SILENCE, Surface.SARCASM, Surface.INSULT}
    | {Surface.SOFTEN, Surface.ACCEPT, Surface.THANK}
)


def reaction(
    place: Place, follows: str, previous: str, *, echo: str, room: int
) -> tuple[str | None, str]:
    """Return a reaction to the most striking act (or None) and the reply's echo.

    Its first word differs from the body's and from that of the line before. `room` is how many
    sentences it may have; with an `echo` in the body, it takes nothing up itself.
    """
    place.take(follows)
    if _comes_late(place):
        picked = pick(place, "b:come_back") if room else None
        return (picked[0] if picked else None), echo
    wanted = _REACTION_PERCENT.get(place.surface, 0)
    if "agreed" in place.flags and place.surface is Surface.REVEAL:
        wanted = 100  # what was said back wants an answer before something else is told
    if room < 1 or place.draw("react", 100) >= wanted:
        return None, echo
    avoid = frozenset(first_word(text) for text in (follows, previous))
    for act in BANK.reactions:
        if act not in place.turn.reading.strengths:
            continue
        if _is_out_of_place(place, act) or _is_misread(place, act):
            continue
        key = _own_reaction(place, act, avoid)
        picked = (key, "") if key else None
        picked = picked or pick(place, f"r:{act}", act=act, echo=not echo, avoid=avoid)
        if picked is None:
            continue
        text = phrase_text(place.scenario, picked[0])
        if sentence_count(text) > room:
            continue
        place.take(text)
        return picked[0], picked[1] or echo
    return None, echo


def lead_number(place: Place, line: Line, first: str | None) -> str:
    """Return which first words a common line gets (`s3`); "" for none."""
    if line.first in _NO_LEAD or place.surface in _NO_LEAD_BANKS or line.text[0] in "({":
        return ""
    if len(line.plain.split()) < _LED_WORDS:
        return ""
    if place.surface is Surface.ANSWER and (line.said or "agreed" in place.flags):
        return ""
    grants = first is not None and _grants(first)
    percent = 55 if grants else _LEAD_PERCENT[place.scenario.persona.style]
    if (first is not None and not grants) or place.draw("lead", 100) >= percent:
        return ""
    asks = _first_sentence(line.text).endswith("?")
    group = "b" if grants and place.surface in _OBJECTING else "q" if asks else "s"
    lines = {
        "s": BANK.leads.statement,
        "q": BANK.leads.question,
        "b": BANK.leads.but,
    }[group]
    options = [n for n, item in enumerate(lines) if suits(item, *place.kind) and fits(item, place)]
    return f"{group}{options[place.draw('leads', len(options))]}" if options else ""


def ending(place: Place, body: str) -> str | None:
    """Return the key of last words that fit behind the body; usually None."""
    style = place.scenario.persona.style
    percent = _TAIL_PERCENT[style] + 10 * ("anxious" in place.flags) + 6 * (place.heat == "hot")
    before = place.turn.before.used_phrases[-1:]
    if place.surface not in _TAIL_SURFACES or (before and before[0].startswith("e:")):
        return None
    if place.draw("tail", 100) >= percent:
        return None
    asked = body.rstrip("\"' ").endswith("?")
    if "agreed" in place.flags or ("?" in body and not asked):
        return None
    picked = pick(place, "e:asked" if asked else "e:after")
    return picked[0] if picked else None


def _comes_late(place: Place) -> bool:
    """Say whether a yes comes in a turn that was about something other than the offer."""
    reading = place.turn.reading
    return (
        place.surface is Surface.ACCEPT
        and place.turn.before.last_surface is not Surface.TEST
        and not reading.has(*_FOR_A_YES)
        and not proposals(place.scenario, reading)
    )


def _is_out_of_place(place: Place, act: Act) -> bool:
    """Say whether a reaction to this act would sit oddly before what follows."""
    if place.surface in _FRIENDLY and (act in _HURTFUL or act in _SLIGHT):
        return True
    if "agreed" in place.flags and place.surface is Surface.ANSWER and act in _WEIGHED:
        return True
    if place.surface in _HEATED and act not in _HURTFUL and act is not Act.APOLOGIZE:
        return True
    if place.surface is Surface.ACCEPT and act in _PROPOSING:
        return True
    resists = place.surface in _OBJECTING or place.surface is Surface.BARGAIN
    return resists and act in _KIND_WORDS and place.turn.reading.has(*_PROPOSING)


def _is_misread(place: Place, act: Act) -> bool:
    """Say whether something else in the talk shows that the act is none to react to."""
    reading, before = place.turn.reading, place.turn.before
    nothing_to_it = {
        Act.SIGNPOST: place.surface not in _GOES_AHEAD,
        Act.CLOSE: reading.strengths.get(act, 0) < _CLEAR,
        Act.RECAP: reading.has(Act.VERIFY_IDENTITY),
        Act.PROBE: reading.is_hostile,
        Act.CONCEDE: not (before.proposed or before.counts.get(Act.OFFER)),
        Act.ACKNOWLEDGE_IMPACT: reading.has(Act.DISCLOSE),
        Act.PRAISE: reading.has(*_PROPOSING, Act.NEXT_STEP, Act.RECAP),
        Act.PARAPHRASE: reading.has(Act.STOCK_EMPATHY),
        Act.NEXT_STEP: place.surface in _TURNS_DOWN,
    }
    return nothing_to_it.get(act, False)


def _is_about(place: Place, act: Act) -> bool:
    """Say whether the learner spoke of what the scenario's own reaction to the act answers."""
    slot = _ABOUT.get(act)
    if slot is None:
        return True
    meant = set(_CONTENT.findall(fold(place.scenario.case.get(slot, ""))))
    said = set(_CONTENT.findall(fold(place.turn.reading.text)))
    return len(meant & said) >= min(_SHARED_WORDS, len(meant))


def _own_reaction(place: Place, act: Act, avoid: frozenset[str]) -> str | None:
    own = place.scenario.voice.reactions.get(act, ()) if _is_about(place, act) else ()
    fresh = [
        key
        for number, text in enumerate(own)
        if first_word(text) not in avoid and place.is_new(key := f"vr:{act}:{number}")
    ]
    return fresh[place.draw("reaction", len(fresh))] if fresh else None


def _grants(key: str) -> bool:
    """Say whether a reaction takes something in good part."""
    return Act(key.split(":")[1]) not in _HURTFUL


def _first_sentence(text: str) -> str:
    for at, char in enumerate(text):
        if char in ".!?":
            return text[: at + 1]
    return text
