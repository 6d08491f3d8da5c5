"""What a line that was cut still owes: the embedded words that do what it has to do."""

import re
from typing import Final

from services.sim_worker.engine.checks.acts import covers
from services.sim_worker.engine.checks.examiner import Examiner
from services.sim_worker.engine.ports import WordingRequest
from services.sim_worker.wording import pieces
from shared.audit.language import words

_DONE_PERCENT: Final = 50
"""Percent of the body's distinctive words in a line that has said it."""
_LETTER: Final = re.compile(r"[^\W_]")


def owed(examiner: Examiner, request: WordingRequest, line: str, *, is_broken: bool) -> str:
    """Return the embedded words that a line of the model still needs; "" for none.

    `is_broken` says that the model did not come to its end: then the body has to be in it. As much
    of the body is taken as fits; its last sentences, which put the question or the matter, first.
    """
    done = covers(line, request.body, _DONE_PERCENT) or not is_broken
    if done and examiner.missing(line) is None:
        return ""
    rest = [part.strip() for part in pieces(request.body) if not _is_said(part, line)]
    for start in range(len(rest)):
        words_left = " ".join(rest[start:])
        whole = f"{line} {words_left}"
        if examiner.fits(whole) and not examiner.leaks(whole):
            return words_left
    return rest[-1] if rest and not examiner.leaks(f"{line} {rest[-1]}") else ""


def _is_said(sentence: str, line: str) -> bool:
    if not _LETTER.search(sentence):
        return True
    return words(sentence) in _sentences(line)


def _sentences(line: str) -> frozenset[tuple[str, ...]]:
    """Return the sentences of a line, each as its words in plain letters."""
    return frozenset(words(part) for part in pieces(line))
