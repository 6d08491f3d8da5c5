"""Which release the one to come has to get along with."""

from typing import Final

RELEASED: Final = "85a73ac18de68c0103ef277da38df7bdcacca1ea"
"""Commit of the last release. When it is moved: `python -m tests.wire.record`, too."""
