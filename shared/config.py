"""Settings from the environment, read once in a process's `main` and passed down."""

from collections.abc import Mapping
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
from typing_extensions import override

PREFIX = "RAPPORT_"
"""Every variable starts with it; the rest is the field's name in upper case."""


class ConfigError(Exception):
    """A variable is missing or cannot be read; the message names it."""


class Secret(msgspec.Struct, frozen=True):
    """A value that never prints."""

    reveal: str

    @override
    def __repr__(self) -> str:
        return "Secret(***)"

    @override
    def __str__(self) -> str:
        return repr(self)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting of every process; the descriptions are what `rapport config` prints."""

    database_url: Annotated[
        Secret,
        msgspec.Meta(
            description="PostgreSQL >= 18; its login is a member of rapport_app and rapport_system"
        ),
    ]
    nats_url: Annotated[
        Secret,
        msgspec.Meta(description="NATS with JetStream, this service's user and password in it"),
    ]
    temporal_address: Annotated[
        str, msgspec.Meta(description="Temporal frontend, host:port (orchestrator only)")
    ] = "127.0.0.1:7233"
    temporal_namespace: Annotated[str, msgspec.Meta(description="Temporal namespace")] = "default"
    master_key: Annotated[
        Secret,
        msgspec.Meta(
            description="base64 of 32 random bytes; wraps tenants' keys; without it no text opens"
        ),
    ]
    master_key_previous: Annotated[
        Secret,
        msgspec.Meta(
            description="the master key before it, while `rapport keys rotate-master` is not done"
        ),
    ] = Secret("")
    api_host: Annotated[str, msgspec.Meta(description="address the API listens on")] = "127.0.0.1"
    api_port: Annotated[
        int,
        msgspec.Meta(ge=0, le=65535, description="port the API listens on; 0 picks a free one"),
    ] = 8080
    health_host: Annotated[
        str, msgspec.Meta(description="address where each process serves its health and metrics")
    ] = "127.0.0.1"
    health_port: Annotated[
        int,
        msgspec.Meta(ge=0, le=65535, description="port of a process's health and metrics; 0: none"),
    ] = 0
    schema_wait_s: Annotated[
        float,
        msgspec.Meta(
            ge=0,
            le=3600,
            description="seconds a starting process waits for migrations that it needs",
        ),
    ] = 60.0
    drain_s: Annotated[
        float,
        msgspec.Meta(
            ge=0,
            le=60,
            description="seconds a stopping API still takes requests after it said that it is not"
            " ready, until load balancers have noticed",
        ),
    ] = 3.0
    trusted_proxies: Annotated[
        str,
        msgspec.Meta(
            description="networks of proxies before the API, comma-separated: only what they say in"
            " X-Forwarded-For counts where a key is good from some addresses only"
        ),
    ] = ""
    database_pool: Annotated[
        int, msgspec.Meta(ge=1, le=1000, description="connections per process and role")
    ] = 10
    turn_wait_s: Annotated[
        float,
        msgspec.Meta(
            ge=0,
            le=600,
            description="seconds a turn request waits for the reply before it answers 202",
        ),
    ] = 20.0
    stream_heartbeat_s: Annotated[
        float,
        msgspec.Meta(
            gt=0,
            le=15,
            description="seconds of silence on a stream until a comment shows that it lives",
        ),
    ] = 10.0
    worker_slots: Annotated[
        int, msgspec.Meta(ge=1, description="jobs one worker process runs at once")
    ] = 600
    wording_delay_ms: Annotated[
        int,
        msgspec.Meta(
            ge=0, description="milliseconds added to each worded line, to stand in for a model"
        ),
    ] = 0
    tenant_backlog: Annotated[
        int,
        msgspec.Meta(
            ge=1, description="waiting jobs per tenant and kind, where its plan says nothing"
        ),
    ] = 5000
    job_first_retry_s: Annotated[
        float,
        msgspec.Meta(gt=0, le=600, description="seconds until an untaken job is published again"),
    ] = 3.0
    job_lease_s: Annotated[
        float,
        msgspec.Meta(
            gt=0,
            le=600,
            description="seconds a worker owns a job unless it renews; a crash costs as much",
        ),
    ] = 8.0
    simulation_check_s: Annotated[
        float,
        msgspec.Meta(
            gt=0,
            le=86400,
            description="longest seconds between two looks of SimulationWorkflow at its row",
        ),
    ] = 1800.0
    webhook_allow_private: Annotated[
        bool,
        msgspec.Meta(
            description="development only: webhooks may go to this machine and to private"
            " networks, and without TLS"
        ),
    ] = False
    webhook_proxy: Annotated[
        Secret,
        msgspec.Meta(description="URL of an egress proxy for webhooks; it then checks addresses"),
    ] = Secret("")
    identity_allow_private: Annotated[
        bool,
        msgspec.Meta(
            description="development only: identity providers may be on this machine and in private"
            " networks, and without TLS"
        ),
    ] = False
    webhook_timeout_s: Annotated[
        float,
        msgspec.Meta(gt=0, le=60, description="seconds a receiver has to answer a webhook"),
    ] = 15.0
    webhook_slots: Annotated[
        int, msgspec.Meta(ge=4, le=2000, description="webhooks one process sends at once")
    ] = 256
    webhook_retry_scale: Annotated[
        float,
        msgspec.Meta(
            gt=0,
            le=1,
            description="development only: factor on the waits between two tries of a webhook",
        ),
    ] = 1.0
    xapi_base_iri: Annotated[
        str,
        msgspec.Meta(
            pattern="^https?://[^ ]+[^ /]$",
            description="begins the IRIs in xAPI statements; never change it once they were sent",
        ),
    ] = "https://rapport.example/xapi"
    llm_base_url: Annotated[
        str,
        msgspec.Meta(
            description="base URL of an OpenAI-compatible endpoint, for tenants without their own;"
            " empty: none, the embedded engines do everything"
        ),
    ] = ""
    llm_api_key: Annotated[
        Secret, msgspec.Meta(description="key of that endpoint; local servers often need none")
    ] = Secret("")
    llm_model: Annotated[
        str, msgspec.Meta(description="model (Azure: deployment) where a tenant names none")
    ] = ""
    llm_api_version: Annotated[
        str, msgspec.Meta(description="Azure OpenAI only: version of its dated API")
    ] = ""
    llm_headers: Annotated[
        Secret, msgspec.Meta(description="extra headers of that endpoint, a JSON object of texts")
    ] = Secret("")
    llm_timeout_s: Annotated[
        float,
        msgspec.Meta(gt=0, le=300, description="seconds one answer of a model may take in all"),
    ] = 20.0
    llm_allow_private: Annotated[
        bool,
        msgspec.Meta(
            description="development only: tenants' endpoints may be on this machine and in private"
            " networks, and without TLS"
        ),
    ] = False
    llm_prices: Annotated[
        str, msgspec.Meta(description="path of a price table of your own, before the built-in one")
    ] = ""
    llm_monthly_budget_usd: Annotated[
        float,
        msgspec.Meta(
            ge=0,
            le=1_000_000,
            description="US dollars per month that one tenant may spend at the installation's"
            " endpoint",
        ),
    ] = 50.0
    requests_per_minute: Annotated[
        int,
        msgspec.Meta(
            ge=1,
            le=10_000_000,
            description="requests of one tenant per minute over all processes, where its plan says"
            " nothing",
        ),
    ] = 6000
    metrics: Annotated[
        bool, msgspec.Meta(description="count for Prometheus; shown at /metrics of the health port")
    ] = True
    otlp_endpoint: Annotated[
        str,
        msgspec.Meta(
            description="base URL of an OpenTelemetry collector (OTLP over HTTP) that takes traces;"
            " empty: none are made"
        ),
    ] = ""
    otlp_headers: Annotated[
        Secret, msgspec.Meta(description="headers the collector wants, a JSON object of texts")
    ] = Secret("")
    trace_sample: Annotated[
        float,
        msgspec.Meta(ge=0, le=1, description="share of traces that are recorded, where any are"),
    ] = 0.05
    failpoints: Annotated[
        str,
        msgspec.Meta(description="tests only: where a process kills itself; see shared/failpoints"),
    ] = ""
    log_level: Annotated[
        str,
        msgspec.Meta(
            pattern="^(debug|info|warning|error)$", description="debug, info, warning or error"
        ),
    ] = "info"


class SettingRow(msgspec.Struct, frozen=True):
    """One line of `rapport config`."""

    variable: str
    meaning: str
    default: str


def describe() -> tuple[SettingRow, ...]:
    """Return every variable with its meaning (units included) and default."""
    hints = get_type_hints(Settings, include_extras=True)
    rows = []
    for field in msgspec.structs.fields(Settings):
        meta = get_args(hints[field.name])[1]
        default = "(required)" if field.default is msgspec.NODEFAULT else str(field.default)
        if field.default == Secret(""):
            default = "(none)"
        rows.append(SettingRow(PREFIX + field.name.upper(), meta.description or "", default))
    return tuple(rows)


def load(environment: Mapping[str, str]) -> Settings:
    """Read the settings of this process.

    Raises:
        ConfigError: a required variable is absent, or a value does not fit; all are named.
    """
    hints = get_type_hints(Settings, include_extras=True)
    values: dict[str, Any] = {}
    problems: list[str] = []
    for field in msgspec.structs.fields(Settings):
        variable = PREFIX + field.name.upper()
        text = environment.get(variable, "")
        if not text:
            if field.default is msgspec.NODEFAULT:
                problems.append(f"{variable} is not set")
            continue
        try:
            values[field.name] = _parse(text, hints[field.name])
        except (ValueError, msgspec.ValidationError):
            problems.append(f"{variable} is not a valid value")
    if problems:
        raise ConfigError("; ".join(problems))
    return Settings(**values)


def _parse(text: str, hint: Any) -> Any:
    kind = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    if kind is Secret:
        return Secret(text)
    if kind is bool:  # bool("false") is True
        return msgspec.convert(text.lower(), bool, strict=False)
    return msgspec.convert(kind(text), hint)
