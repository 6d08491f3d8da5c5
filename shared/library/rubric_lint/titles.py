"""Rules for words: titles that join, blur or claim what a transcript cannot prove."""

import re
from collections.abc import Iterator

import msgspec

from shared.contracts.rubric import Criterion, Polarity
from shared.library.findings import Finding
from shared.library.rubric_lint.findings import fault
from shared.library.rubric_lint.joints import find_joint
from shared.library.rubric_lint.subject import Subject
from shared.library.rubric_lint.terms import load_terms, pattern
from shared.library.skills import load_skills

MANY_WORDS = 14
ENOUGH_WORDS = 4
"""Words of content that a help text needs to explain anything."""

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")  # noqa: RUF001 - people type both apostrophes
_ACRONYM = re.compile(r"\b[A-Z]{2,5}\b")
_OF_THE_CUSTOMER = re.compile(r"\b(?:customer|caller|client)\b(?!')(?: \w+ly)? \w+", re.IGNORECASE)
"""What the customer feels or wants may be named: a good answer does."""
_NEGATED = re.compile(
    r"(?:the agent )?(?:does not|doesn't|do not|don't|never|avoids?|no) ", re.IGNORECASE
)


class _Titled(msgspec.Struct, frozen=True):
    path: str
    title: str
    criterion: Criterion
    is_indicator: bool

    @property
    def is_good_indicator(self) -> bool:
        return self.is_indicator and any(
            each.title == self.title and each.polarity is Polarity.GOOD
            for each in self.criterion.indicators
        )


def _titles(subject: Subject) -> Iterator[_Titled]:
    for place in subject.places:
        criterion = place.criterion
        yield _Titled(f"{place.path}/title", criterion.title, criterion, is_indicator=False)
        for path, indicator in place.indicators():
            yield _Titled(f"{path}/title", indicator.title, criterion, is_indicator=True)


def joints(subject: Subject) -> Iterator[Finding]:
    """Find titles that ask for two things at once."""
    said = {
        "questions": ("double-question", "asks two questions"),
        "behaviors": ("compound-title", "joins two behaviors"),
        "things": ("joined-title", "joins two things"),
    }
    for titled in _titles(subject):
        joint = find_joint(titled.title)
        if joint is not None:
            code, what = said[joint.kind]
            message = f"{titled.title!r} {what} at {joint.word!r}"
            yield fault(code, titled.path, message)


def terms(subject: Subject) -> Iterator[Finding]:
    """Find terms that everybody reads differently, and what no quote can prove."""
    for titled in _titles(subject):
        yield from _vague(titled)
        for name, code in (
            ("absolute", "absolute-term"),
            ("minds", "state-of-mind"),
            ("unheard", "not-in-text"),
        ):
            found = pattern(name).search(_OF_THE_CUSTOMER.sub(" ", titled.title))
            if found is not None and not _is_skill_name(titled):
                yield fault(code, titled.path, f"{found.group()!r} in {titled.title!r}")


def _vague(titled: _Titled) -> Iterator[Finding]:
    text = pattern("harmless").sub(" ", titled.title)
    found = pattern("vague").search(text)
    if found is None or _is_skill_name(titled):
        return
    if not _content(titled.title) and not _explains(titled.criterion):
        message = f"nothing says what {titled.title!r} means"
        yield fault("undefined-title", titled.path, message)
    elif not _defines(titled.criterion, found.group(), is_indicator=titled.is_indicator):
        message = f"{found.group()!r} in {titled.title!r} is not defined"
        yield fault("vague-term", titled.path, message)


def _is_skill_name(titled: _Titled) -> bool:
    """The name of a skill is defined by the taxonomy."""
    if titled.is_indicator:
        return False
    name = titled.title.casefold().strip()
    known = load_skills()
    mapped = (known[key] for key in titled.criterion.skill_weights() if key in known)
    return any(skill.name.casefold() == name for skill in mapped)


def _content(text: str) -> list[str]:
    """Return the words that are neither vague nor fillers."""
    plain = pattern("vague").sub(" ", pattern("harmless").sub(" ", text.lower()))
    return [word for word in _WORD.findall(plain) if word not in load_terms().fillers]


def _explains(criterion: Criterion) -> bool:
    anchors = (anchor.text for anchor in criterion.anchors)
    return len(_content(" ".join((criterion.help_text, *anchors)))) >= ENOUGH_WORDS


def _defines(criterion: Criterion, term: str, *, is_indicator: bool) -> bool:
    """A help text explains its criterion; an indicator's term must be in it by name."""
    if not _explains(criterion):
        return False
    return not is_indicator or term.casefold() in criterion.help_text.casefold()


def shapes(subject: Subject) -> Iterator[Finding]:
    """Look at the form of titles: length, negation, abbreviations."""
    for titled in _titles(subject):
        words = len(_WORD.findall(titled.title))
        if words > MANY_WORDS:
            yield fault("title-long", titled.path, f"{words} words")
        if titled.is_good_indicator and _NEGATED.match(titled.title):
            message = f"{titled.title!r} is no behavior to be seen"
            yield fault("negated-title", titled.path, message)
        told = f"{titled.criterion.help_text} {subject.spec.description}"
        for short in _acronyms(titled.title):
            if not re.search(rf"\b{short}\b", told):
                message = f"nothing says what {short} stands for"
                yield fault("acronym-undefined", titled.path, message)


def _acronyms(title: str) -> list[str]:
    if title.isupper():
        return []
    return [each for each in _ACRONYM.findall(title) if each.lower() not in load_terms().acronyms]


def explanations(subject: Subject) -> Iterator[Finding]:
    """Find criteria that people cannot score alike."""
    for place in subject.places:
        criterion = place.criterion
        has_help = bool(criterion.help_text.strip())
        if criterion.requires_comment and not has_help:
            message = f"{criterion.key} asks for a comment and does not say on what"
            yield fault("comment-unguided", f"{place.path}/help_text", message)
        if not has_help and not criterion.anchors:
            message = f"nothing says when {criterion.key} is done well"
            yield fault("criterion-unexplained", place.path, message)
