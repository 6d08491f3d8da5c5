"""From conversations and what is known of calls to a range of calls, tokens, dollars and seconds.

Pure. The range is that of single conversations, added up: a batch of many stays well inside.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from shared.contracts.llm import Judging, ModelPolicy, Task, Usage, WhyEmbedded
from shared.llm.records import TenantModel

ENOUGH: Final = 20
"""Conversations from which the tenant's own measurements count instead of the defaults."""

CHARACTERS_PER_TOKEN: Final = 4
"""Of ordinary text."""


class Spread(msgspec.Struct, frozen=True):
    """A quantity that is not known yet."""

    low: float
    likely: float
    most: float

    def times(self, factor: float) -> "Spread":
        """Return the spread of so many."""
        return Spread(self.low * factor, self.likely * factor, self.most * factor)


class Habit(msgspec.Struct, frozen=True, kw_only=True):
    """What calls of a task are like."""

    calls: Spread
    """For one conversation."""
    input_tokens: float
    output_tokens: float
    latency_ms: float
    is_measured: bool = False


DEFAULTS: Final[Mapping[Task, Habit]] = {
    Task.WORDING: Habit(
        calls=Spread(4, 9, 20), input_tokens=1400, output_tokens=50, latency_ms=1500
    ),
    Task.APPRAISAL: Habit(
        calls=Spread(4, 9, 20), input_tokens=700, output_tokens=120, latency_ms=1500
    ),
    Task.JUDGING: Habit(
        calls=Spread(2, 4, 6), input_tokens=1800, output_tokens=700, latency_ms=6000
    ),
}
"""Per conversation of eight turns each; before there is anything to measure."""

CASCADE: Final = Spread(0, 1.5, 4)
"""Calls of the judge for one conversation where it is asked only about what is unsure."""


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done with a model."""

    conversations: int
    plays: bool
    """A customer speaks; else the conversations are there already."""
    scores: bool
    foreign: int = 0
    """Of the conversations: not in English, and so rendered first."""
    characters: int | None = None
    """Of all conversations that are there; None: they are not."""


class TaskEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """The part of one task."""

    task: Task
    model: str
    is_priced: bool
    is_measured: bool
    calls: Spread
    input_tokens: Spread
    output_tokens: Spread
    microusd: Spread
    busy_s: Spread
    """Seconds of all its calls, one after the other."""


def estimate_tasks(
    work: Work, tenant: TenantModel, measured: Mapping[Task, Habit], now: datetime
) -> list[TaskEstimate]:
    """Return what each task will take; tasks without a model take nothing."""
    found = []
    for task, conversations in _tasks(work, tenant.policy):
        model = tenant.policy.model_for(task, tenant.fallback_model)
        if model is None or not conversations:
            continue
        habit = _habit(task, work, tenant.policy, measured)
        found.append(_priced(task, model, habit, conversations, tenant, now))
    return found


def why_none(work: Work, tenant: TenantModel) -> WhyEmbedded:
    """Return why no task asks a model: the tenant turned them off, or there is none for them."""
    wanted = {task for task, _ in _tasks(work, tenant.policy)}
    is_off = bool(wanted) and wanted <= set(tenant.policy.disabled)
    return WhyEmbedded.DISABLED if is_off else WhyEmbedded.NO_MODEL


def seconds(parts: Sequence[TaskEstimate], conversations: int, at_once: int) -> Spread:
    """Return how long it will take with so many conversations at once."""
    lanes = max(1, min(at_once, conversations))
    busy = [part.busy_s for part in parts]
    return Spread(
        *(sum(getattr(each, name) for each in busy) / lanes for name in ("low", "likely", "most"))
    )


def _tasks(work: Work, policy: ModelPolicy) -> list[tuple[Task, int]]:
    found = []
    if work.plays:
        found.append((Task.WORDING, work.conversations))
    if work.foreign:
        found.append((Task.APPRAISAL, work.foreign))
    if work.scores and policy.judging is not Judging.EMBEDDED:
        found.append((Task.JUDGING, work.conversations))
    return found


def _habit(task: Task, work: Work, policy: ModelPolicy, measured: Mapping[Task, Habit]) -> Habit:
    habit = measured.get(task)
    if habit is None:
        habit = DEFAULTS[task]
        if task is Task.JUDGING:
            calls = CASCADE if policy.judging is Judging.CASCADE else habit.calls
            habit = msgspec.structs.replace(habit, calls=calls.times(policy.samples))
    if work.characters is not None:
        # How long these are is known, so what was measured on others says less.
        spoken = work.characters / max(1, work.conversations) / CHARACTERS_PER_TOKEN
        base = DEFAULTS[task].input_tokens
        habit = msgspec.structs.replace(habit, input_tokens=base + spoken)
    return habit


def _priced(
    task: Task, model: str, habit: Habit, conversations: int, tenant: TenantModel, now: datetime
) -> TaskEstimate:
    price = tenant.prices.price(model, tenant.endpoint.host, now)
    calls = habit.calls.times(conversations)
    # A thousand calls at once: rounding up each one would make cheap ones dear.
    usage = Usage(
        input_tokens=round(habit.input_tokens * 1000),
        output_tokens=round(habit.output_tokens * 1000),
    )
    return TaskEstimate(
        task=task,
        model=model,
        is_priced=price.is_known,
        is_measured=habit.is_measured,
        calls=calls,
        input_tokens=calls.times(habit.input_tokens),
        output_tokens=calls.times(habit.output_tokens),
        microusd=calls.times(price.cost_microusd(usage) / 1000),
        busy_s=calls.times(habit.latency_ms / 1000),
    )
