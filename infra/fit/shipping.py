"""Writes the fitted behaviors as the data file that the judge reads."""

import hashlib

import msgspec

from infra.fit.crossvalidation import Known
from services.scoring_worker.judging.behaviors.model import Weights

MIXED = "m:"


def weights_of(known: Known) -> Weights:
    """Return one table for all behaviors; the same behaviors give the same version."""
    table: dict[str, list[float]] = {}
    mixed: dict[str, dict[str, float]] = {}
    for place, (key, fitted) in enumerate(known.items()):
        for name, weight in zip(fitted.names, fitted.weights.tolist(), strict=True):
            if name.startswith(MIXED):
                mixed.setdefault(key, {})[name.removeprefix(MIXED)] = weight
            elif weight:
                table.setdefault(name, []).extend((place, weight))
    unnamed = Weights(
        version="",
        behaviors=tuple(known),
        biases=tuple(fitted.bias for fitted in known.values()),
        features={name: tuple(table[name]) for name in sorted(table)},
        mixed=mixed,
    )
    return msgspec.structs.replace(unnamed, version=version_of(unnamed))


def version_of(weights: Weights) -> str:
    """Return the hash of everything but the version, whether just fitted or read from the file."""
    unnamed = msgspec.json.decode(msgspec.json.encode(weights), type=Weights)
    unnamed = msgspec.structs.replace(unnamed, version="")
    return hashlib.sha256(msgspec.json.encode(unnamed)).hexdigest()[:12]


def encode(weights: Weights) -> bytes:
    """Return the file: one feature a line, so that a change of weights can be read."""
    head, _, tail = msgspec.json.encode(weights).partition(b'"features":{')
    return head + b'"features":{\n' + tail.replace(b'],"', b'],\n"') + b"\n"
