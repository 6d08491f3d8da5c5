"""`python -m services.reporting.documents.press`: the rendering process.

Reads jobs from standard input and writes documents to standard output until the input ends. It
knows no database, no secret and no network: charts carry their data, fonts are bundled.
"""

import os
import sys
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
import typst
import vl_convert

from services.reporting.documents.charts import Spec, titled
from services.reporting.documents.drawing import page_charts, page_sources, single_chart
from services.reporting.documents.jobs import (
    HEAD,
    JOBS,
    ChartJob,
    Done,
    Failed,
    HeatmapJob,
    Job,
    Outcome,
    PageJob,
    framed,
)
from services.reporting.documents.markup import page_html
from services.reporting.documents.row_charts import heatmap_chart
from shared.contracts.reports.documents import ChartFormat, ChartKind, TeamPage

FONTS: Final = Path(__file__).with_name("fonts")
"""Liberation Sans, under the SIL Open Font License beside it."""

VEGA_LITE: Final = "6.4"
"""Named, so that a newer library in the wheel does not redraw old reports by itself."""

PNG_SCALE: Final = 2.0
"""Pixels per unit of the drawing: sharp on screens of today."""


def render(job: Job) -> bytes:
    """Return the document of a job; the same job gives the same bytes.

    Raises:
        ValueError: the drawing or the page is refused by its library.
    """
    match job:
        case PageJob():
            return _page(job)
        case ChartJob():
            return _drawn(single_chart(job.page, job.chart, job.skill), job.format)
        case HeatmapJob():
            spec = titled(heatmap_chart(job.cells, width=620), job.title, job.subtitle)
            return _drawn(spec, job.format)


def svg(spec: dict[str, object]) -> str:
    """Return a chart as SVG."""
    return vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE, allowed_base_urls=[])


def drawn_charts(page: TeamPage) -> dict[ChartKind, tuple[str, str]]:
    """Return the SVG and the description of each chart of a page."""
    return {kind: (svg(spec), str(spec["description"])) for kind, spec in page_charts(page).items()}


def _page(job: PageJob) -> bytes:
    drawn = drawn_charts(job.page)
    if job.format == "html":
        return page_html(job.page, drawn).encode()
    compiled = typst.compile(  # type: ignore[call-overload]  # it takes files by name as well
        page_sources(job.page, drawn, job.paper),
        font_paths=[FONTS],
        ignore_system_fonts=True,
        timestamp=int(job.page.as_of.at.timestamp()),
    )
    if not isinstance(compiled, bytes):
        raise ValueError("not one PDF")  # noqa: TRY004  (the library's answer, not an argument)
    return compiled


def _drawn(spec: Spec, form: ChartFormat) -> bytes:
    match form:
        case "vega":
            return msgspec.json.encode(spec)
        case "svg":
            return svg(spec).encode()
        case "png":
            drawn = svg(spec)
            return vl_convert.svg_to_png(drawn, scale=PNG_SCALE)


def work(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer every job of `source` until it ends."""
    vl_convert.register_font_directory(str(FONTS))
    while len(head := source.read(HEAD.size)) == HEAD.size:
        (size,) = HEAD.unpack(head)
        sink.write(framed(_outcome(source.read(size))))
        sink.flush()


def _outcome(text: bytes) -> Outcome:
    try:
        return Done(content=render(JOBS.decode(text)))
    except Exception as error:
        return Failed(reason=type(error).__name__)


def main() -> None:
    """Work on the process's own input and output."""
    with os.fdopen(os.dup(1), "wb") as sink:
        os.dup2(2, 1)  # what a library prints must not get between the answers
        work(sys.stdin.buffer, sink)


if __name__ == "__main__":
    main()
