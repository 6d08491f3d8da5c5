"""NATS subjects, streams and consumers: built and parsed here only.

`jobs.<kind>.<tenant>` in one WorkQueue stream per kind; `wake.<kind>.<tenant>` and `wake.events`
on core NATS; `live.<tenant>.<simulation>` on core NATS; `evt.<tenant>.<resource>.<type>` in the
stream `EVENTS`; questions on `report.*` and `judge.*`. A tenant token is the base32 body of its
id, so no dot, star or arrow can come in.
"""

from uuid import UUID

from shared.contracts.jobs import JobKind
from shared.ids import decode, encode

EVENTS_STREAM = "EVENTS"
EVENTS_SUBJECTS = "evt.>"
WAKE_EVENTS = "wake.events"
"""Core subject: an event was committed somewhere; the relay looks."""

REPORT = "report"
"""Request/reply: questions to reporting are asked on `report.<name>` (`report_subject`)."""

JUDGE_DRY_RUN = "judge.dry_run"
"""Request/reply: `DryRunQuery` in, `DryRunReply` out; nothing is stored."""


def job_stream(kind: JobKind) -> str:
    """Return the stream of a lane."""
    return f"WORK_{kind.upper()}"


def job_subject(kind: JobKind, tenant_id: UUID) -> str:
    """Return where a tenant's jobs of a kind are published."""
    return f"jobs.{kind}.{encode(tenant_id)}"


def job_tenant(subject: str) -> UUID:
    """Return the tenant of a job or wake subject; raises `InvalidIdError`."""
    return decode(subject.rsplit(".", 1)[-1])


def job_consumer(kind: JobKind, tenant_id: UUID) -> str:
    """Return the durable consumer of a tenant in a lane."""
    return f"{kind}_{encode(tenant_id)}"


def wake_subject(kind: JobKind, tenant_id: UUID) -> str:
    """Return the core subject that tells workers to look at a tenant's queue."""
    return f"wake.{kind}.{encode(tenant_id)}"


def report_subject(name: str) -> str:
    """Return where a question to reporting is asked."""
    return f"{REPORT}.{name}"


def live_subject(tenant_id: UUID, simulation_id: UUID) -> str:
    """Return the core subject on which a simulation's progress is told."""
    return f"live.{encode(tenant_id)}.{encode(simulation_id)}"


def event_subject(tenant_id: UUID, event_type: str) -> str:
    """Return the subject of an event; `event_type` is `<resource>.<what>`."""
    return f"evt.{encode(tenant_id)}.{event_type}"
