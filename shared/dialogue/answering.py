"""Reads what a plain statement does from the line that it answers.

`Not a cent` takes a fear away after `will I lose it?` and turns a wish down after `can you come
down?`; alone it says neither. Each reading has a cue in the other speaker's line and a sign in
the sentence, and keeps back where another act has explained the sentence already.
"""

import re

import msgspec

from shared.contracts.dialogue import Act
from shared.dialogue.lexicon import LEXICON
from shared.dialogue.sentence import HOSTILE, Found, Sentence
from shared.dialogue.spelling import word_set

_SERVICE = HOSTILE | {
    *(Act.UPSELL, Act.SET_BOUNDARY, Act.GIVE_AWAY, Act.CLOSE, Act.REPEAT, Act.SIGNPOST),
    *(Act.VERIFY_IDENTITY, Act.GREET, Act.OPEN_QUESTION, Act.CLOSED_QUESTION),
    *(Act.CHECK_UNDERSTANDING, Act.OFFER_CHOICE),
}
"""Acts that explain a sentence whatever it answers."""


class _Answer(msgspec.Struct, frozen=True):
    """A reading of a statement."""

    act: Act
    cue: re.Pattern[str]
    """Found in the line before."""
    words: frozenset[str]
    """The sentence holds one of them: a quick test before the signs."""
    signs: tuple[re.Pattern[str], ...]
    """All of them are found in the sentence."""
    barred: re.Pattern[str]
    """Found nowhere in the sentence."""
    instead: frozenset[Act]
    """Acts that rule the reading out."""


_NOTS = word_set(
    "no not nothing nobody never none isn't aren't won't can't hasn't haven't doesn't didn't"
    " wasn't weren't without"
)
_CALM = word_set(
    "safe fine normal intact untouched unharmed place locked blocked protected covered happens"
    " common harmless secure whole relax hurry reversible kept keeps keep still would stay stays"
)
_SAFE = (
    r"\b(?:safe|fine|normal|intact|untouched|unharmed|in place|locked out|blocked|protected"
    r"|covered|happens to|common|harmless|secure|whole|relax|no hurry|reversible|kept|keeps?"
    r"|still (?:there|yours|free|open|valid|in)|(?:any(?:one|body)|most people) would|stays?)\b"
)
_FEAR = (
    r"\b(?:afraid|scared?|frighten\w*|worr\w+|nervous|anxious|stupid|fool\w*|idiot|silly|dumb"
    r"|asham\w*|embarrass\w*|lose|lost|gone|broke|break|ruin\w*|steal|stole|hack\w*|scam\w*"
    r"|fraud|come back|find out|tell my|sue|court|arrest\w*|jail|safe|fault|guilty|trouble"
    r"|too old|slow|never done|did i|am i|do i|what if|can't sleep|panic\w*|evict\w*|cut off"
    r"|taken|trick|trap|push\w+|pressur\w+|shaking|block|cancel+ed"
    r"|will (?:he|she|they|my|it|the))\b"
)
_WISH = (
    r"\b(?:can|could|may|would|will) (?:i|you|we|u|the|they|my)\b|\bplease\b|^then\b|\bjust\b"
    r"|\bi (?:want|need|wanna)\b|\bi'd (?:like|rather)\b|\bgive me\b|\bdo you\b|\bsend\b"
)
_DENIED = (
    r"^(?:(?:sorry|but|well|sadly|unfortunately|i'm afraid|honestly)\W+)*no\b"
    r"(?!,? (?:not|no|problem|worr|need|rush|hurry|one\b|wonder|doubt|matter|trouble|more\b"
    r"|thanks|really|bother|harm))"
    r"|\b(?:isn't|aren't|is not|are not|not) (?:something|mine|ours|in my|in our|up to me"
    r"|possible|available|allowed|included|permitted|an option|for sale)\b|, no[.,]?\W*\Z"
    r"|\bout of (?:my|our|the) (?:hands|question|reach)|\boff limits|\bnot covered"
    r"|\bstays? with (?:me|us)\b|\bdoesn't work\b|\bno (?:getting|way|chance|lower|exception)"
    r"|\bkeep \w+(?: \w+){0,2} to (?:myself|ourselves)\b|^not \w+(?: \w+){0,2}, no\b"
)
_ADVICE = (
    r"\b(?:should i|is (?:it|the|that|this)\b.*\b(?:good|normal|worth|fine|okay|ok|ready)"
    r"|any (?:downside|catch|drawback)|do i need|which\b.*\b(?:pick|take|choose|better)|does it"
    r"|will it|what's it like|so (?:the|it)|i'll take|cancel the|opinion|do you need my"
    r"|are you recording|is it true)\b"
)
_FLAWS = word_set(
    "no never isn't won't doesn't don't loud slow cost costs fee extra hard lose end ends die dies"
    " old weak crack billed dispute disputes but though only worse cheaper better less nobody"
)
_HAPPENS = word_set(
    "ring rings comes call calls land lands goes bring brings start starts get gets reaches"
    " arrives measures drives hear leaves sends will you'll hangs fits looks repairs prints"
    " opens hang fit look"
    " delivers picks visits reports writes answers i'll ill checks booked"
    " will we'll she'll he'll it'll way"
)
_NOT_AHEAD = (
    r"\b(?:was|were|had|did|said|came|went|if|don't|never|could|would|might|didn't|usually"
    r"|always|otherwise|or|has to)\b"
)
_WRAPS_UP = (
    r"\b(?:so we're done|agree\w*|that's (?:all|it)|thats (?:all|it)|i think (?:thats|that's)"
    r"|all good|what did (?:we|i)|did we forget|brilliant|perfect|great|deal|summar\w+"
    r"|remember|sounds good|works for me)\b|\bok(?:ay)?\W*\Z"
)
_LISTS = r",[^,]+(?:,|\band\b)|;[^;]+;"
_SETTLED = word_set(
    "swapped kept deleted changed back on until from end off stay stays each sent"
    " cancelled canceled blocked booked moved stopped closed noted paid reset refunded"
)
_OWN_CASE = r"\b(?:by (?:ticking|signing)|article|clause|never|thank you|pleasure)\b"

