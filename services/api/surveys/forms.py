"""Kinds of surveys with their scales: the standard ones, and what a tenant makes of them."""

from typing import Final, Literal

import msgspec

from shared.contracts.base import Record
from shared.errors import ConflictError, FieldError, ValidationFailedError

Kind = Literal["csat", "nps", "ces"]
Asked = Literal["customer", "learner"]


class SurveyForm(Record, frozen=True, kw_only=True):
    """A kind of survey."""

    form: str
    """Slug; unique within the tenant."""
    kind: Kind
    asked: Asked
    """Who answers: customers about a contact, or learners about their practice."""
    low: int
    high: int
    """Ends of the native scale, both inclusive; whole numbers."""
    positive: tuple[int, ...]
    """Values that count as positive, ascending; of NPS the promoters."""


NPS_SCALE: Final = (0, 10)
CES_SCALE: Final = (1, 7)
PROMOTERS: Final = (9, 10)
EASY: Final = (5, 6, 7)


def _form(form: str, kind: Kind, low: int, high: int, positive: tuple[int, ...]) -> SurveyForm:
    asked: Asked = "learner" if form.startswith("practice") else "customer"
    return SurveyForm(form=form, kind=kind, asked=asked, low=low, high=high, positive=positive)


STANDARD: Final = {
    each.form: each
    for each in (
        _form("csat-5", "csat", 1, 5, (4, 5)),
        _form("csat-10", "csat", 1, 10, (8, 9, 10)),
        _form("csat-smileys", "csat", 1, 3, (3,)),
        _form("csat-thumbs", "csat", 0, 1, (1,)),
        _form("nps", "nps", *NPS_SCALE, PROMOTERS),
        _form("ces", "ces", *CES_SCALE, EASY),
        _form("practice-csat-5", "csat", 1, 5, (4, 5)),
    )
}
"""Forms that every tenant has from the start, by slug."""


def check_form(form: SurveyForm) -> None:
    """Check that scale and positive values fit the kind; values may come in any order.

    Raises:
        ValidationFailedError: all wrong fields.
    """
    errors = [*_wrong_scale(form), *_wrong_positive(form)]
    if errors:
        raise ValidationFailedError(errors=tuple(errors))


def check_change(before: SurveyForm, after: SurveyForm) -> None:
    """Check that a change leaves the meaning of answers that came before.

    Raises:
        ConflictError: kind, scale or who is asked would change.
    """
    fixed = ("kind", "asked", "low", "high")
    errors = tuple(
        FieldError(pointer=f"/{_place(name)}", code="conflict", detail="This is fixed by now")
        for name in fixed
        if getattr(before, name) != getattr(after, name)
    )
    if errors:
        raise ConflictError("Only the positive values of a form can change", errors=errors)


def _place(name: str) -> str:
    return f"scale/{name}" if name in {"low", "high"} else name


def _wrong_scale(form: SurveyForm) -> list[FieldError]:
    fixed = {"nps": NPS_SCALE, "ces": CES_SCALE}.get(form.kind)
    if fixed is not None and (form.low, form.high) != fixed:
        detail = f"{form.kind.upper()} is asked from {fixed[0]} to {fixed[1]}"
        return [FieldError(pointer="/scale", code="out-of-range", detail=detail)]
    if form.low >= form.high:
        detail = "A scale ends above its beginning"
        return [FieldError(pointer="/scale/high", code="out-of-order", detail=detail)]
    return []


def _wrong_positive(form: SurveyForm) -> list[FieldError]:
    fixed = usual_positive(form.kind)
    if fixed and tidy(form).positive != fixed:
        detail = f"Of {form.kind.upper()} these are {', '.join(map(str, fixed))}"
        return [FieldError(pointer="/positive", code="conflict", detail=detail)]
    if not form.positive:
        detail = "Name the values that count as positive"
        return [FieldError(pointer="/positive", code="missing", detail=detail)]
    return [
        FieldError(
            pointer=f"/positive/{index}", code="out-of-range", detail="This is not on the scale"
        )
        for index, value in enumerate(form.positive)
        if not form.low <= value <= form.high
    ]


def merged(own: tuple[SurveyForm, ...]) -> tuple[SurveyForm, ...]:
    """Return all forms of a tenant by slug: its own in place of the standard ones."""
    found = {**STANDARD, **{each.form: each for each in own}}
    return tuple(found[slug] for slug in sorted(found))


def usual_positive(kind: Kind) -> tuple[int, ...]:
    """Return the values that are positive wherever this kind is asked; none where it differs."""
    return {"nps": PROMOTERS, "ces": EASY}.get(kind, ())


def tidy(form: SurveyForm) -> SurveyForm:
    """Return the form with its positive values ascending, each once."""
    return msgspec.structs.replace(form, positive=tuple(sorted(set(form.positive))))
