"""Makes recorded answers look alike every time: ids by their order, times since a fixed moment."""

import base64
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from shared.ids import encode

BASE: Final = datetime(2026, 11, 19, 9, 30, tzinfo=UTC)
"""When the recorded requests seem to have been sent."""

_ID: Final = re.compile(r"\b([a-z]{2,4})_([0-7][0-9a-hjkmnp-tv-z]{25})\b")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_SECRET: Final = re.compile(r"\b(whsec_|whpk_)[A-Za-z0-9+/]{32,}=*")
_TOKEN: Final = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+")
_NO_SECRET: Final = base64.b64encode(b"an example, and no real secret..").decode()
_NEAR: Final = timedelta(days=60)
"""Times further from the recording than this were part of a request."""


class Tamer:
    """Replaces ids and times in everything it is given, the same by the same."""

    def __init__(self, started_at: datetime, words: Mapping[str, str]) -> None:
        """Move times by the distance of `started_at` from `BASE`, and replace `words`."""
        self._started_at = started_at
        self._words = words
        self._ids: dict[str, str] = {}

    def tame(self, value: Any) -> Any:
        """Return the value with tame ids and times."""
        if isinstance(value, dict):
            return {key: self.tame(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.tame(each) for each in value]
        if isinstance(value, str):
            for word, shown in self._words.items():
                value = value.replace(word, shown)
            value = _TIME.sub(self._time, _ID.sub(self._id, value))
            value = _SECRET.sub(rf"\1{_NO_SECRET}", value)
            return _TOKEN.sub("eyJ.an-example.and-no-token", value)
        return value

    def _id(self, found: re.Match[str]) -> str:
        if found[2] not in self._ids:
            number = len(self._ids) + 1
            milliseconds = int(BASE.timestamp() * 1000) + 1000 * number
            low = (number * 0x9E3779B97F4A7C15) % 2**62  # looks drawn, and is not
            value = (milliseconds << 80) | (7 << 76) | ((number * 1021 % 4096) << 64)
            self._ids[found[2]] = encode(UUID(int=value | (2 << 62) | low))
        return f"{found[1]}_{self._ids[found[2]]}"

    def _time(self, found: re.Match[str]) -> str:
        moment = datetime.fromisoformat(found[0])
        if abs(moment - self._started_at) > _NEAR:
            return found[0]
        moved = (BASE + (moment - self._started_at)).replace(tzinfo=None)
        return moved.isoformat(timespec="milliseconds") + "Z"
