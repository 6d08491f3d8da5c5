"""Makes a rubric of an outline: nothing enters it that the library does not know."""

from collections.abc import Sequence

import msgspec

from shared.contracts.base import Record
from shared.contracts.rubric import (
    AutoFail,
    Band,
    Criterion,
    Indicator,
    Polarity,
    RubricSpec,
    Section,
)
from shared.drafting import tidying
from shared.drafting.rubric_outline import OutlineCriterion, OutlineSection, RubricOutline
from shared.drafting.wanted import RubricWanted
from shared.library.indicators import KnownIndicator, load_indicators

OFTEN_ENOUGH = 60
"""Percent of the occasions at which a good behavior counts in full."""

HARMS_AT = 20
"""The same of a bad one."""

HARM = 60
"""Percent of a criterion's points that a bad behavior takes when full."""

LANGUAGE = "en"


class Gap(Record, frozen=True, kw_only=True):
    """Something of the scorecard that is not in the rubric."""

    source: str
    """The line, in its own words."""
    why: str


class Expanded(Record, frozen=True, kw_only=True):
    """A rubric, and what could not be part of it."""

    spec: RubricSpec | None
    """None: no line could be mapped."""
    unmapped: tuple[Gap, ...]


def expand(outline: RubricOutline, wanted: RubricWanted) -> Expanded:
    """Return the rubric with every line for which the judge has a behavior, and the others.

    Raises:
        msgspec.ValidationError: a text does not fit where it belongs.
    """
    outline = tidying.cleaned(outline)
    gaps = [Gap(source=one.source, why=one.why) for one in outline.unmapped]
    drafted = [(section, _mapped(section, gaps)) for section in outline.sections]
    kept = [(section, criteria) for section, criteria in drafted if criteria]
    if not kept:
        return Expanded(spec=None, unmapped=tuple(gaps))
    title = wanted.title or outline.title
    points = outline.kind == "points"
    keys = tidying.keyed([section.title for section, _ in kept], "section")
    shares = [100] * len(kept) if points else _shares([section.weight for section, _ in kept])
    names = iter(tidying.keyed([one.title for _, some in kept for one in some], "criterion"))
    spec = RubricSpec(
        slug=wanted.slug or tidying.slug_of(title),
        title=title,
        description=outline.description,
        language=LANGUAGE,
        kind=outline.kind,
        target=outline.target,
        bands=_bands(outline.target),
        sections=tuple(
            Section(
                key=_lettered(key),
                title=section.title,
                weight=share,
                criteria=_criteria(criteria, [next(names) for _ in criteria], is_points=points),
            )
            for key, (section, criteria), share in zip(keys, kept, shares, strict=True)
        ),
    )
    checked = msgspec.convert(msgspec.to_builtins(spec), RubricSpec)
    return Expanded(spec=checked, unmapped=tuple(dict.fromkeys(gaps)))


def _mapped(section: OutlineSection, gaps: list[Gap]) -> list[OutlineCriterion]:
    """Return the criteria that have a known behavior; note all that is left out."""
    known = load_indicators()
    found = []
    for one in section.criteria:
        names = tuple(dict.fromkeys(key for key in one.indicators if key in known))
        source = one.source or one.title
        strange = [key for key in one.indicators if key not in known]
        if strange:
            why = f"The model named behaviors that the judge does not know: {', '.join(strange)}"
            gaps.append(Gap(source=source, why=why))
        if not names:
            why = "No behavior that the judge knows stands for it."
            gaps += [] if strange else [Gap(source=source, why=why)]
            continue
        fails = tuple(key for key in one.fails_form if key in names and _is_bad(known[key]))
        if len(fails) < len(one.fails_form):
            why = "That it fails the form is left out: no bad behavior of the list stands for it."
            gaps.append(Gap(source=source, why=why))
        found.append(msgspec.structs.replace(one, indicators=names, fails_form=fails))
    return found


def _criteria(
    outlines: Sequence[OutlineCriterion], keys: Sequence[str], *, is_points: bool
) -> tuple[Criterion, ...]:
    weights = [max(one.weight, 1) for one in outlines]
    shares = weights if is_points else _shares(weights)
    return tuple(
        _criterion(_lettered(key), one, share)
        for key, one, share in zip(keys, outlines, shares, strict=True)
    )


def _criterion(key: str, one: OutlineCriterion, weight: int) -> Criterion:
    known = load_indicators()
    good = [name for name in one.indicators if not _is_bad(known[name])]
    shares = dict(zip(good, _shares([1] * len(good)), strict=True)) if good else {}
    return Criterion(
        key=key,
        title=one.title,
        skill=one.skill,
        weight=weight,
        critical=one.is_critical,
        na_allowed=not one.is_critical,
        help_text=one.help_text,
        auto_fail=AutoFail(indicators=one.fails_form) if one.fails_form else None,
        indicators=tuple(
            _indicator(name, known[name], shares.get(name, HARM)) for name in one.indicators
        ),
    )


def _indicator(name: str, known: KnownIndicator, weight: int) -> Indicator:
    full_at = HARMS_AT if _is_bad(known) else OFTEN_ENOUGH
    return Indicator(
        key=name,
        title=known.title,
        polarity=known.polarity,
        weight=weight,
        full_at=100 if known.whole else full_at,
    )


def _is_bad(known: KnownIndicator) -> bool:
    return known.polarity is Polarity.BAD


def _lettered(key: str) -> str:
    """Return a key that begins with a letter, as results and conditions want it."""
    return key if key[:1].isalpha() else f"c_{key}"


def _bands(target: int) -> tuple[Band, ...]:
    """Return four ranks of which one begins at the target."""
    steps = (0, target * 2 // 3, target, (target + 100) // 2)
    labels = ("Needs practice", "On the way", "Solid", "Strong")
    found = {step: label for step, label in zip(steps, labels, strict=True) if step < 100}
    return tuple(Band(from_score=step, label=label) for step, label in sorted(found.items()))


def _shares(weights: Sequence[int]) -> list[int]:
    """Return whole shares of 100 in the proportion of the weights, none of them 0."""
    whole = sum(max(weight, 1) for weight in weights)
    exact = [100 * max(weight, 1) for weight in weights]
    shares = [max(one // whole, 1) for one in exact]
    order = sorted(range(len(exact)), key=lambda place: (-(exact[place] % whole), place))
    for step in range(100 - sum(shares)):
        shares[order[step % len(order)]] += 1
    for _ in range(sum(shares) - 100):  # many small weights beside a large one
        shares[shares.index(max(shares))] -= 1
    return shares
