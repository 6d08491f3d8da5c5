"""Which metrics and labels a PromQL expression names: enough of the language for ours."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

import msgspec

from shared.telemetry.catalog import METRICS

_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_RANGE: Final = re.compile(r"\[[^\]]*\]")
_GROUPING: Final = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)")
_SELECTOR: Final = re.compile(r"([a-zA-Z_:][\w:]*)\s*(\{[^{}]*\})?")
_MATCHER: Final = re.compile(r"([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)")
_CALL: Final = re.compile(r"[a-zA-Z_]\w*\s*\(")
_NUMBER: Final = re.compile(r"(?<![\w:])\d[\w.]*")

_WORDS: Final = frozenset({"and", "or", "unless", "bool", "offset", "inf", "nan"})

_ALWAYS: Final = frozenset({"le", "job", "instance"})
"""Labels of histograms, and those that Prometheus adds."""

_LIBRARY: Final = frozenset(
    {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"}
)
"""What `prometheus_client` counts of every process by itself."""


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """What an expression names."""

    metrics: dict[str, frozenset[str]]
    """Labels asked for, by the sample's name."""
    grouped: frozenset[str]
    """Labels it groups or joins by."""


def used(expression: str) -> Used:
    """Return what an expression names."""
    text = _RANGE.sub(" ", _STRING.sub('""', expression))
    grouped = {
        label.strip()
        for labels in _GROUPING.findall(text)
        for label in labels.split(",")
        if label.strip()
    }
    text = _NUMBER.sub(" ", _CALL.sub("(", _GROUPING.sub(" ", text)))
    metrics: dict[str, frozenset[str]] = {}
    for name, matchers in _SELECTOR.findall(text):
        if name in _WORDS:
            continue
        labels = frozenset(_MATCHER.findall(matchers))
        metrics[name] = metrics.get(name, frozenset()) | labels
    return Used(metrics=metrics, grouped=frozenset(grouped))


def faults(expression: str, recorded: Mapping[str, Collection[str]]) -> Iterator[str]:
    """Say what an expression names that is not there.

    Args:
        expression: PromQL.
        recorded: labels of what rules record, by name.
    """
    said = used(expression)
    known: set[str] = set(_ALWAYS)
    for name, labels in said.metrics.items():
        has = labels_of(name, recorded)
        if has is None:
            yield f"no metric {name}"
            continue
        known |= has
        for label in sorted(labels - has - _ALWAYS):
            yield f"{name} has no label {label}"
    for label in sorted(said.grouped - known):
        yield f"nothing here has a label {label}"


def labels_of(name: str, recorded: Mapping[str, Collection[str]]) -> frozenset[str] | None:
    """Return the labels of a sample; None: there is no such sample."""
    if name in recorded:
        return frozenset(recorded[name])
    if name in _LIBRARY:
        return frozenset()
    found = (each for each in METRICS.values() if name in each.samples)
    metric = next(found, None)
    return None if metric is None else frozenset(metric.labels)
