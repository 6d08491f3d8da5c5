"""Scenarios and rubrics that come with the product, as data, and their loaders."""

from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from shared.contracts.scenario import ScenarioSpec

_SCENARIOS = Path(__file__).with_name("scenarios")


@cache
def load_scenarios() -> tuple[ScenarioSpec, ...]:
    """Return every scenario of the library, ordered by slug.

    Raises:
        msgspec.ValidationError: a file does not describe a scenario.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    specs: list[ScenarioSpec] = []
    for path in sorted(_SCENARIOS.glob("*.yaml")):
        raw: Any = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - both loaders are the safe ones
        specs.append(msgspec.convert(raw, ScenarioSpec))
    return tuple(sorted(specs, key=lambda spec: spec.slug))
