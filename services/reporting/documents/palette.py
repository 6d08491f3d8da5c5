"""Colors and type of all documents, in one place.

Blue and vermilion are those of Okabe and Ito (2008): people with any common color blindness tell
them apart, and so does a gray printer (lightness 45 against 52 differs little, so shape and dashes
say the same as color everywhere). The heatmap is one hue from light to dark, with the number in
every cell.
"""

from typing import Final

FONT: Final = "Liberation Sans"
"""Bundled in `fonts/`; the same widths as Arial, which browsers take where it is absent."""

FONT_STACK: Final = f"'{FONT}', Arial, Helvetica, sans-serif"

INK: Final = "#1b2733"
"""Text: contrast 14 to 1 on white."""
MUTED: Final = "#5b6875"
"""Axes and notes: contrast 5.7 to 1."""
FAINT: Final = "#d5dbe1"
"""Grid lines."""
EMPTY: Final = "#f0f2f4"
"""A cell without a number."""
BLUE: Final = "#0072b2"
BAND: Final = "#9ccbe6"
"""The interval around the line, and the outer tenths of a distribution."""
VERMILION: Final = "#d55e00"
"""Breaks."""
HEAT: Final = ("#e9f2f9", "#c3ddef", "#8fc1e2", "#4f9bcb", "#1d6ea8", "#0a3f6b")
"""From weak to strong, one hue."""
HEAT_DARK_FROM: Final = 0.68
"""Share of the scale from which the number in a cell is white."""
