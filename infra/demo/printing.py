"""Text for a terminal: wrapped to its width, colored only when a person looks at it."""

import os
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Final, TextIO

MAX_WIDTH: Final = 100
"""Columns; longer lines are hard to read even where there is room."""

MIN_WIDTH: Final = 72

SPARKS: Final = "▁▂▃▄▅▆▇█"
SPARK_LOW: Final = 25.0
SPARK_HIGH: Final = 90.0
"""Weekly means lie between these; over the whole 0..100 a real change would not show."""

_CODES: Final[Mapping[str, str]] = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "cyan": "36",
}


class Page:
    """Where the story is printed."""

    def __init__(self, out: TextIO | None = None, *, color: bool | None = None) -> None:
        self._out = out or sys.stdout
        self._color = _wants_color(self._out) if color is None else color
        columns = shutil.get_terminal_size((MAX_WIDTH, 24)).columns
        self.width = max(MIN_WIDTH, min(MAX_WIDTH, columns))

    def line(self, text: str = "") -> None:
        """Print one line as it is."""
        print(text.rstrip(), file=self._out, flush=True)

    def paint(self, text: str, style: str) -> str:
        """Return the text in a style (`bold`, `dim` or a color), or as it is without colors."""
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self._color and style else text

    def progress(self, text: str) -> None:
        """Show passing text on the current line, on a terminal only; empty text removes it."""
        if self._out.isatty():
            print(f"\r\x1b[K{text}", end="", file=self._out, flush=True)

    def heading(self, text: str, number: int | None = None) -> None:
        """Print a heading over the whole width."""
        lead = f"{number}  " if number is not None else ""
        self.line()
        self.line(self.paint("─" * self.width, "dim"))
        self.line(self.paint(f"{lead}{text}", "bold"))
        self.line()

    def paragraph(self, text: str, *, indent: int = 3, style: str = "", hang: int = 0) -> None:
        """Print wrapped text; `hang` is added to the indent from the second line on."""
        for row in self.wrap(text, indent=indent, hang=hang):
            self.line(self.paint(row, style))

    def wrap(self, text: str, *, indent: int = 0, hang: int = 0, width: int = 0) -> list[str]:
        """Return the text in lines of at most `width` columns (the page's own when 0)."""
        return textwrap.wrap(
            text,
            width or self.width,
            initial_indent=" " * indent,
            subsequent_indent=" " * (indent + hang),
            break_on_hyphens=False,
        ) or [""]

    def labeled(self, label: str, text: str, *, indent: int = 3, label_width: int = 10) -> None:
        """Print a label in bold and, beside it, wrapped text."""
        column = indent + label_width
        rows = self.wrap(text, indent=column)
        first = f"{' ' * indent}{self.paint(label.ljust(label_width), 'bold')}{rows[0][column:]}"
        for row in (first, *rows[1:]):
            self.line(row)

    def side_by_side(
        self, left: Sequence[tuple[str, str]], right: Sequence[tuple[str, str]]
    ) -> None:
        """Print two columns of (text, style); each text is wrapped in its column.

        A text keeps its own leading spaces on its continuation lines.
        """
        width = (self.width - 6) // 2
        columns = [self._column(items, width) for items in (left, right)]
        height = max(map(len, columns))
        empty = " " * width
        for column in columns:
            column.extend([empty] * (height - len(column)))
        for one, other in zip(*columns, strict=True):
            self.line(f"   {one} {self.paint('│', 'dim')} {other}")

    def _column(self, items: Sequence[tuple[str, str]], width: int) -> list[str]:
        rows: list[str] = []
        for text, style in items:
            indent = len(text) - len(text.lstrip())
            wrapped = self.wrap(text.lstrip(), indent=indent, hang=hang_of(text), width=width)
            rows.extend(self.paint(row.ljust(width), style) for row in wrapped)
        return rows


def hang_of(text: str) -> int:
    """Return by how much the second line of a text is indented: a `+` or `-` stands alone."""
    return 2 if text.lstrip()[:2] in {"+ ", "- "} else 0


def bar(score: int, width: int = 20) -> str:
    """Return a bar for a score of 0..100."""
    return "█" * max(1, round(score * width / 100))


def spark(values: Sequence[float]) -> str:
    """Return one small column per score of 0..100, drawn between `SPARK_LOW` and `SPARK_HIGH`."""
    steps = len(SPARKS) / (SPARK_HIGH - SPARK_LOW)
    places = (int((value - SPARK_LOW) * steps) for value in values)
    return "".join(SPARKS[min(len(SPARKS) - 1, max(0, place))] for place in places)


def score_style(score: int | None) -> str:
    """Return the color of a score: red below 40, green from 70 on."""
    if score is None:
        return "dim"
    if score < 40:
        return "red"
    return "green" if score >= 70 else "yellow"


def _wants_color(out: TextIO) -> bool:
    return out.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
