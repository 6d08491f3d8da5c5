"""Where the SCIM face is."""

from typing import Final

BASE: Final = "/scim/v2"
"""What all its paths begin with."""