_UNABLE = re.compile(
    r"\bi (?:can't|cannot|don't|won't|couldn't)\b|\bi'm (?:not|afraid|sure)\b|\bbut\b"
    r"|\bunfortunately|\bwe (?:can't|don't|cannot)\b|\bno (?:problem|thanks)\b"
)
_NO_COMFORT = _SERVICE | {
    *(Act.REFUSE, Act.DISCLOSE, Act.CITE_POLICY, Act.OFFER, Act.NEXT_STEP, Act.PRAISE),
    *(Act.HOLD, Act.TAKE_OWNERSHIP, Act.APOLOGIZE, Act.HAND_OVER, Act.RECAP),
    *(Act.ACKNOWLEDGE_IMPACT, Act.STOCK_EMPATHY, Act.PARAPHRASE, Act.CONCEDE),
    *(Act.EXPLAIN, Act.ACKNOWLEDGE_FEELING, Act.THANK, Act.JARGON),
}

_ANSWERS = (
    _Answer(
        Act.REFUSE,
        re.compile(_WISH),
        word_set("no not isn't aren't doesn't off out stays stay keep"),
        (re.compile(_DENIED),),
        re.compile(r"\b(?:anyone|never|to sell you)\b"),
        _SERVICE | {Act.DISCLOSE, Act.REASSURE, Act.TAKE_OWNERSHIP, Act.OFFER, Act.RECAP},
    ),
    _Answer(Act.REASSURE, re.compile(_FEAR), _CALM, (re.compile(_SAFE),), _UNABLE, _NO_COMFORT),
    _Answer(
        Act.REASSURE,
        re.compile(rf"(?s)(?:{_FEAR}).*\?"),
        _NOTS,
        (),
        _UNABLE,
        _NO_COMFORT,
    ),
    _Answer(
        Act.DISCLOSE,
        re.compile(_ADVICE),
        _FLAWS,
        (re.compile(r"(?:\S+\s+){5}"),),
        re.compile(r"\bsay it\b|^(?:don't|keep|leave)\b"),
        _SERVICE
        | {
            *(Act.OFFER, Act.REFUSE, Act.CITE_POLICY, Act.REASSURE, Act.NEXT_STEP, Act.CONCEDE),
            *(Act.HAND_OVER, Act.EXPLAIN, Act.PRAISE, Act.RECAP),
        },
    ),
    _Answer(
        Act.NEXT_STEP,
        re.compile(""),
        _HAPPENS,
        (LEXICON.times,),
        re.compile(_NOT_AHEAD),
        _SERVICE
        | {
            *(Act.REFUSE, Act.RECAP, Act.CITE_POLICY, Act.CONCEDE, Act.PARAPHRASE),
            *(Act.ACKNOWLEDGE_IMPACT, Act.EXPLAIN, Act.DISCLOSE, Act.REASSURE),
        },
    ),
    _Answer(
        Act.RECAP,
        re.compile(_WRAPS_UP),
        _SETTLED,
        (re.compile(_LISTS),),
        re.compile(_OWN_CASE),
        _SERVICE
        | {
            *(Act.REFUSE, Act.ACKNOWLEDGE_IMPACT, Act.ACKNOWLEDGE_FEELING, Act.EXPLAIN),
            *(Act.PRAISE, Act.CONCEDE, Act.CITE_POLICY),
        },
    ),
)


class Line:
    """The other speaker's line, and which readings it invites: each is looked up when needed."""

    def __init__(self, said: str) -> None:
        """Take a line in lower case; it may be empty."""
        self._said = said
        self._invited: dict[int, bool] = {}

    def invites(self, number: int) -> bool:
        """Say whether the line holds the cue of a reading, by its number."""
        known = self._invited.get(number)
        if known is None:
            known = _ANSWERS[number].cue.search(self._said) is not None
            self._invited[number] = known
        return known


def read_answer(sentence: Sentence, line: Line, best: Found) -> None:
    """Add what a statement does as the answer to the line before it."""
    text, held = sentence.text, sentence.held
    if "?" in text:
        return
    for number, answer in enumerate(_ANSWERS):
        if answer.words.isdisjoint(held):
            continue
        if answer.act in best or not best.keys().isdisjoint(answer.instead):
            continue
        if not line.invites(number):
            continue
        if all(sign.search(text) for sign in answer.signs) and not answer.barred.search(text):
            best[answer.act] = sentence.span(answer.act, 2)
