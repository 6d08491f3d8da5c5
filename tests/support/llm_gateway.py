"""The real gateway with money and settings in memory, for tests without a database."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from shared.clock import FixedClock
from shared.config import Secret
from shared.contracts.llm import Message, ModelPolicy, Prompt, Task, Usage, WhyEmbedded
from shared.db.sealed import SealKey
from shared.ids import Uuid7Maker
from shared.llm.endpoint import Endpoint
from shared.llm.gateway import Gateway
from shared.llm.ports import ChatRequest, ModelFailedError, Purpose
from shared.llm.records import Bounds, CallDraft, CallOutcome, Reserved, TenantModel
from shared.redaction.redacted import Redacted

TENANT = UUID(int=7)
KEY = SealKey(TENANT, bytes(32))
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NO_BOUNDS = Bounds(
    monthly_microusd=None,
    installation_microusd=None,
    simulation_microusd=None,
    scoring_microusd=None,
    max_in_flight=50,
)


class OneDollarPerMillion:
    """A price book and its only price: a millionth of a dollar per token."""

    is_known = True
    listed_as = "other"

    def price(self, model: str, host: str, when: datetime) -> "OneDollarPerMillion":
        return self

    def cost_microusd(self, usage: Usage) -> int:
        return usage.input_tokens + usage.output_tokens

    def most_microusd(self, input_tokens: int, max_output_tokens: int) -> int:
        return input_tokens + max_output_tokens


@dataclass
class Book:
    """Settings of every tenant."""

    model: TenantModel | None
    asked: int = 0

    async def find(self, tenant_id: UUID) -> TenantModel | None:
        self.asked += 1
        return self.model


@dataclass
class MemoryLedger:
    """Remembers what was reserved and settled; refuses what it is told to."""

    refuses: WhyEmbedded | None = None
    reserved: list[CallDraft] = field(default_factory=list)
    settled: list[tuple[CallDraft, CallOutcome, bytes | None]] = field(default_factory=list)

    async def reserve(self, draft: CallDraft) -> Reserved:
        if self.refuses is not None:
            raise ModelFailedError(self.refuses)
        self.reserved.append(draft)
        return Reserved(draft=draft)

    async def settle(self, reserved: Reserved, outcome: CallOutcome, answer: bytes | None) -> None:
        self.settled.append((reserved.draft, outcome, answer))

    async def close(self) -> None:
        """Nothing is pending."""

    @property
    def outcomes(self) -> list[CallOutcome]:
        return [outcome for _, outcome, _ in self.settled]


class Marker:
    """Replaces the session's names by marks."""

    def redact(
        self, texts: Sequence[str], *, names: Sequence[str] = (), kept: Sequence[str] = ()
    ) -> Redacted:
        marks = {f"[NAME_{number}]": name for number, name in enumerate(names, 1)}
        redacted = []
        for text in texts:
            changed = text
            for mark, name in marks.items():
                changed = changed.replace(name, mark)
            redacted.append(changed)
        return Redacted(texts=tuple(redacted), marks=marks)


def tenant_model(
    url: str, *, policy: ModelPolicy | None = None, is_own: bool = False, **changes: object
) -> TenantModel:
    """Settings that lead to an endpoint; changes are the endpoint's."""
    fields: dict[str, object] = {"base_url": url, "key": Secret("sk-fake"), **changes}
    return TenantModel(
        endpoint=Endpoint(**fields),  # type: ignore[arg-type]  # tests name the fields they mean
        is_own=is_own,
        policy=policy or ModelPolicy(),
        fallback_model="fake-1",
        bounds=NO_BOUNDS,
        prices=OneDollarPerMillion(),
    )


def in_memory(
    model: TenantModel | None, ledger: MemoryLedger | None = None, *, allow_private: bool = True
) -> Gateway:
    """The gateway; to be closed by the test."""
    return Gateway(
        Book(model),
        ledger or MemoryLedger(),
        Marker(),
        clock=FixedClock(NOW),
        ids=Uuid7Maker(),
        random=lambda: 0.0,
        allow_private=allow_private,
    )


def asking(
    text: str = "Say something.", *, task: Task = Task.WORDING, **changes: object
) -> ChatRequest:
    """A request; `environment` is the purpose's, all other changes are the request's."""
    environment = changes.pop("environment", "live")
    fields: dict[str, object] = {
        "purpose": Purpose(tenant_id=TENANT, task=task, environment=environment),  # type: ignore[arg-type]  # as above
        "prompt": Prompt(
            messages=(
                Message(role="system", content="You are a customer."),
                Message(role="user", content=text),
            ),
            version="0123456789ab",
        ),
        "key": KEY,
        "max_output_tokens": 100,
        "deadline_s": 5.0,
        **changes,
    }
    return ChatRequest(**fields)  # type: ignore[arg-type]  # as above
