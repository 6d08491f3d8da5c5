"""How much a transcript may hold, and how little is too little."""

from typing import Final

MAX_TURNS: Final = 500
"""Turns of one conversation."""

MAX_TURN_CHARACTERS: Final = 8000
"""Characters of one turn."""

MAX_CHARACTERS: Final = 400_000
"""Characters of one conversation: some six hours of talk."""

MAX_TURN_ID: Final = 64
"""Characters of a turn's own id."""

MAX_MS: Final = 7 * 24 * 3600 * 1000
"""A conversation lasts a week at most."""

MIN_WORDS: Final = 10
"""Fewer words in all are no conversation that could be judged."""

MAX_BATCH: Final = 1000
"""Conversations of one request."""

MAX_BATCH_BYTES: Final = 20 * 1024 * 1024
"""Size of a request with many conversations: twenty kilobytes for each of a thousand."""
