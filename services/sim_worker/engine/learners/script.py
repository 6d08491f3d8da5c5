"""The lines of the skilled learner."""

import msgspec

from services.sim_worker.engine.learners.tables import read_lines
from shared.contracts.scenario import Role


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The lines; one bank per thing that the learner does."""

    open: dict[Role, tuple[str, ...]]
    open_verify: tuple[str, ...]
    open_ask: tuple[str, ...]
    verify: tuple[str, ...]
    disclose: tuple[str, ...]
    explain: tuple[str, ...]
    reflect: tuple[str, ...]
    warm: tuple[str, ...]
    glad: tuple[str, ...]
    heat: tuple[str, ...]
    fear: tuple[str, ...]
    doubt: tuple[str, ...]
    noted: tuple[str, ...]
    heard: tuple[str, ...]
    when: tuple[str, ...]
    who: tuple[str, ...]
    how: tuple[str, ...]
    why: tuple[str, ...]
    sure: tuple[str, ...]
    what: tuple[str, ...]
    twist: tuple[str, ...]
    silent: tuple[str, ...]
    insult: tuple[str, ...]
    supervisor: tuple[str, ...]
    leaving: tuple[str, ...]
    contradicted: tuple[str, ...]
    refused: tuple[str, ...]
    vouch: tuple[str, ...]
    stand_by: tuple[str, ...]
    missing: tuple[str, ...]
    bridge: tuple[str, ...]
    offer: tuple[str, ...]
    offer_other: tuple[str, ...]
    offer_again: tuple[str, ...]
    settled: tuple[str, ...]
    check: tuple[str, ...]
    recap: tuple[str, ...]
    close: tuple[str, ...]
    questions: dict[str, tuple[str, str]]
    probe: tuple[str, ...]
    order: dict[str, tuple[str, ...]]


SCRIPT = msgspec.convert(read_lines("skilled.yaml"), Script)
"""Everything that the skilled learner may say."""
