"""Notices when a sentence takes up words said before: the other speaker's, or the learner's own."""

import re
from functools import cached_property, lru_cache

from shared.contracts.dialogue import Act, ActSpan
from shared.dialogue.answering import Line, read_answer
from shared.dialogue.segments import content_stems, fold, stems_of, without_numbers
from shared.dialogue.sentence import HOSTILE, Found, Sentence
from shared.dialogue.spelling import ALIASES, NUMBER_VALUES

_WARM = (Act.ACKNOWLEDGE_FEELING, Act.STOCK_EMPATHY, Act.APOLOGIZE)
_ECHO = 2
"""Meaningful words shared with the other speaker that make a sentence a reference to their case."""
_SAME = 3
"""Meaningful words that a repetition shares at least with the speaker's own turn before."""
_WORD = re.compile(r"[^\W_]+")
_FRAGMENT = re.compile(r"[^,;:?!.\u2013\u2014]+")
_SELF = re.compile(r"\b(?:i|i'm|i'll|i've|i'd|we|we'll|we've|we're|my|let|thank|thanks|hi|hello)\b")
_SO = re.compile(r"(?:(?:okay|ok|right|and|well|alright|hm|got it|i see)\W{1,3})*so\W")
_ASKS_WHY = re.compile(
    r"\bwhy\b|\bhow come\b|\bunderstand\b|\bdon't get\b"
    r"|\bwhat(?:'s| is| are| does)\b|\bhow (?:does|do|is)\b"
)
"""The customer wants to know how it comes or what it is."""
_ENOUGH = 8
"""Words of a statement that may be an explanation by itself."""
_OWN_NEWS = frozenset(
    {
        *(Act.NEXT_STEP, Act.RECAP, Act.SIGNPOST, Act.OFFER, Act.REFUSE, Act.CLOSE),
        *(Act.GIVE_AWAY, Act.VERIFY_IDENTITY, Act.HAND_OVER, Act.CITE_POLICY, Act.DISCLOSE),
    }
)


@lru_cache(maxsize=256)
def before(customer: str | None, agent: str | None) -> "Before":
    """Return what was said before a turn; the embedded customer's lines come again and again."""
    return Before(customer, agent)


class Before:
    """What was said before a turn, ready to be compared with it."""

    def __init__(self, customer: str | None, agent: str | None) -> None:
        """Take the other speaker's turn before and the speaker's own one before that."""
        self.said = fold(customer or "")
        self.heard = Line(self.said)
        """What a plain statement after that line may do."""
        self.echo = without_numbers(stems_of(self.said))
        """Stems of their meaningful words, without numbers."""
        self.own = content_stems(agent or "")
        """Stems of the speaker's own turn before."""

    @cached_property
    def line(self) -> str:
        """All the other speaker's words between single spaces."""
        return f" {' '.join(_WORD.findall(self.said))} "

    @cached_property
    def figures(self) -> frozenset[str]:
        """The numbers among them, as figures."""
        return frozenset(map(_figure, self.line.split())) - {""}


def read_echo(sentence: Sentence, earlier: Before, best: Found) -> None:
    """Add paraphrase, concrete impact and repetition where a sentence takes up earlier words."""
    if earlier.echo:
        _read_other(sentence, earlier, best)
    if earlier.said and not best and _is_account(sentence, earlier.said):
        best[Act.EXPLAIN] = sentence.span(Act.EXPLAIN)
    if earlier.own and Act.REPEAT not in best and _is_again(sentence, earlier, best):
        best[Act.REPEAT] = sentence.span(Act.REPEAT)
    read_answer(sentence, earlier.heard, best)


def _read_other(sentence: Sentence, earlier: Before, best: Found) -> None:
    warm = not best.keys().isdisjoint(_WARM)
    returns = Act.OPEN_QUESTION not in best and best.keys().isdisjoint(HOSTILE)
    if not warm and not returns:
        return
    shared = len(earlier.echo & sentence.stems)
    if warm and shared >= _ECHO:
        best.setdefault(Act.ACKNOWLEDGE_IMPACT, sentence.span(Act.ACKNOWLEDGE_IMPACT))
    if not returns or Act.PARAPHRASE in best:
        return
    if shared > _ECHO and _addresses(sentence):
        best[Act.PARAPHRASE] = sentence.span(Act.PARAPHRASE)
    elif best.keys().isdisjoint(_OWN_NEWS):
        _read_fragment(sentence, earlier, shared, best)


def _read_fragment(sentence: Sentence, earlier: Before, shared: int, best: Found) -> None:
    """Notice the customer's words given back without a verb of one's own (`Forty a month, ...`)."""
    taken_up = shared or Act.CHECK_UNDERSTANDING in best
    if taken_up and _SO.match(sentence.text) and not _SELF.search(sentence.text):
        best[Act.PARAPHRASE] = sentence.span(Act.PARAPHRASE)
        return
    head = _FRAGMENT.match(sentence.folded, sentence.start, sentence.end)
    if head is None or earlier.said.rstrip().endswith("?") or _SELF.search(head.group()):
        return
    words = _WORD.findall(head.group())
    if not 2 <= len(words) <= 12:
        return
    whole = len(words) >= 3 and f" {' '.join(words)} " in earlier.line
    if whole or _is_covered(head.group(), words, earlier):
        best[Act.PARAPHRASE] = ActSpan(act=Act.PARAPHRASE, start=head.start(), end=head.end())


def _is_covered(head: str, words: list[str], earlier: Before) -> bool:
    stems = without_numbers(content_stems(head))
    figures = frozenset(map(_figure, words)) - {""}
    known = len(stems & earlier.echo)
    given = len(figures & earlier.figures)
    total = len(stems) + len(figures)
    return known > 0 and known + given >= _ECHO and (known + given) * 4 >= total * 3


def _figure(word: str) -> str:
    """Return a number word or figure as a figure; empty for other words."""
    if word.isdigit():
        return word
    word = ALIASES.get(word, word)
    return str(NUMBER_VALUES[word]) if word in NUMBER_VALUES else ""


def _is_again(sentence: Sentence, earlier: Before, best: Found) -> bool:
    """Say whether a statement is made of the speaker's own earlier words."""
    if Act.GREET in best or Act.CLOSE in best or sentence.text.endswith("?"):
        return False
    stems = sentence.stems
    shared = len(stems & earlier.own)
    return shared >= _SAME and shared * 4 >= len(stems) * 3


def _is_account(sentence: Sentence, said: str) -> bool:
    """Say whether a plain statement answers a question for reasons or meaning."""
    if len(sentence.words) < _ENOUGH or "?" in sentence.text or _SELF.search(sentence.text):
        return False
    return _ASKS_WHY.search(said) is not None


def _addresses(sentence: Sentence) -> bool:
    """Say whether the sentence is about the other person; a `thank you` alone is not."""
    previous = ""
    for word in sentence.words:
        if word.startswith("you") and previous != "thank":
            return True
        previous = word
    return False
