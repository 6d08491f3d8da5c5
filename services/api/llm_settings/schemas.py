"""Requests and answers of `/v1/settings/llm`."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from services.api.fields import Language, utc
from services.api.llm_settings.service import Wish
from services.api.validation import RuleError, broken
from shared.config import Secret
from shared.contracts.llm import Judging, ModelPolicy, OwnPrice, Task
from shared.llm.egress import MAX_URL_LENGTH
from shared.llm.endpoint import Endpoint
from shared.llm.money import PATTERN, dollars, microusd
from shared.llm.stored import MAX_IN_FLIGHT, ModelSettings, StoredSettings

MAX_HEADERS: Final = 20
MAX_PRICES: Final = 50

Usd = Annotated[
    str,
    msgspec.Meta(
        pattern=PATTERN, max_length=14, description="US dollars as text, at most six decimals."
    ),
]

Rate = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(0|[1-9][0-9]{0,3})(\.[0-9]{1,6})?$",
        max_length=11,
        description="US dollars per million tokens as text, at most six decimals.",
    ),
]

Model = Annotated[str, msgspec.Meta(pattern="^[!-~]+$", max_length=200)]

HeaderName = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9-]+$", max_length=100)]
HeaderValue = Annotated[str, msgspec.Meta(pattern="^[ -~]*$", max_length=2000)]

OURS: Final = frozenset(
    {"authorization", "api-key", "host", "content-length", "content-type", "transfer-encoding"}
    | {"connection", "accept-encoding"}
)
"""Headers that calls have of their own."""


class EndpointWrite(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Your OpenAI-compatible endpoint."""

    base_url: Annotated[
        str,
        msgspec.Meta(
            pattern="^https?://[!-~]+$",
            max_length=MAX_URL_LENGTH,
            description="What stands before `/chat/completions`; HTTPS, and a public address.",
        ),
    ]
    api_version: Annotated[
        str,
        msgspec.Meta(
            pattern="^[0-9A-Za-z.-]*$",
            max_length=40,
            description="Azure OpenAI only: the version of its dated API.",
        ),
    ] = ""
    headers: Annotated[
        Annotated[dict[HeaderName, HeaderValue], msgspec.Meta(max_length=MAX_HEADERS)] | UnsetType,
        msgspec.Meta(
            description="Sent with every call, never shown. Absent: as they are, while the host "
            "stays the same."
        ),
    ] = UNSET

    def __post_init__(self) -> None:
        names = [] if self.headers is UNSET else list(self.headers)
        errors = [
            broken(f"/headers/{name}", "not-allowed", "Calls have this header of their own")
            for name in names
            if name.lower() in OURS
        ]
        if len({name.lower() for name in names}) < len(names):
            errors.append(broken("/headers", "duplicate", "Each may be named once"))
        if errors:
            raise RuleError(*errors)


