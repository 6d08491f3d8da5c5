"""What all parts of the story share."""

from datetime import UTC, date, datetime
from typing import Final

import msgspec

from infra.demo.client import Api
from infra.demo.history import first_monday
from infra.demo.printing import Page
from infra.demo.record import Record
from shared.contracts.scenario import ScenarioSpec
from shared.library import load_scenarios

FEATURED: Final = "support-angry-late-delivery"
"""The scenario whose two conversations are printed in full."""

SEED: Final = 7
"""Same seed, same customer: the conversations are the same in every run."""


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the demo."""

    api: Api
    page: Page
    record: Record
    monday: date
    """First day of the history."""
    scenarios: dict[str, ScenarioSpec]

    @classmethod
    def begin(cls, api: Api, page: Page, record: Record) -> "Telling":
        """Return a telling of today."""
        return cls(
            api=api,
            page=page,
            record=record,
            monday=first_monday(datetime.now(UTC).date()),
            scenarios={spec.slug: spec for spec in load_scenarios()},
        )
