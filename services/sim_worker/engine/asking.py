"""Tells what kind of question a line of the customer puts to the learner."""

import re
from functools import lru_cache

_SENTENCE = re.compile(r"[^.!?…]+[.!?…]*")
_LEAD = re.compile(
    r"^(?:(?:and|but|so|or|well|look|okay|ok|no|yes|um|uh|oh|ah|wait|sorry|right|then|fine|listen"
    r"|i mean|just|now|please|hm|good|all right|honestly|seriously|really|again|one more time"
    r"|simple question|straight question)\b[,:;]?\s*)+"
)
_RHETORICAL = re.compile(
    r"^(?:hello|really|seriously|sorry|what|and|huh|pardon|are you there|anybody there"
    r"|(?:do|did) you (?:hear|know (?:what|how)|think|even|see the|want to hear)\b.*"
    r"|(?:do|did) i (?:look|sound|have to|need to)\b.*"
    r"|are you (?:serious|kidding|joking|even|listening|hearing|reading|a recording|done)\b.*"
    r"|is (?:that|this) (?:a joke|a threat|supposed|meant|all|it|how|some kind)\b.*"
    r"|(?:who|why) (?:would|wouldn't|should|even|cares)\b.*|who else|why not"
    r"|what (?:do|did) you (?:think|want me to)\b.*|what kind of\b.*|what's (?:it|that) to you.*"
    r"|how (?:hard|difficult|stupid|dare|many times|would you (?:feel|like it)|is that fair)\b.*"
    r"|(?:you )?know what(?: i mean)?|right|okay|you see|don't you|isn't it|does it matter"
    r"|does that (?:surprise|sound like)\b.*)$"
)
_KINDS = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("sure", r"\bhow (?:do|will|would|can|could|should) i (?:know|trust|be sure|check|tell)\b"),
        ("sure", r"\b(?:are you|you're|you are) (?:really )?(?:sure|certain)\b|\bwhat if\b"),
        ("sure", r"\bwhat happens (?:if|when)\b|\bwho (?:says|guarantees|promises)\b"),
        ("when", r"\bwhen\b(?! i\b| you\b| we\b| the\b| it\b)|\bhow (?:long|soon|fast|quickly)\b"),
        ("when", r"\b(?:what|which) (?:time|day|date|hour|morning|evening|week)\b|\bby when\b"),
        ("who", r"\bwho(?:'s|'ll|m)?\b|\bwhose\b|\bstill be the (?:one|person)\b"),
        ("who", r"\byou (?:personally|yourself)\b"),
        ("why", r"\bwhy\b|\bhow come\b|\bwhat for\b"),
        ("what", r"\bhow (?:much|many)\b|\bwhich\b|\bwhere\b|\bhow (?:bad|big|far)\b"),
        ("what", r"\bwhat(?:'s|'ll|'re)?\b"),
        ("how", r"\bhow(?:'s|'ll|'d)?\b"),
    )
)
"""The first pattern that is found names the kind; a question without any wants a yes or a no."""


@lru_cache(maxsize=4096)
def question_kind(text: str) -> str | None:
    """Return the kind of the last real question in a line; None when there is none.

    `when`, `who`, `how`, `why`, `what`, or `sure`: a yes, a no or an assurance is wanted.
    """
    for match in reversed(_SENTENCE.findall(text.lower().replace("\u2019", "'"))):
        sentence = match.strip(" \"'")
        if sentence.endswith("?"):
            kind = _kind(sentence.rstrip("?! "))
            if kind:
                return kind
    return None


def _kind(question: str) -> str | None:
    bare = _LEAD.sub("", question) or question
    if _RHETORICAL.match(bare):
        return None
    return next((kind for kind, pattern in _KINDS if pattern.search(bare)), "sure")