class ModelsWrite(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Models by task; null: `default_model`."""

    wording: Model | None = None
    """Puts the customer's decided lines into words."""
    appraisal: Model | None = None
    """Renders what was said in other languages in English."""
    judging: Model | None = None
    """Answers indicators of a rubric."""
    authoring: Model | None = None
    """Drafts scenarios and rubrics."""


class PriceWrite(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What you pay for a model, per million tokens."""

    input: Rate
    output: Rate
    cached: Rate | None = None
    """Input read from the endpoint's cache; null: as `input`."""

    def price(self) -> OwnPrice:
        """Return what is stored."""
        return OwnPrice(
            input=Decimal(self.input),
            output=Decimal(self.output),
            cached=None if self.cached is None else Decimal(self.cached),
        )


class Budgets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The most that may be spent; null: no bound of yours. Beyond it the embedded engines go on."""

    monthly_usd: Usd | None = None
    """Per month (UTC), all of it."""
    simulation_usd: Usd | None = None
    """On one practice conversation."""
    scoring_usd: Usd | None = None
    """On one scoring."""


class LlmSettingsPut(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Your settings, in place of earlier ones; what is absent has its default again."""

    expected_revision: Annotated[
        int,
        msgspec.Meta(
            ge=0, le=2**31 - 1, description="The revision that you have read; 0 where none is set."
        ),
    ]
    endpoint: EndpointWrite | None = None
    """Null: that of the installation, if it has one."""
    api_key: Annotated[
        Annotated[str, msgspec.Meta(pattern="^[!-~]+$", max_length=4000)] | UnsetType | None,
        msgspec.Meta(
            description="Of your endpoint; never shown. Absent: the one you gave before, while the "
            "host stays the same. Null: none."
        ),
    ] = UNSET
    models: ModelsWrite = msgspec.field(default_factory=ModelsWrite)
    default_model: Model | None = None
    """For tasks that name none; null: that of the installation, at the installation's endpoint."""
    disabled: Annotated[
        list[Task], msgspec.Meta(max_length=len(Task), description="Tasks without any model.")
    ] = msgspec.field(default_factory=list)
    temperature: Annotated[
        Annotated[float, msgspec.Meta(ge=0, le=2)] | None,
        msgspec.Meta(description="Of wording; null: the endpoint's own."),
    ] = None
    language: Annotated[
        Language, msgspec.Meta(description="Of new conversations that do not say.")
    ] = "en"
    max_hostility: Annotated[
        int,
        msgspec.Meta(ge=0, le=3, description="The rudest a customer may become: 0 civil, 3 gross."),
    ] = 3
    is_redacted: Annotated[
        bool,
        msgspec.Meta(description="Personal data is replaced by marks before anything is sent."),
    ] = True
    judging: Annotated[
        Judging,
        msgspec.Meta(
            description="Who answers indicators: `embedded`, `model`, or `cascade`, the model only "
            "where the embedded judge is unsure."
        ),
    ] = Judging.EMBEDDED
    samples: Annotated[
        int, msgspec.Meta(ge=1, le=7, description="How often a model is asked the same.")
    ] = 1
    prices: Annotated[
        dict[Model, PriceWrite],
        msgspec.Meta(
            max_length=MAX_PRICES, description="What you pay at your own endpoint, by model."
        ),
    ] = msgspec.field(default_factory=dict)
    budgets: Budgets = msgspec.field(default_factory=Budgets)
    max_in_flight: Annotated[
        int, msgspec.Meta(ge=1, le=10_000, description="Calls at once, over all processes.")
    ] = MAX_IN_FLIGHT

    def __post_init__(self) -> None:
        errors = []
        if len(set(self.disabled)) < len(self.disabled):
            errors.append(broken("/disabled", "duplicate", "Each may be named once"))
        if self.endpoint is None and isinstance(self.api_key, str):
            detail = "A key belongs to an endpoint of yours"
            errors.append(broken("/api_key", "not-allowed", detail))
        if self.endpoint is None and self.prices:
            detail = "Prices are of your own endpoint"
            errors.append(broken("/prices", "not-allowed", detail))
        if errors:
            raise RuleError(*errors)

    def wish(self) -> Wish:
        """Return what the service takes."""
        endpoint = self.endpoint
        return Wish(
            expected_revision=self.expected_revision,
            settings=ModelSettings(
                endpoint=None if endpoint is None else self._address(endpoint),
                policy=self._policy(),
                monthly_microusd=_micro(self.budgets.monthly_usd),
                simulation_microusd=_micro(self.budgets.simulation_usd),
                scoring_microusd=_micro(self.budgets.scoring_usd),
                max_in_flight=self.max_in_flight,
            ),
            keeps_key=self.api_key is UNSET,
            keeps_headers=endpoint is not None and endpoint.headers is UNSET,
        )

    def _address(self, endpoint: EndpointWrite) -> Endpoint:
        headers = {} if endpoint.headers is UNSET else endpoint.headers
        key = self.api_key if isinstance(self.api_key, str) else ""
        # A line end at their end fits the patterns, and would break every request.
        return Endpoint(
            base_url=endpoint.base_url.strip().rstrip("/"),
            key=Secret(key.strip()),
            api_version=endpoint.api_version.strip(),
            headers={name.strip(): Secret(value.strip()) for name, value in headers.items()},
        )

    def _policy(self) -> ModelPolicy:
        models = {task: getattr(self.models, task.value) for task in Task}
        return ModelPolicy(
            models={task: model for task, model in models.items() if model is not None},
            default_model=self.default_model,
            disabled=tuple(sorted(self.disabled)),
            temperature=self.temperature,
            language=self.language,
            max_hostility=self.max_hostility,
            is_redacted=self.is_redacted,
            judging=self.judging,
            samples=self.samples,
            prices={model: price.price() for model, price in self.prices.items()},
        )


class EndpointView(msgspec.Struct, frozen=True, kw_only=True):
    """Your endpoint, without its secrets."""

    base_url: str
    api_version: str
    header_names: list[str]
    """Of the extra headers; what they say is never shown."""
    api_key_is_set: bool


class ModelsView(msgspec.Struct, frozen=True, kw_only=True):
    """Models by task; null: `default_model`."""

    wording: str | None
    appraisal: str | None
    judging: str | None
    authoring: str | None


class PriceView(msgspec.Struct, frozen=True, kw_only=True):
    """What you pay for a model: US dollars per million tokens."""

    input: str
    output: str
    cached: str | None


class BudgetsView(msgspec.Struct, frozen=True, kw_only=True):
    """The most that may be spent, in US dollars; null: no bound of yours."""

    monthly_usd: str | None
    simulation_usd: str | None
    scoring_usd: str | None


class LlmSettingsView(msgspec.Struct, frozen=True, kw_only=True):
    """What is set about your language model."""

    revision: int
    """0: nothing is set, these are the defaults."""
    source: Literal["own", "installation", "none"]
    """Whose endpoint is called; `none`: the embedded engines do everything."""
    endpoint: EndpointView | None
    """Null: none of your own."""
    models: ModelsView
    default_model: str | None
    disabled: tuple[Task, ...]
    temperature: float | None
    language: str
    max_hostility: int
    is_redacted: bool
    judging: Judging
    samples: int
    prices: dict[str, PriceView]
    budgets: BudgetsView
    max_in_flight: int
    updated_at: datetime | None

    @classmethod
    def of(cls, stored: StoredSettings, *, has_installation: bool) -> "LlmSettingsView":
        """Return the public form, without secrets."""
        settings, policy = stored.settings, stored.settings.policy
        endpoint = settings.endpoint
        return cls(
            revision=stored.revision,
            source="own" if endpoint else "installation" if has_installation else "none",
            endpoint=None if endpoint is None else _endpoint_view(endpoint),
            models=ModelsView(**{task.value: policy.models.get(task) for task in Task}),
            default_model=policy.default_model,
            disabled=policy.disabled,
            temperature=policy.temperature,
            language=policy.language,
            max_hostility=policy.max_hostility,
            is_redacted=policy.is_redacted,
            judging=policy.judging,
            samples=policy.samples,
            prices={model: _price_view(price) for model, price in policy.prices.items()},
            budgets=BudgetsView(
                monthly_usd=_shown(settings.monthly_microusd),
                simulation_usd=_shown(settings.simulation_microusd),
                scoring_usd=_shown(settings.scoring_microusd),
            ),
            max_in_flight=settings.max_in_flight,
            updated_at=None if stored.updated_at is None else utc(stored.updated_at),
        )


class LlmSettingsDeleted(msgspec.Struct, frozen=True, kw_only=True):
    """That nothing is set any more."""

    deleted: bool = True


def _endpoint_view(endpoint: Endpoint) -> EndpointView:
    return EndpointView(
        base_url=endpoint.base_url,
        api_version=endpoint.api_version,
        header_names=sorted(endpoint.headers),
        api_key_is_set=bool(endpoint.key.reveal),
    )


def _price_view(price: OwnPrice) -> PriceView:
    return PriceView(
        input=f"{price.input:f}",
        output=f"{price.output:f}",
        cached=None if price.cached is None else f"{price.cached:f}",
    )


def _micro(amount: str | None) -> int | None:
    return None if amount is None else microusd(amount)


def _shown(amount: int | None) -> str | None:
    return None if amount is None else dollars(amount)
