"""The schema that authors of rubrics use is the one the product checks by."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from shared.contracts.rubric import RubricSpec
from shared.library.rubrics import load_rubrics, rubric_text
from shared.library.schema import DIALECT, rubric_schema, rubric_schema_text

ROOT = Path(__file__).resolve().parents[3]

FILES = sorted((ROOT / "shared/library/rubrics").glob("*.yaml"))


def test_the_committed_file_is_the_schema_of_today() -> None:
    written = (ROOT / "docs/rubric.schema.json").read_text(encoding="utf-8")
    assert written == rubric_schema_text(), "write it: rapport rubrics docs --write"
    assert json.loads(written) == json.loads(msgspec.json.encode(rubric_schema()))


def test_it_says_what_the_contract_says() -> None:
    schema = rubric_schema()
    assert (schema["$schema"], schema["title"]) == (DIALECT, "Rubric")
    spec = schema["$defs"]["RubricSpec"]
    assert set(spec["required"]) == {"slug", "title", "target", "sections"}
    assert spec["additionalProperties"] is False
    criterion = schema["$defs"]["Criterion"]["properties"]
    assert criterion["skill"]["description"] == "The skill it mostly shows."
    assert criterion["kind"]["enum"] == ["base", "bonus", "penalty"]
    assert schema["$defs"]["Polarity"]["enum"] == ["bad", "good"]


def test_every_reference_leads_somewhere() -> None:
    schema = rubric_schema()

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


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_library_file_fits_and_is_shown_as_it_is(path: Path) -> None:
    text = rubric_text(path.stem)
    spec = msgspec.convert(yaml.safe_load(text), RubricSpec)
    assert spec.slug == path.stem
    assert spec in load_rubrics()
    assert text == path.read_text(encoding="utf-8")


def test_there_is_no_other_rubric() -> None:
    assert [spec.slug for spec in load_rubrics()] == [path.stem for path in FILES]
    with pytest.raises(KeyError, match="collections, fraud, general, sales, support"):
        rubric_text("../schema")
