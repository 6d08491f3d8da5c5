"""Requests and answers of `/v1/simulation_batches`."""

from collections.abc import Mapping
from typing import Annotated, Final

import msgspec

from services.api.batches.repository import Group
from services.api.fields import MAX_SEED, LearnerId, ScenarioRef
from services.api.metadata import Metadata
from services.api.operations.repository import Operation
from services.api.operations.schemas import OperationView
from services.api.validation import RuleError, broken
from shared.contracts.simulation import Profile

MAX_CONVERSATIONS: Final = 1000
"""Of one batch."""


class BatchCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Have scripted learners play scenarios: every scenario with every profile, `repeat` times."""

    learner_id: Annotated[
        LearnerId,
        msgspec.Meta(
            description="Whom the conversations are booked on, for example a test learner. They "
            "never count in trends."
        ),
    ]
    scenarios: Annotated[list[ScenarioRef], msgspec.Meta(min_length=1, max_length=100)]
    profiles: Annotated[list[Profile], msgspec.Meta(min_length=1, max_length=10)]
    repeat: Annotated[int, msgspec.Meta(ge=1, le=MAX_CONVERSATIONS)] = 1
    seed: Annotated[
        int,
        msgspec.Meta(
            ge=0,
            le=MAX_SEED,
            description="Of the first repetition; the next ones count up. Every scenario and "
            "profile gets the same seeds, so that they compare.",
        ),
    ] = 0
    score: Annotated[
        bool, msgspec.Meta(description="Whether the conversations are scored as well.")
    ] = True
    metadata: Metadata = msgspec.field(default_factory=dict)
    """Of the batch; its conversations do not inherit it."""

    def __post_init__(self) -> None:
        errors = [
            broken(f"/{name}", "duplicate", "Each may be named once")
            for name in ("scenarios", "profiles")
            if len(set(getattr(self, name))) < len(getattr(self, name))
        ]
        total = len(self.scenarios) * len(self.profiles) * self.repeat
        if total > MAX_CONVERSATIONS:
            detail = f"{total} conversations; a batch may have {MAX_CONVERSATIONS}"
            errors.append(broken("/repeat", "out-of-range", detail))
        if errors:
            raise RuleError(*errors)


class BatchView(msgspec.Struct, frozen=True, kw_only=True):
    """What there is of a batch's result."""

    operation: OperationView
    groups: list[Group]
    """By scenario and profile. While the operation runs, and after it was canceled, this is what
    was played so far."""
    simulations: str
    """Where to list the conversations."""
    metadata: dict[str, str]
    """What is attached to the batch; its conversations have their own."""

    @classmethod
    def of(
        cls, operation: Operation, groups: list[Group], metadata: Mapping[str, str]
    ) -> "BatchView":
        """Return the public form."""
        view = OperationView.of(operation)
        return cls(
            operation=view,
            groups=groups,
            simulations=f"/v1/simulations?operation_id={view.id}",
            metadata=dict(metadata),
        )
