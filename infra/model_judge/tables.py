"""The tables of `docs/model-judge.md`."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from statistics import fmean
from typing import Final

from infra.model_judge.asked import Cost, Share, cost_of, hearings, share_of
from shared.library.markdown import table
from shared.llm.prices import load_prices

SIZES: Final = (1, 4, 8, 12, 20, 40)
"""Indicators per call that are compared."""

LEARNERS: Final = ("skilled", "average", "unskilled", "policy-robot", "rude", "parrot")

MODELS: Final = ("gpt-4.1-mini", "gpt-4.1")
"""Whose listed prices the costs are in."""

WHEN: Final = datetime(2026, 11, 22, tzinfo=UTC)
"""Of those prices."""

_MICRO: Final = 1_000_000


def sizes() -> str:
    """Return what a judgment takes by the number of indicators per call."""
    heard = [each for learner in LEARNERS[:3] for each in hearings(learner, every=4)]
    head = ["Indicators per call", "Calls", "Tokens in", "Tokens out", "Longest answer", *MODELS]
    rows = []
    for size in SIZES:
        found = [cost_of(each, size) for each in heard]
        rows.append(
            [
                str(size),
                f"{fmean(each.calls for each in found):.1f}",
                f"{fmean(each.usage.input_tokens for each in found):,.0f}",
                f"{fmean(each.usage.output_tokens for each in found):,.0f}",
                str(max(each.longest for each in found)),
                *(f"$ {_dollars(found, model):.4f}" for model in MODELS),
            ]
        )
    return table([*head, "Lost with one call"], [[*row, _lost(row[1])] for row in rows])


def _dollars(found: list[Cost], model: str) -> float:
    price = load_prices("").price(model, "api.example.com", WHEN)
    return fmean(price.cost_microusd(each.usage) for each in found) / _MICRO


def _lost(calls: str) -> str:
    return f"{100 / float(calls):.0f} %"


def shares() -> str:
    """Return what a cascade asks of each kind of learner."""
    head = [
        "Learner",
        "Indicators",
        "Asked in a cascade",
        "Share",
        "Calls",
        "Calls if all are asked",
    ]
    rows = []
    for learner in LEARNERS:
        found = [share_of(each) for each in hearings(learner)]
        judged = [each for each in found if each.indicators]
        rows.append([f"`{learner}`", *_share_cells(judged)])
    return table(head, rows)


def _share_cells(found: list[Share]) -> list[str]:
    asked, every = (
        fmean(each.asked for each in found),
        fmean(each.indicators for each in found),
    )
    return [
        f"{every:.1f}",
        f"{asked:.1f}",
        f"{100 * asked / every:.0f} %",
        f"{fmean(each.calls for each in found):.1f}",
        f"{fmean(each.calls_for_all for each in found):.1f}",
    ]


TABLES: Final[Mapping[str, Callable[[], str]]] = {"sizes": sizes, "shares": shares}
"""By the name between whose marks they stand."""
