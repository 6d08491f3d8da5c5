"""Scenarios and rubrics that come with the product, as data, and their loaders."""

from functools import cache
from pathlib import Path

import msgspec

from shared.contracts.scenario import ScenarioSpec
from shared.yaml_files import read_yaml

_SCENARIOS = Path(__file__).with_name("scenarios")


@cache
def load_scenarios() -> tuple[ScenarioSpec, ...]:
    """Return every scenario of the library, ordered by slug.

    Raises:
        msgspec.ValidationError: a file does not describe a scenario.
    """
    specs = (
        msgspec.convert(read_yaml(path), ScenarioSpec) for path in sorted(_SCENARIOS.glob("*.yaml"))
    )
    return tuple(sorted(specs, key=lambda spec: spec.slug))
