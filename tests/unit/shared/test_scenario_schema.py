"""The schema that authors use is the one the product checks by."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from shared.contracts.scenario import ScenarioSpec
from shared.library.schema import DIALECT, scenario_schema, schema_text

ROOT = Path(__file__).resolve().parents[3]

FILES = sorted((ROOT / "shared/library/scenarios").glob("*.yaml"))


def test_the_committed_file_is_the_schema_of_today() -> None:
    written = (ROOT / "docs/scenario.schema.json").read_text(encoding="utf-8")
    assert written == schema_text(), "write it: rapport scenarios docs --write"


def test_it_says_what_the_contract_says() -> None:
    schema = scenario_schema()
    spec = schema["$defs"]["ScenarioSpec"]
    assert schema["$schema"] == DIALECT
    assert spec["properties"]["brief"]["description"] == "What the learner reads before the start."
    assert spec["additionalProperties"] is False
    assert set(spec["required"]) >= {"slug", "persona", "facts", "resolutions"}
    fact = schema["$defs"]["Fact"]["properties"]
    assert fact["guard"]["description"].startswith("What the customer says")
    assert schema["$defs"]["Temper"]["enum"] == [
        "angry",
        "confused",
        "defensive",
        "frustrated",
        "nervous",
        "suspicious",
    ]


def test_every_reference_leads_somewhere() -> None:
    schema = scenario_schema()

    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if "$ref" in value else []
            return own + [each for inner in value.values() for each in references(inner)]
        if isinstance(value, list):
            return [each for inner in value for each in references(inner)]
        return []

    found = set(references(schema))
    assert found
    assert all(each.removeprefix("#/$defs/") in schema["$defs"] for each in found)


def test_the_text_is_json() -> None:
    assert json.loads(schema_text()) == json.loads(msgspec.json.encode(scenario_schema()))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_library_file_fits(path: Path) -> None:
    spec = msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), ScenarioSpec)
    assert spec.slug == path.stem
