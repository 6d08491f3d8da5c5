"""Everything that the words of one reply are held against."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from services.sim_worker.engine.checks.acts import against, covers, off_stage, undone
from services.sim_worker.engine.checks.claims import (
    Claims,
    given,
    given_by,
    invented,
    invented_figure,
    lost_figure,
    lost_values,
)
from services.sim_worker.engine.checks.form import framed, is_foreign, seen
from services.sim_worker.engine.ports import WordingRequest
from shared.audit.audit import ANY_LANGUAGE
from shared.audit.language import count_words, plain, sentences, words
from shared.audit.leaks import Vault
from shared.audit.speech import MAX_SENTENCES, MAX_WORDS, Speech, repeats, said_in
from shared.audit.turns import AuditedTurn, Heard, public_texts, spoken_texts
from shared.contracts.scenario import ScenarioSpec
from shared.contracts.simulation import Line, Move, Surface

_MORE_SENTENCES: Final = 2
"""Sentences that a line may have more than its draft."""
_FEW_SENTENCES: Final = 3
_FEW_WORDS: Final = 25
"""A line as long as this is never too long."""
_A_SENTENCE: Final = 3
"""Words of a locked fact's sentence that give it away; the audit asks for more."""
_MUMBLED: Final = 8
"""Words of a customer who falls silent."""
_TOLD_PERCENT: Final = 40
"""Percent of a fact's distinctive words in a line that tells it."""
_FULL_OF_VALUES: Final = frozenset({Surface.ANSWER, Surface.REVEAL, Surface.PARTIAL, Surface.TWIST})
"""Surfaces whose names matter as much as their numbers."""
_KNOT: Final = re.compile(r"[\"\u201c-\u201f\u00ab\u00bb]|(?<!\w)['\u2018-\u201b`\u00b4]")
"""Where a quotation begins: what it hides in a line, it may not hide in a sentence."""
_NAMES_ITSELF: Final = re.compile(r"\bname\b|\bname's|\bthis is\b")
_AS_AUDITED: Final = {"contradicts_brief": "invented_fact", "empty_line": "empty"}
"""Our code for a code of the audit, where it is another."""


class Ground(msgspec.Struct, frozen=True):
    """What all replies of a scenario are held against; costs milliseconds, so it is kept."""

    vault: Vault
    speech: Speech
    free: Claims
    """Of what may be said at any time: no fact is in it."""
    secrets: Mapping[str, frozenset[tuple[str, ...]]]
    """By fact, its own sentences, each as its words."""

    @classmethod
    def of(cls, scenario: ScenarioSpec) -> "Ground":
        """Read a scenario."""
        texts = (*public_texts(scenario), *spoken_texts(scenario))
        common = frozenset(part for text in texts for part in sentences(text))
        secrets = {fact.key: _own_sentences(fact.text) - common for fact in scenario.facts}
        return cls(Vault(scenario), Speech(scenario), given(texts), secrets)


def _own_sentences(text: str) -> frozenset[tuple[str, ...]]:
    return frozenset(part for part in sentences(text) if len(part) >= _A_SENTENCE)


