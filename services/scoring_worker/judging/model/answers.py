"""The form in which the model answers."""

from enum import StrEnum

import msgspec


class Said(StrEnum):
    """The model's answer for one indicator."""

    MET = "met"
    """For a bad indicator: it happened."""
    NOT_MET = "not_met"
    NO_OPPORTUNITY = "no_opportunity"
    INSUFFICIENT = "insufficient"
    """It cannot tell; the embedded judge's answer stands."""


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """Words that are to prove a verdict; unchecked."""

    turn_id: str
    quote: str


class IndicatorAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One indicator. The verdict comes last: a model that quotes first judges what it quoted."""

    key: str
    evidence: tuple[Quote, ...]
    reason: str
    """For people who look into recorded answers; nothing is made of it."""
    verdict: Said


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the model says to one question; keys may be missing, unknown or doubled."""

    answers: tuple[IndicatorAnswer, ...]
