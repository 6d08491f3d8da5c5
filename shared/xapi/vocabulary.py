"""Names that statements use. Verbs and activity types are ADL's; extensions are our own."""

from collections.abc import Mapping
from typing import Final, Literal
from uuid import UUID

Verb = Literal["attempted", "completed", "scored", "passed", "failed"]

VERBS: Final[Mapping[Verb, str]] = {
    "attempted": "http://adlnet.gov/expapi/verbs/attempted",
    "completed": "http://adlnet.gov/expapi/verbs/completed",
    "scored": "http://adlnet.gov/expapi/verbs/scored",
    "passed": "http://adlnet.gov/expapi/verbs/passed",
    "failed": "http://adlnet.gov/expapi/verbs/failed",
}

SIMULATION: Final = "http://adlnet.gov/expapi/activities/simulation"
ASSESSMENT: Final = "http://adlnet.gov/expapi/activities/assessment"

NAMESPACE: Final = UUID("4c8d1f6e-52b7-5e0a-9c61-0d2f7a3b9e14")
"""Of the statement ids: UUIDs of version 5, because many stores take no younger ones. Never
changed: the same event keeps its statements' ids for ever."""

AUTHORITY: Final = "rapport"
"""Name of the account that vouches for every statement."""

HEADER: Final = "X-Experience-API-Version"
CONSISTENT_HEADER: Final = "X-Experience-API-Consistent-Through"

Version = Literal["1.0.3", "2.0.0"]
NEWEST: Final[Version] = "2.0.0"
STATEMENT_VERSIONS: Final[Mapping[Version, str]] = {"1.0.3": "1.0.0", "2.0.0": "2.0.0"}
"""What a statement itself says, by the version of the exchange."""

Actor = Literal["external_id", "learner_id"]
"""By which name a person's account goes in statements."""
