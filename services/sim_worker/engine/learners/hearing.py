"""What a good listener takes from the customer's last line, by its words alone."""

import re

from services.sim_worker.engine.learners.tables import read_lines

_WORDS = read_lines("hearing.yaml")
_CUES = {name: re.compile(pattern) for name, pattern in _WORDS["cues"].items()}
_KINDS = {name: re.compile(pattern) for name, pattern in _WORDS["kinds"].items()}
_OWNERS: dict[str, str] = _WORDS["owners"]
_LITTLE = frozenset(_WORDS["little"])
_FOLLOWS = (_LITTLE | set(_WORDS["follows"])) - {"one", "ones", "of"}
_VAGUE = frozenset(_WORDS["vague"])
_ENDINGS: tuple[str, ...] = tuple(_WORDS["endings"])
_TOKEN = re.compile(r"[a-z]+(?:['-][a-z]+)*|[.,;:!?]")
_SENTENCE = re.compile(r"[^.!?]*\?")
_NOUN_CHARS = 4


def cue(line: str) -> str | None:
    """Return what stands out in a line (`silent`, `insult`, `supervisor` ...), if anything."""
    folded = line.lower().replace("\u2019", "'")
    return next((name for name, pattern in _CUES.items() if pattern.search(folded)), None)


def asked(line: str) -> str | None:
    """Return the kind of the last question in a line, as in `Asked.kind`; None: no question."""
    questions = _SENTENCE.findall(line.lower().replace("\u2019", "'"))
    if not questions:
        return None
    return next((kind for kind, form in _KINDS.items() if form.search(questions[-1])), "what")


def named_things(line: str, known: str) -> list[str]:
    """Return things that the customer named, seen from the learner (`your landlord`).

    Only a plain noun right after an article or a possessive counts, and none that `known` holds:
    whoever asks after half a phrase sounds like a machine.
    """
    words = _TOKEN.findall(line.lower().replace("\u2019", "'"))
    found: list[str] = []
    for owner, noun, after in zip(words, words[1:], [*words[2:], "."], strict=False):
        if owner in _OWNERS and _is_thing(noun) and _ends_there(after) and noun not in known:
            found.append(f"{_OWNERS[owner]} {noun}")
    return found


def _is_thing(word: str) -> bool:
    if len(word) < _NOUN_CHARS or "'" in word or word in _LITTLE or word in _VAGUE:
        return False
    return not word.endswith(_ENDINGS)


def _ends_there(after: str) -> bool:
    """Say whether a phrase is over: a stop or a word comes next that is no part of it."""
    return not after[0].isalpha() or after in _FOLLOWS
