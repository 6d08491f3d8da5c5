"""The indicators of every skill that one transcript can show: the taxonomy's own standard."""

import hashlib
from functools import cache
from importlib import resources
from types import MappingProxyType

import msgspec

from services.scoring_worker.judging.detectors.registry import DETECTORS
from shared.contracts.rubric import Indicator, Polarity
from shared.library.skills import Seen, load_skills
from shared.yaml_files import read_yaml

MIN_INDICATORS = 2
"""One yes or no is no score."""

MAX_INDICATORS = 8
"""More than this nobody keeps in mind."""

Standard = dict[str, tuple[Indicator, ...]]
"""Skill key and its indicators, in the order of the taxonomy."""


class StandardError(ValueError):
    """The standard does not fit the taxonomy or the detectors."""


@cache
def load_standard() -> MappingProxyType[str, tuple[Indicator, ...]]:
    """Return the indicators by skill key, in the order of the taxonomy.

    Raises:
        msgspec.ValidationError: the file does not describe indicators.
        StandardError: a skill is missing or cannot be seen, or an indicator has no detector.
    """
    return MappingProxyType(_checked(msgspec.convert(_raw(), Standard)))


@cache
def standard_hash() -> str:
    """Return the hash of the file's content: 12 hex digits; line endings do not matter."""
    content = _file().read_bytes().replace(b"\r\n", b"\n")
    return hashlib.sha256(content).hexdigest()[:12]


def check_standard(standard: Standard) -> None:
    """Check that every skill that a transcript shows is there, no other, and all can be answered.

    Raises:
        StandardError: the first thing that does not fit.
    """
    visible = {key for key, skill in load_skills().items() if Seen.TRANSCRIPT in skill.seen}
    if standard.keys() != visible:
        odd = ", ".join(sorted(standard.keys() ^ visible))
        raise StandardError(f"missing, or not to be seen in one transcript: {odd}")
    for skill, indicators in standard.items():
        _check_skill(skill, indicators)


def _check_skill(skill: str, indicators: tuple[Indicator, ...]) -> None:
    keys = [item.key for item in indicators]
    if len(set(keys)) != len(keys):
        raise StandardError(f"{skill} names an indicator twice")
    if not MIN_INDICATORS <= len(keys) <= MAX_INDICATORS:
        raise StandardError(f"{skill} has {len(keys)} indicators")
    if not any(item.polarity is Polarity.GOOD for item in indicators):
        raise StandardError(f"{skill} has no good indicator")
    unknown = [key for key in keys if key not in DETECTORS]
    if unknown:
        raise StandardError(f"no detector answers {', '.join(unknown)} of {skill}")


def _checked(standard: Standard) -> Standard:
    check_standard(standard)
    return {key: standard[key] for key in load_skills() if key in standard}


def _file() -> resources.abc.Traversable:
    return resources.files("services.scoring_worker.judging").joinpath("standard.yaml")


def _raw() -> object:
    return read_yaml(_file())
