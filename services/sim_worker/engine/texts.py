"""What a phrase key says.

`a:<answer>`, `f:<fact>`, `p:<fact>` (half of it), `g:<fact>:<n>` (its guard), `t:<twist>:<n>`,
`i:<level>:<n>` (an insult), `v:<bank>:<n>`, `vr:<act>:<n>` (a reaction) are the scenario's own
lines. `b:<bank>:<line>:<variant>`, `r:<act>:<line>:<variant>` and `e:<tails>:<line>:<variant>` are
common ones; `~s3`, `~q3` or `~b3` behind a key puts first words before it.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache

from services.sim_worker.engine.bank import BANK
from services.sim_worker.engine.grammar import Line, sentences
from shared.contracts.dialogue import Act
from shared.contracts.scenario import ScenarioSpec

_PROPER = ("I ", "I'", "{company}")
_LEADS = {"s": BANK.leads.statement, "q": BANK.leads.question, "b": BANK.leads.but}


def phrase_text(scenario: ScenarioSpec, key: str) -> str:
    """Return the raw text of a phrase key, slots unfilled.

    Raises:
        KeyError: the key names nothing.
    """
    base, _, lead = key.partition("~")
    kind, _, rest = base.partition(":")
    if kind in _WHOLE:
        return _WHOLE[kind](scenario, rest)
    name, _, number = rest.partition(":")
    if kind in _OWN:
        return _OWN[kind](scenario, name)[int(number)]
    text = _common_text(base)
    return _led(lead, text) if lead else text


def common_lines(bank: str) -> tuple[Line, ...]:
    """Return the lines of a common bank: `b:<bank>`, `r:<act>` or `e:<tails>`; maybe none."""
    kind, _, name = bank.partition(":")
    return _COMMON[kind](name)


@lru_cache(maxsize=8192)
def said_by(key: str) -> frozenset[str]:
    """Return the sentences of a common phrase, its first words left out."""
    return sentences(_common_text(key.partition("~")[0]))


@lru_cache(maxsize=8192)
def _common_text(base: str) -> str:
    bank, index, variant = base.rsplit(":", 2)
    line = common_lines(bank)[int(index)]
    return line.variant(int(variant) % line.variants)


def voice_lines(scenario: ScenarioSpec, bank: str) -> tuple[str, ...]:
    """Return the scenario's own lines of a bank; none for a bank that it does not have.

    `silence` is what the customer says to a silent learner and `mute` their own silence, for which
    the scenario's field is named `silence`.
    """
    if bank in {"silence", "insult", "reactions"}:
        return ()
    lines = getattr(scenario.voice, "silence" if bank == "mute" else bank, ())
    return lines if isinstance(lines, tuple) else ()


def _led(lead: str, text: str) -> str:
    first = _LEADS[lead[0]][int(lead[1:])].variant(0)
    if not text.startswith(_PROPER):
        text = text[:1].lower() + text[1:]
    return f"{first} {text}"


_WHOLE: Mapping[str, Callable[[ScenarioSpec, str], str]] = {
    "f": lambda scenario, key: next(x.text for x in scenario.facts if x.key == key),
    "p": lambda scenario, key: next(x.partial for x in scenario.facts if x.key == key),
    "a": lambda scenario, key: next(x.text for x in scenario.answers if x.key == key),
}
_OWN: Mapping[str, Callable[[ScenarioSpec, str], tuple[str, ...]]] = {
    "g": lambda scenario, key: next(x.guard for x in scenario.facts if x.key == key),
    "t": lambda scenario, key: next(x.lines for x in scenario.twists if x.key == key),
    "i": lambda scenario, level: scenario.voice.insult[level],
    "v": voice_lines,
    "vr": lambda scenario, act: scenario.voice.reactions[Act(act)],
}
_COMMON: Mapping[str, Callable[[str], tuple[Line, ...]]] = {
    "r": lambda act: BANK.reactions[Act(act)],
    "b": lambda bank: BANK.bodies.get(bank, ()),
    "e": lambda name: BANK.tails.asked if name == "asked" else BANK.tails.after,
}
