"""Which rule answers a request."""

import hashlib
from functools import cached_property
from random import Random

from infra.llm_fake.asking import Ask
from infra.llm_fake.script import Answer, Match, Rule, Script, compiled


class Chosen:
    """A rule's answer for one request."""

    def __init__(self, answer: Answer, rule: str, chance: str) -> None:
        self.answer = answer
        self.rule = rule
        """Its name; `auto` when none fitted."""
        self.chance = chance
        """The same for the same script's seed, request, and times that it came before."""

    @cached_property
    def dice(self) -> Random:
        """Chance made of `chance`."""
        return Random(self.chance)  # noqa: S311 -- must be repeatable, guards no secret


class Chooser:
    """Keeps count of what came, so that rules can say `first` and `every`."""

    def __init__(self, script: Script) -> None:
        self._seed = script.seed
        self._rules = [_Counted(script, place) for place in range(len(script.rules))]
        self._seen: dict[bytes, int] = {}

    def choose(self, ask: Ask) -> Chosen:
        """Return what answers the request."""
        digest = hashlib.blake2b(ask.raw, digest_size=12).digest()
        times = self._seen.get(digest, 0)
        self._seen[digest] = times + 1
        # A request with a seed gets the same answer each time, as endpoints promise.
        nth = 0 if ask.read.seed is not None else times
        chance = f"{self._seed}/{digest.hex()}"
        for rule in self._rules:
            if rule.takes(ask, f"{chance}/{times}/{rule.name}"):
                return Chosen(rule.answer, rule.name, f"{chance}/{nth}")
        return Chosen(_AUTO, "auto", f"{chance}/{nth}")


_AUTO = Answer()


class _Counted:
    """A rule and how many requests fitted it, counting and chance apart."""

    def __init__(self, script: Script, place: int) -> None:
        rule: Rule = script.rules[place]
        self.name = script.name_of(place)
        self.answer = rule.answer
        self._match = rule.match
        self._model = compiled(rule.match.model) if rule.match.model else None
        self._user = compiled(rule.match.user) if rule.match.user else None
        self._system = compiled(rule.match.system) if rule.match.system else None
        self._fitting = 0

    def takes(self, ask: Ask, chance: str) -> bool:
        if not (self._is_of_kind(ask) and self._has_words(ask)):
            return False
        match = self._match
        place = self._fitting - match.after
        self._fitting += 1
        if place < 0 or place % match.every:
            return False
        if match.first is not None and place // match.every >= match.first:
            return False
        if match.chance >= 1:
            return True
        return Random(chance).random() < match.chance  # noqa: S311 -- must be repeatable

    def _is_of_kind(self, ask: Ask) -> bool:
        match = self._match
        if match == _ANY:
            return True
        return (
            match.stream in {None, ask.is_stream}
            and match.schema in {None, ask.schema is not None}
            and match.task in {None, ask.task}
            and all(ask.has(path) for path in match.has)
            and not any(ask.has(path) for path in match.lacks)
        )

    def _has_words(self, ask: Ask) -> bool:
        return (
            (self._model is None or self._model.fullmatch(ask.model) is not None)
            and (self._user is None or self._user.search(ask.last) is not None)
            and (self._system is None or self._system.search(ask.system) is not None)
        )


_ANY = Match()
