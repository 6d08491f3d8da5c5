"""Spans: how a trace goes on, and what never leaves. [R-D1]."""

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from shared.contracts.jobs import SimulationEnded, decode_payload, encode_payload
from shared.telemetry import names, trace
from shared.telemetry.otlp import OtelTracer, context_of, discreet, makers_of
from tests.support.spans import Recorded

STRANGER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


Ended = Callable[[], dict[str, ReadableSpan]]


@pytest.fixture
def sample() -> float:
    return 1.0


@pytest.fixture
def ended(sample: float) -> Iterator[Ended]:
    """Return what gives the spans that ended, by name."""
    exporter = Recorded()
    makers = makers_of("test", exporter)
    uninstall = trace.install(OtelTracer(makers, sample))

    def look() -> dict[str, ReadableSpan]:
        makers.leading.force_flush()
        return {span.name: span for span in exporter.spans}

    yield look
    uninstall()
    makers.leading.shutdown()


def test_a_trace_goes_on_by_its_traceparent(ended: Ended) -> None:
    with trace.span("asked", kind="server"):
        carried = trace.headers()
    assert trace.here() == ""
    with trace.span("worked", parent=trace.parent_of(carried)), trace.span("within"):
        pass
    spans = ended()
    asked, worked, within = (spans[name] for name in ("asked", "worked", "within"))
    assert worked.parent is not None
    assert within.parent is not None
    assert worked.parent.span_id == asked.context.span_id
    assert within.parent.span_id == worked.context.span_id
    assert {span.context.trace_id for span in spans.values()} == {asked.context.trace_id}


def test_a_stranger_s_trace_is_a_link_and_never_a_parent(ended: Ended) -> None:
    with trace.span("asked", kind="server", links=(STRANGER, "nonsense", "00-0-0-01")):
        pass
    span = ended()["asked"]
    assert span.parent is None
    assert [f"{link.context.span_id:016x}" for link in span.links] == ["b7ad6b7169203331"]


def test_a_failure_is_told_by_its_class_and_not_by_its_message(ended: Ended) -> None:
    with pytest.raises(ValueError, match="Anna"), trace.span("failing"):
        raise ValueError("Anna said")
    span = ended()["failing"]
    assert span.status.status_code is StatusCode.ERROR
    assert (span.status.description, span.events) == (None, ())
    assert span.attributes == {names.ERROR: "ValueError"}


def test_attributes_that_are_not_ours_stay_behind(ended: Ended) -> None:
    with trace.span("odd", attributes={"db.statement": "select 'Anna'", names.JOB: "1"}):
        pass
    assert discreet(ended()["odd"]).attributes == {names.JOB: "1"}


def test_a_row_keeps_a_trace_that_is_recorded(ended: Ended) -> None:
    payload = SimulationEnded(simulation_id=UUID(int=7))
    with trace.span("asked"):
        stored, here = encode_payload(payload), trace.here()
    ended()
    assert f'"trace":"{here}"' in stored
    assert decode_payload(stored) == payload


@pytest.mark.parametrize("sample", [0.0])
def test_a_trace_that_is_not_recorded_costs_no_place_in_a_row(ended: Ended) -> None:
    payload = SimulationEnded(simulation_id=UUID(int=7))
    with trace.span("asked"):
        assert trace.here().endswith("-00")
        assert len(trace.trace_id()) == 32, "logs of all processes can still be joined"
        assert '"trace"' not in encode_payload(payload)
        with trace.span("within"):
            pass
    assert ended() == {}


def test_off_there_is_nothing() -> None:
    with trace.span("asked", parent=STRANGER) as span:
        span.rename("x")
        span.fail("y")
        assert (trace.here(), trace.kept(), trace.headers(), trace.trace_id()) == ("", "", {}, "")
    assert trace.temporal_interceptors() == []


@pytest.mark.parametrize(
    "text", ["", "00", "01-" + STRANGER[3:], STRANGER[:-3], "00-" + "0" * 32 + STRANGER[35:], "x"]
)
def test_nonsense_is_no_trace(text: str) -> None:
    assert context_of(text) is None
