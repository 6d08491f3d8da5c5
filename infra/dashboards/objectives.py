"""What we promise, and which share of requests or work breaks it."""

from typing import Final

import msgspec


class Objective(msgspec.Struct, frozen=True, kw_only=True):
    """One promise: at least `good` of everything, over 30 days."""

    name: str
    key: str
    words: str
    page: str
    good: float
    """Share, 0..1."""
    bad: str
    """PromQL of the rate of what broke it, with `WINDOW` for the window."""
    total: str
    """Likewise, of everything."""

    def bad_share(self, window: str) -> str:
        """Return the bad share over a window; nothing where nothing happened."""
        bad, total = self.bad.replace("WINDOW", window), self.total.replace("WINDOW", window)
        return f"({bad}) / ({total} > 0)"


OBJECTIVES: Final = (
    Objective(
        name="Api",
        key="api",
        words="The API answers with errors",
        page="api-errors",
        good=0.999,
        bad='sum(rate(http_server_request_duration_seconds_count{status_class="5xx"}[WINDOW]))'
        " or vector(0)",
        total="sum(rate(http_server_request_duration_seconds_count[WINDOW]))",
    ),
    Objective(
        name="Accepting",
        key="accepting",
        words="Work is accepted later than 150 milliseconds after it came",
        page="accepting-late",
        good=0.99,
        bad="sum(rate(http_accept_seconds_count[WINDOW]))"
        ' - sum(rate(http_accept_seconds_bucket{le="0.15"}[WINDOW]))',
        total="sum(rate(http_accept_seconds_count[WINDOW]))",
    ),
    Objective(
        name="Scoring",
        key="scoring",
        words="Conversations are not scored",
        page="scoring-fails",
        good=0.999,
        bad='sum(rate(work_seconds_count{kind="scoring",outcome="failed"}[WINDOW])) or vector(0)',
        total='sum(rate(work_seconds_count{kind="scoring"}[WINDOW]))',
    ),
    Objective(
        name="Webhooks",
        key="webhooks",
        words="Webhooks leave later than five seconds after their event",
        page="webhooks-late",
        good=0.99,
        bad="sum(rate(webhook_first_attempt_delay_seconds_count[WINDOW]))"
        ' - sum(rate(webhook_first_attempt_delay_seconds_bucket{le="5.0"}[WINDOW]))',
        total="sum(rate(webhook_first_attempt_delay_seconds_count[WINDOW]))",
    ),
)


def recorded_name(one: Objective, window: str) -> str:
    """Return the name under which the bad share of a window is recorded."""
    return f"slo:{one.key}_bad:ratio_rate{window}"


def burning(one: Objective, factor: float, long: str, short: str) -> str:
    """Return when a promise is being broken `factor` times too fast, and still is."""
    bound = f"{factor:g} * {1 - one.good:.4g}"
    return f"{recorded_name(one, long)} > {bound} and {recorded_name(one, short)} > {bound}"
