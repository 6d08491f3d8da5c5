"""What a model made of the customer is counted: who worded, and what the checks found."""

from types import SimpleNamespace
from typing import Any

import pytest

from services.sim_worker.reply import _worded
from services.sim_worker.wording import Worded
from shared.contracts.llm import WhyEmbedded, WordingNote
from shared.telemetry import metrics

DRIFTED = WordingNote(
    engine="mixed", why=WhyEmbedded.FAILED_CHECKS, drift=("repeated_line", "too_long")
)


async def _said(note: WordingNote) -> None:
    async def word(*_: Any) -> Worded:
        return Worded(text="Well.", note=note)

    context: Any = SimpleNamespace(wording=SimpleNamespace(word=word))
    request: Any = SimpleNamespace(seq=2)
    place: Any = SimpleNamespace(asker=None)
    assert (await _worded(context, request, place, None)).note == note


@pytest.fixture
def shown() -> Any:
    metrics.begin(with_process=False)
    yield lambda: set(metrics.exposition().decode().splitlines())
    metrics.end()


async def test_a_drift_is_counted_by_code_and_the_reply_by_engine(shown: Any) -> None:
    await _said(DRIFTED)
    await _said(WordingNote(engine="model"))
    assert {
        'llm_replies_total{engine="mixed"} 1.0',
        'llm_replies_total{engine="model"} 1.0',
        'llm_drift_total{code="repeated_line"} 1.0',
        'llm_drift_total{code="too_long"} 1.0',
    } <= shown()


async def test_where_no_model_was_wanted_nothing_is_counted(shown: Any) -> None:
    await _said(WordingNote(engine="embedded", why=WhyEmbedded.NO_MODEL))
    assert not any(line.startswith("llm_replies") for line in shown())
