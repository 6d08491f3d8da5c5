"""Leaves an endpoint alone that fails again and again; one breaker per process and credential."""

from collections import deque
from collections.abc import Callable
from typing import Final, Literal

import msgspec

from shared.contracts.llm import WhyEmbedded
from shared.llm.failures import ENDPOINTS, REST_MOST_S
from shared.telemetry import catalog

FAILURES_IN_A_ROW: Final = 5
WINDOW: Final = 20
"""Last calls that are looked at together."""
WINDOW_S: Final = 30.0
"""Seconds; older calls say nothing about now."""
FIRST_REST_S: Final = 5.0
JITTER: Final = 0.2
"""Largest share by which a rest is longer: processes shall not come back all at once."""


State = Literal["closed", "open", "half_open"]


class Ticket(msgspec.Struct, frozen=True):
    """Permission for one call; must be given back with `Breaker.leave`."""

    era: int
    is_probe: bool


class Breaker:
    """Closed: calls pass. Open: none does until a rest is over. Half open: one does, as a probe."""

    def __init__(self, now: Callable[[], float], random: Callable[[], float]) -> None:
        """Start closed.

        Args:
            now: monotonic seconds.
            random: numbers in [0, 1).
        """
        self._now = now
        self._random = random
        self._recent: deque[tuple[float, bool]] = deque(maxlen=WINDOW)
        self._in_a_row = 0
        self._rests_until: float | None = None
        self._rests = 0
        self._is_probing = False
        self._era = 0

    @property
    def is_open(self) -> bool:
        """Whether the next call would be refused."""
        if self._rests_until is None:
            return False
        return self._now() < self._rests_until or self._is_probing

    @property
    def state(self) -> State:
        """What it does with the next call; half open: one is tried, or would be."""
        if self._rests_until is None:
            return "closed"
        return "open" if self._now() < self._rests_until else "half_open"

    def enter(self) -> Ticket | None:
        """Return permission for one call, or None."""
        if self._rests_until is None:
            return Ticket(self._era, is_probe=False)
        if self.is_open:
            return None
        self._is_probing = True
        return Ticket(self._era, is_probe=True)

    def leave(
        self,
        ticket: Ticket,
        failure: WhyEmbedded | None,
        *,
        rest_s: float | None = None,
        is_over: bool = True,
    ) -> None:
        """Say how the call ended.

        Args:
            ticket: from `enter`.
            failure: None for an answer; a failure that is not the endpoint's counts as one.
            rest_s: seconds the endpoint asked to be left alone.
            is_over: False: the call was never made, or given up by whoever asked; it says nothing.
        """
        if ticket.is_probe and ticket.era == self._era:
            self._is_probing = False
        if not is_over or ticket.era != self._era:  # a call from before the rest is no news
            return
        if failure not in ENDPOINTS:
            self._succeed(ticket)
            return
        self._recent.append((self._now(), False))
        self._in_a_row += 1
        if rest_s is not None or ticket.is_probe or self._is_too_bad():
            self._open(rest_s)

    def _succeed(self, ticket: Ticket) -> None:
        if ticket.is_probe:
            self._recent.clear()
            self._rests, self._rests_until = 0, None
            self._era += 1
        self._recent.append((self._now(), True))
        self._in_a_row = 0

    def _is_too_bad(self) -> bool:
        if self._in_a_row >= FAILURES_IN_A_ROW:
            return True
        since = self._now() - WINDOW_S
        recent = [is_good for at, is_good in self._recent if at >= since]
        return len(recent) == WINDOW and recent.count(False) * 2 >= WINDOW

    def _open(self, rest_s: float | None) -> None:
        catalog.LLM_BREAKER_OPENED.add()
        own = min(FIRST_REST_S * 2**self._rests, REST_MOST_S)
        rest = min((rest_s or own) * (1 + JITTER * self._random()), REST_MOST_S)
        self._rests_until = self._now() + rest
        self._rests = min(self._rests + 1, 10)
        self._is_probing = False
        self._in_a_row = 0
        self._era += 1