class Examiner:
    """Holds the words of one reply against what the engine decided and what anybody may know.

    Codes are listed in `docs/wording.md`. What the embedded wording says passes.
    """

    def __init__(
        self, ground: Ground, move: Move, request: WordingRequest, said: Sequence[Line]
    ) -> None:
        """Take the reply's place; `said` is the conversation before it, from the start."""
        self._ground = ground
        self._move = move
        self._request = request
        self._learner = tuple(line.text for line in said if line.role == "agent")
        customer = [line.text for line in said if line.role == "customer"]
        self._said = frozenset().union(*map(said_in, customer))
        self._told = (request.draft, *request.open_facts, *self._learner, *customer)
        opened = move.state.open_facts
        locked = [text for key, text in ground.secrets.items() if key not in opened]
        drafted = sentences(request.draft)
        self._locked = frozenset().union(*locked).difference(drafted)
        self._is_english = request.language.partition("-")[0] == "en"
        self._missing: dict[str, str | None] = {}

    def fault(self, line: str, raw: str, *, is_whole: bool) -> str | None:
        """Return the code of what is wrong with a line so far; None for nothing.

        Args:
            line: from its start to the sentence that was added last.
            raw: that sentence as it came.
            is_whole: nothing comes after it.
        """
        if not words(line) and self._request.surface is not Surface.SILENCE:
            return "empty"
        return (
            seen(raw)
            or framed(line, self._request.name)
            or self._is_too_long(line)
            or self._is_off(raw)
            or self._claims(line)
            or self._is_flawed(line, raw.strip(), is_whole=is_whole)
        )

    def passes(self, parts: Sequence[tuple[str, str]]) -> bool:
        """Say quickly whether `fault` finds nothing in a whole line, sentence by sentence.

        What a sentence claims or gives away, the line does: so that is looked for once. False may
        also mean that only `fault` can tell.

        Args:
            parts: by sentence, the line up to its end and the sentence as it came.
        """
        line, last = parts[-1]
        said = plain(line)
        if not words(parts[0][0]) or _KNOT.search(line) or _KNOT.search(said):
            return False
        if len(_NAMES_ITSELF.findall(said)) > 1 or any(map(self._is_bad_part, parts)):
            return False
        return not (
            self._is_too_long(line)
            or self._claims(line)
            or self._is_flawed(line, last.strip(), is_whole=True)
        )

    def missing(self, line: str) -> str | None:
        """Return the code of what a whole line lacks; None when nothing is owed any more."""
        if line not in self._missing:
            self._missing[line] = self._lacks(line)
        return self._missing[line]

    def _lacks(self, line: str) -> str | None:
        request = self._request
        if not self._is_english:
            lost = lost_figure(line, request.body)
            return "value_missing" if lost else undone(line, request, is_english=False)
        if not all(covers(line, fact, _TOLD_PERCENT) for fact in request.must_say):
            return "fact_missing"
        has_names = request.surface in _FULL_OF_VALUES
        if lost_values(line, request.body, has_names=has_names):
            return "value_missing"
        return undone(line, request, is_english=True)

    def leaks(self, line: str) -> bool:
        """Say whether a line gives a locked fact away, be it by one of its short sentences."""
        return any(self._ground.vault.leaks(self._heard(line))) or not self._locked.isdisjoint(
            sentences(line)
        )

    def fits(self, line: str) -> bool:
        """Say whether a line is no speech yet by the audit; the author's own sentences are free."""
        return "too_long" not in self._ground.speech.codes(self._heard(line), frozenset())

    def _is_bad_part(self, part: tuple[str, str]) -> bool:
        line, raw = part
        return bool(seen(raw) or framed(line, self._request.name) or self._is_off(raw))

    def _free(self) -> Iterator[Claims]:
        """Yield what may be claimed; most lines claim nothing, and are not compared with it."""
        yield self._ground.free
        yield from map(given_by, self._told)

    def _is_too_long(self, line: str) -> str | None:
        draft = self._request.draft
        most = max(_FEW_SENTENCES, len(sentences(draft)) + _MORE_SENTENCES)
        if len(sentences(line)) > min(most, max(MAX_SENTENCES, len(sentences(draft)))):
            return "too_long"
        size = count_words(draft)
        most_words = min(max(_FEW_WORDS, 2 * size), max(MAX_WORDS, size))
        if self._request.surface is Surface.SILENCE:
            most_words = max(_MUMBLED, size)
        return "too_long" if count_words(line) > most_words else None

    def _is_off(self, sentence: str) -> str | None:
        request = self._request
        if is_foreign(sentence, request.language):
            return "wrong_language"
        has_agreed = self._move.state.resolution is not None
        return off_stage(sentence, request.draft) or against(
            sentence, request, has_agreed=has_agreed
        )

    def _claims(self, line: str) -> str | None:
        if self.leaks(line):
            return "fact_leaked"
        makes_up = invented if self._is_english else invented_figure
        return "invented_fact" if makes_up(line, self._free()) else None

    def _is_flawed(self, line: str, sentence: str, *, is_whole: bool) -> str | None:
        """Ask the audit about the sentence, and in the end about the line.

        A friendly sentence may be a sneer, so with that the whole line is waited for.
        """
        if repeats(line, self._said):
            return "repeated_line"
        heard = self._heard(line if is_whole else sentence)
        for code in self._ground.speech.codes(heard, frozenset()):
            is_seen = self._is_english or code in ANY_LANGUAGE
            if is_seen and (code != "softened" or is_whole):
                return _AS_AUDITED.get(code, code)
        return None

    def _heard(self, line: str) -> Heard:
        turn = AuditedTurn(
            seq=self._request.seq,
            role="customer",
            text=line,
            state=self._move.state,
            surface=self._move.surface,
        )
        return Heard(turn=turn, learner=self._learner)
