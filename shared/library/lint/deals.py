"""Rules for good ends: needs, resolutions and their numbers, and what policy forbids."""

from collections.abc import Iterator

from shared.contracts.scenario import Resolution, Term
from shared.library.lint.findings import Finding, fault
from shared.library.lint.numbers import numbers, shown
from shared.library.lint.subject import Subject
from shared.library.lint.text import touches, word_line

LEGITIMATE_SLOTS = ("promise", "disclosure")
"""Slots of the case that every good learner says."""


def needs(subject: Subject) -> Iterator[Finding]:
    """Find needs that nothing meets, and resolutions that meet nothing."""
    spec = subject.spec
    if not spec.needs:
        yield fault("needs-missing", "/needs", "nothing says what the customer really needs")
        return
    met = {key for resolution in spec.resolutions for key in resolution.meets}
    for number, need in enumerate(spec.needs):
        if need.key not in met:
            yield fault("need-unmet", f"/needs/{number}", f"no resolution meets {need.key}")
    for number, resolution in enumerate(spec.resolutions):
        if not resolution.meets:
            message = f"{resolution.key} meets no need"
            yield fault("meets-nothing", f"/resolutions/{number}/meets", message)


def resolutions(subject: Subject) -> Iterator[Finding]:
    """Find resolutions that nobody reaches, or that everybody does."""
    spec = subject.spec
    if not spec.resolutions:
        yield fault("resolution-missing", "/resolutions", "nothing the learner does ends well")
        return
    for number, resolution in enumerate(spec.resolutions):
        yield from _resolution(subject, f"/resolutions/{number}", resolution)
    if all(item.after_twist or item.until_twist for item in spec.resolutions):
        message = "every resolution begins or ends with a twist"
        yield fault("resolutions-all-on-twist", "/resolutions", message)


def _resolution(subject: Subject, path: str, resolution: Resolution) -> Iterator[Finding]:
    spec, key = subject.spec, resolution.key
    for reason in subject.obstacles(resolution):
        yield fault("resolution-unreachable", path, f"{key} is never accepted: {reason}")
    if not resolution.acts and not resolution.topics:
        yield fault("resolution-asks-for-nothing", path, f"every turn proposes {key}")
    if resolution.topics and touches(resolution.title, resolution.topics) is None:
        message = f"{resolution.title!r} holds none of {', '.join(resolution.topics)}"
        yield fault("resolution-misses-itself", f"{path}/topics", message)
    if resolution.max_frustration >= spec.leaving.frustration:
        bound = spec.leaving.frustration
        message = f"{key} allows {resolution.max_frustration}, the customer leaves at {bound}"
        yield fault("resolution-after-leaving", f"{path}/max_frustration", message)
    mind = spec.opening.mind
    waits = resolution.needs_facts or resolution.needs_steps or resolution.after_twist
    calm = mind.trust >= resolution.min_trust and mind.frustration <= resolution.max_frustration
    if calm and not waits:
        yield fault("resolution-too-easy", path, f"the first offer of {key} ends the practice")


def terms(subject: Subject) -> Iterator[Finding]:
    """Find numbers with which there is no deal, or none that anybody knows of."""
    for number, resolution in enumerate(subject.spec.resolutions):
        for place, term in enumerate(resolution.terms):
            path = f"/resolutions/{number}/terms/{place}"
            yield from _bounds(path, term)
            yield from _title(path, term, resolution)
            yield from _brief(subject, path, term)


def _bounds(path: str, term: Term) -> Iterator[Finding]:
    accept, policy = (term.accept_min, term.accept_max), (term.policy_min, term.policy_max)
    if accept == policy == (None, None):
        yield fault("term-unbounded", path, f"any number of {term.kind} will do")
    for name, (low, high) in (("accept", accept), ("policy", policy)):
        if low is not None and high is not None and low > high:
            message = f"{name}: {shown(term.kind, low)} is above {shown(term.kind, high)}"
            yield fault("term-empty", f"{path}/{name}_min", message)
            return
    low, high = _both(term)
    if low is not None and high is not None and low > high:
        low_text, high_text = shown(term.kind, low), shown(term.kind, high)
        message = f"one side wants {low_text} at least, the other {high_text} at most"
        yield fault("term-ranges-apart", path, message)


def _both(term: Term) -> tuple[int | None, int | None]:
    """Return the bounds within which customer and policy agree."""
    lows = [each for each in (term.accept_min, term.policy_min) if each is not None]
    highs = [each for each in (term.accept_max, term.policy_max) if each is not None]
    return max(lows, default=None), min(highs, default=None)


def _title(path: str, term: Term, resolution: Resolution) -> Iterator[Finding]:
    value = titled(resolution.title, term)
    if value is None:
        message = f"{resolution.title!r} names no number of {term.kind}"
        yield fault("term-title-silent", path, message)
        return
    low, high = _both(term)
    if (low is not None and value < low) or (high is not None and value > high):
        bounds = [shown(term.kind, each) for each in (low, high) if each is not None]
        message = f"the title says {shown(term.kind, value)}, bounds: {' to '.join(bounds)}"
        yield fault("term-title-outside", path, message)


def titled(title: str, term: Term) -> int | None:
    """Return the number of the term's kind that stands nearest to one of its stems."""
    places = _places(title, term.about)
    named = [each for each in numbers(title) if each.kind is term.kind]

    def distance(start: int, end: int) -> int:
        return min((max(place - end, start - place, 0) for place in places), default=0)

    if not named:
        return None
    return min(named, key=lambda each: distance(each.start, each.end)).value


def _places(title: str, stems: tuple[str, ...]) -> list[int]:
    folded = f" {title.lower()}"
    return [
        at
        for stem in stems
        for at in range(len(title))
        if folded.startswith(stem, at + 1) and not folded[at].isalnum()
    ]


def _brief(subject: Subject, path: str, term: Term) -> Iterator[Finding]:
    told = {each.value for each in numbers(subject.spec.brief) if each.kind is term.kind}
    for name in ("policy_min", "policy_max"):
        bound = getattr(term, name)
        if bound and bound not in told:
            message = f"the brief does not say {shown(term.kind, bound)}"
            yield fault("policy-not-in-brief", f"{path}/{name}", message)


def forbidden(subject: Subject) -> Iterator[Finding]:
    """Find breaches that would never be noticed, and right offers that would count as one."""
    spec = subject.spec
    legitimate = [(f"/resolutions/{n}/title", x.title) for n, x in enumerate(spec.resolutions)]
    legitimate += [(f"/case/{n}", spec.case[n]) for n in LEGITIMATE_SLOTS if n in spec.case]
    for number, item in enumerate(spec.forbidden):
        path = f"/forbidden/{number}"
        if touches(item.title, item.topics) is None:
            message = f"{item.title!r} holds none of {', '.join(item.topics)}"
            yield fault("forbidden-misses-itself", f"{path}/topics", message)
        for place, stem in enumerate(item.topics):
            for where, text in legitimate:
                if f" {stem}" in word_line(text):
                    message = f"{stem!r} is in {where}: {text[:60]!r}"
                    yield fault("forbidden-hits-legitimate", f"{path}/topics/{place}", message)
