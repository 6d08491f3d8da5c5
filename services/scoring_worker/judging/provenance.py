"""What made the numbers of an assessment: versions and content hashes, 12 hex digits each."""

from functools import cache
from hashlib import sha256

import msgspec

from services.scoring_worker.judging.standard import load_standard
from services.scoring_worker.judging.strengths import load_listener
from services.scoring_worker.judging.version import ENGINE_VERSION
from shared.contracts.rubric import RubricSpec
from shared.contracts.scoring import Provenance, Transcript
from shared.library.skills import load_skill_roots

DIGITS = 12
"""Of each hash: 48 bits."""


def content_hash(value: object) -> str:
    """Hash the canonical JSON of a value: keys sorted, no spaces."""
    return sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()[:DIGITS]


@cache
def taxonomy_hash() -> str:
    """Hash the taxonomy with the indicators that stand for its skills."""
    return content_hash([load_skill_roots(), dict(load_standard())])


def provenance(
    transcript: Transcript, rubric: RubricSpec, *, engine: str = "embedded"
) -> Provenance:
    """Name everything that decided these numbers; what a model was, its calls say."""
    return Provenance(
        engine=engine,
        engine_version=ENGINE_VERSION,
        rubric_slug=rubric.slug,
        rubric_hash=content_hash(rubric),
        taxonomy_hash=taxonomy_hash(),
        weights_hash=load_listener().version,
        transcript_hash=content_hash(transcript),
    )
