"""Notices words that are denied or only retold: `nobody will cut you off`, `he said calm down`.

Looks only at the clause before the words, so that a negation elsewhere in the sentence (`you did
not pay, so we will cut you off`) excuses nothing.
"""

import re

from shared.contracts.dialogue import Act
from shared.dialogue.grammar import NEGATION
from shared.dialogue.spelling import word_set

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

REPORTABLE = DENIABLE | {
    *(Act.APOLOGIZE, Act.OFFER, Act.CONCEDE, Act.GIVE_AWAY, Act.REFUSE, Act.NEXT_STEP),
    *(Act.HAND_OVER, Act.SARCASM, Act.INTERRUPT, Act.UPSELL, Act.PRAISE, Act.REASSURE),
}
"""Acts that are not the learner's own when somebody else's words are retold."""

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
_REPORTED = re.compile(
    r"\b(?:he|she|they|who|someone|somebody|anyone|people|the \w+|your \w+|my colleague|our \w+)"
    r" (?:(?:has|have|had|just|already|even|really|actually) ){0,2}"
    r"(?:told|said|says|say|asked|claimed|wrote|threatened|called|tells|shouted|yelled)\b"
    r"|\byou (?:(?:already|just|even) )?"
    r"(?:said|told|mentioned|wrote|were told|felt|heard|thought)\b"
    r"|\b(?:telling|told|calling|called|asking) (?:you|me|us)\b"
)
"""Somebody else's words follow."""
RETELLING = word_set(
    "told said says say asked claimed wrote threatened called tells shouted yelled mentioned felt"
    " heard thought telling calling asking"
)
"""Nothing is reported in a sentence without one of these words (`Sentence.runs`)."""
_OWN = re.compile(r"\b(?:i|we|i've|we've) (?:(?:have|just|already) ){0,2}(?:told|asked|called)\b")
_NEAR = {
    reach: re.compile(rf"\b{NEGATION}(?:\s+(?!{_SUBJECT})[\w'-]+){{0,{reach}}}\s*$")
    for reach in (_REACH, _INSULT_REACH)
}


def is_reported(act: Act, folded: str, start: int, position: int) -> bool:
    """Say whether the words at `position` are somebody else's (`he told you to calm down`).

    Only words that the clause brings in as reported count; retelling is itself an act, and that
    one stays.
    """
    if act not in REPORTABLE or not _REPORTED.search(folded, start, position):
        return False
    opened = max(_CLAUSE.finditer(folded, start, position), key=re.Match.start, default=None)
    clause = folded[opened.end() if opened else start : position]
    return bool(_REPORTED.search(clause)) and not _OWN.search(clause)


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
