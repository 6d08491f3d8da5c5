"""Who may say and hear what on NATS: one user per service, an allow list each, no more [R-C6].

Subjects: `jobs.<kind>.<tenant>` (work-queue streams), `wake.<kind>.<tenant>` and `wake.events`,
`live.<tenant>.<simulation>`, `evt.<tenant>.<resource>.<type>` (stream EVENTS), `report.>`
and `judge.>` (requests).
"""

from typing import Final

import msgspec

TURN: Final = "WORK_TURN"
"""Stream of `jobs.turn.*`."""
SCORE: Final = "WORK_SCORE"
"""Stream of `jobs.score.*`."""
BATCH: Final = "WORK_BATCH"
"""Stream of `jobs.batch.*`."""
FLOW: Final = "WORK_FLOW"
"""Stream of `jobs.flow.*`: results on their way back to workflows."""
EVENTS: Final = "EVENTS"
"""Stream of `evt.>`."""
STREAMS: Final = (TURN, SCORE, BATCH, FLOW, EVENTS)
"""Every stream there is."""


class NatsUser(msgspec.Struct, frozen=True, kw_only=True):
    """What one user may do; it always may receive in its own inbox."""

    name: str
    publishes: tuple[str, ...] = ()
    """Subjects it may publish to or send requests to."""
    subscribes: tuple[str, ...] = ()
    """Subjects it may listen to."""
    consumes: tuple[str, ...] = ()
    """Streams it reads with consumers of its own, and acknowledges."""
    ensures: tuple[str, ...] = ()
    """Further streams it may look at and re-create when they are missing."""
    answers: bool = False
    """Whether it may reply into the inbox of whoever asked."""
    is_admin: bool = False
    """Whether everything is allowed: provisioning and tools."""

    @property
    def inbox(self) -> str:
        """The `inbox_prefix` that its client must be given."""
        return f"_INBOX_{self.name}"


USERS: Final[tuple[NatsUser, ...]] = (
    NatsUser(
        name="api",
        publishes=(
            "jobs.turn.*", "jobs.score.*", "jobs.batch.*", "jobs.flow.*", "wake.>", "report.>",
            "judge.>",
        ),
        subscribes=("live.>",),
        ensures=(TURN, SCORE, BATCH, FLOW),
    ),
    NatsUser(
        name="orchestrator",
        publishes=("jobs.>", "evt.>", "wake.>", "report.weekly"),
        subscribes=("wake.>",),
        consumes=(FLOW,),
        ensures=(TURN, SCORE, BATCH, EVENTS),
    ),
    NatsUser(
        name="sim_worker",
        publishes=("live.>", "jobs.flow.*", "wake.>"),
        subscribes=("wake.turn.*", "wake.batch.*"),
        consumes=(TURN, BATCH),
        ensures=(FLOW,),
    ),
    NatsUser(
        name="scoring_worker",
        publishes=("live.>", "jobs.flow.*", "wake.>"),
        subscribes=("wake.score.*", "judge.>"),
        consumes=(SCORE,),
        ensures=(FLOW,),
        answers=True,
    ),
    NatsUser(
        name="reporting",
        subscribes=("evt.>", "wake.events", "report.>", "$SRV.>"),
        consumes=(EVENTS,),
        answers=True,
    ),
    NatsUser(name="admin", is_admin=True),
)  # fmt: skip
"""Every user of the embedded NATS."""

USER_NAMES: Final = tuple(user.name for user in USERS)
"""Names, in the order above."""


def publish_subjects(user: NatsUser) -> list[str]:
    """Return every subject the user may publish to, JetStream's API included."""
    if user.is_admin:
        return [">"]
    subjects = [*user.publishes]
    if user.consumes or user.ensures:
        subjects += ["$JS.API.INFO", "$JS.API.STREAM.NAMES"]
    for stream in (*user.consumes, *user.ensures):
        subjects += [f"$JS.API.STREAM.INFO.{stream}", f"$JS.API.STREAM.CREATE.{stream}"]
    for stream in user.consumes:
        subjects += [
            f"$JS.API.CONSUMER.*.{stream}",
            f"$JS.API.CONSUMER.*.{stream}.>",
            f"$JS.API.CONSUMER.DURABLE.CREATE.{stream}.*",
            f"$JS.API.CONSUMER.MSG.NEXT.{stream}.*",
            f"$JS.ACK.{stream}.>",
            f"$JS.FC.{stream}.>",
        ]
    return subjects


def subscribe_subjects(user: NatsUser) -> list[str]:
    """Return every subject the user may subscribe to, its own inbox included."""
    return [">"] if user.is_admin else [*user.subscribes, f"{user.inbox}.>"]


def permissions(user: NatsUser) -> dict[str, object]:
    """Return the user's `permissions` block of the server's configuration."""
    allowed: dict[str, object] = {
        "publish": {"allow": publish_subjects(user)},
        "subscribe": {"allow": subscribe_subjects(user)},
    }
    if user.answers:
        allowed["allow_responses"] = {"max": 1, "expires": "1m"}
    return allowed
