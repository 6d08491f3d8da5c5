"""Notices when hurtful words are denied: `nobody will cut you off`, `that was not your fault`.

Looks only at the clause before the words, so that a negation elsewhere in the sentence (`you did
not pay, so we will cut you off`) excuses nothing.
"""

import re

from shared.contracts.dialogue import Act
from shared.dialogue.grammar import NEGATION

DENIABLE = frozenset(
    {
        Act.BLAME,
        Act.DISMISS,
        Act.REPROACH,
        Act.THREATEN,
        Act.INSULT,
        Act.PRESSURE,
        Act.RUSH,
        Act.HOLD,
    }
)
"""Acts that a denial turns into their opposite."""

_REACH = 3
"""Words that may stand between a negation and what it denies (`you won't have to decide now`)."""
_INSULT_REACH = 1
"""An insult is denied only directly: `never met anyone so stupid` is none the kinder."""

_SUBJECT = r"(?:i|we|you|it|they|that|this|he|she|there)\b"
_CLAUSE = re.compile(
    rf"[,;:\u2013\u2014](?!\s*(?:or|nor|and)\s+(?!{_SUBJECT}))"
    r"|\b(?:but|if|unless|until|because|so|otherwise|while|when|since|then)\b"
    rf"|\b(?:and|or)\b(?=\W+(?:else\b|now\b|then\b|{_SUBJECT}))"
)
_CONDITION = frozenset({"if", "unless", "until"})
_NOBODY = re.compile(r"\b(?:nobody|no one|none|nothing|neither)\b")
_DISCLAIMED = re.compile(
    r"(?:\bnot|\bnever|n't)\s+(?:here|going|trying|saying|suggesting|implying|telling|asking|claiming"
    r"|say|tell|suggest|ask|mean|want)\b"
)
"""Says that something is not being said, asked or meant."""
_UNDONE = re.compile(
    r"\b(?:hesitate|only|just|but|fail|make|force|believe|doubt|forget|stops?|prevents?|keeps?)\b"
)
"""Words that turn a negation round again (`we will not hesitate to`)."""
_SHARED = re.compile(rf"\b{NEGATION}\s.*\s(?:or|nor)\s+$")
"""A negation that an `or` carries on (`we won't cut you off or take you to court`)."""
_NEAR = {
    reach: re.compile(rf"\b{NEGATION}(?:\s+(?!{_SUBJECT})[\w'-]+){{0,{reach}}}\s*$")
    for reach in (_REACH, _INSULT_REACH)
}


def is_denied(act: Act, folded: str, start: int, position: int) -> bool:
    """Say whether the hurtful words at `position` are denied by their own clause.

    `folded` is the turn in lower case, `start` the beginning of the sentence.
    """
    if act not in DENIABLE:
        return False
    opened = max(_CLAUSE.finditer(folded, start, position), key=re.Match.start, default=None)
    if opened is not None and opened.group() in _CONDITION:
        return False
    clause = folded[opened.end() if opened else start : position]
    reach = _INSULT_REACH if act is Act.INSULT else _REACH
    tests = (_NOBODY, _DISCLAIMED, _NEAR[reach], _SHARED)
    found = next((match for test in tests if (match := test.search(clause))), None)
    return found is not None and not _UNDONE.search(clause, found.start())
