"""What made the numbers is named, and the same content has the same name."""

from msgspec import json, structs

from services.scoring_worker.judging import version
from services.scoring_worker.judging.judge import judge
from services.scoring_worker.judging.provenance import content_hash, provenance, taxonomy_hash
from shared.contracts.rubric import RubricSpec
from shared.library.versions import content_of


class TestHashes:
    def test_of_twelve_hex_digits(self, talks):
        found = judge(talks.get("sales", "good"), talks.rubric("sales")).provenance
        for value in (
            found.rubric_hash,
            found.taxonomy_hash,
            found.transcript_hash,
            found.weights_hash,
        ):
            assert len(value) == 12
            assert int(value, 16) >= 0
        assert found.engine == "embedded"
        assert found.engine_version == version.ENGINE_VERSION
        assert found.rubric_slug == "sales"
        assert found.taxonomy_hash == taxonomy_hash()

    def test_the_rubric_is_named_as_the_library_names_its_version(self, talks):
        rubric = talks.rubric("fraud")
        found = provenance(talks.get("fraud", "good"), rubric)
        assert content_of(rubric).hash.hex().startswith(found.rubric_hash)

    def test_the_order_of_keys_does_not_matter(self, talks):
        raw = json.decode(json.encode(talks.rubric("support")))
        turned = json.decode(json.encode(dict(reversed(raw.items()))), type=RubricSpec)
        assert content_hash(turned) == content_hash(talks.rubric("support"))

    def test_any_change_of_content_shows(self, talks):
        talk, rubric = talks.get("support", "good"), talks.rubric("support")
        here = provenance(talk, rubric)
        other_rubric = provenance(talk, structs.replace(rubric, target=rubric.target - 1))
        assert other_rubric.rubric_hash != here.rubric_hash
        assert other_rubric.transcript_hash == here.transcript_hash
        last = structs.replace(talk.turns[-1], text=talk.turns[-1].text + "!")
        other_talk = provenance(structs.replace(talk, turns=(*talk.turns[:-1], last)), rubric)
        assert other_talk.transcript_hash != here.transcript_hash
        assert other_talk.rubric_hash == here.rubric_hash


def test_the_version_covers_code_and_data_of_every_room():
    covered = version.covered_files()
    for name in (
        "services.scoring_worker.judging/judge.py",
        "services.scoring_worker.judging/phrases.yaml",
        "services.scoring_worker.judging/detectors/registry.py",
        "services.scoring_worker.judging/behaviors/weights.json",
        "services.scoring_worker.judging/model/prompts/judging.md",
        "shared.dialogue/analyzer.py",
        "shared.scorecard/form.py",
    ):
        assert name in covered
    assert len(set(covered)) == len(covered)
    assert {name.rpartition(".")[2] for name in covered} <= {"py", "yaml", "json", "md"}
