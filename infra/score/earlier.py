"""Goes on where an earlier run stopped: its output says which lines of which input it read.

Nothing but the output is kept. Each of its lines carries the hash of the input's line and of the
settings, so what was done is compared with what lies there now, line by line.
"""

import io
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from infra.cli.errors import CommandError
from infra.score.assessing import OUTCOMES, Outcome, Stamp, digest, is_readable
from infra.score.lines import Line

_DECODER: Final = msgspec.json.Decoder(Stamp)
_AGAIN: Final = "`--restart` begins anew and loses what is there"


class Earlier(msgspec.Struct, kw_only=True):
    """What an earlier run did."""

    counts: dict[Outcome, int]
    bad: int = 0
    """Lines without a conversation, before the last one it wrote."""
    bytes: int = 0
    """Of the output that stay: whole lines."""
    torn: bool = False
    """The output ended in the middle of a line."""


def catch_up(
    output: io.RawIOBase,
    lines: Iterator[Line],
    settings_hash: str,
    *,
    name: str,
    bad: Callable[[Line], None],
) -> Earlier:
    """Read the output of an earlier run and, beside it, the lines of the input that it stands for.

    Args:
        output: open for reading, at its beginning; stays open.
        lines: of the input; afterwards the next one is the first that is still to be done.
        settings_hash: what the output must have been made with.
        name: of the output, for messages.
        bad: told of each line of the input that has no conversation.

    Raises:
        CommandError: the output is something else, or the input or the settings have changed.
    """
    earlier = Earlier(counts=dict.fromkeys(OUTCOMES, 0))
    reader = io.BufferedReader(output)
    try:
        for text in reader:
            if not text.endswith(b"\n"):
                earlier.torn = True
                break
            stamp = _stamp(text, name)
            if stamp.settings_hash != settings_hash:
                raise CommandError(
                    f"{name} was made with another rubric or another version; {_AGAIN}"
                )
            _find(stamp, lines, earlier, name, bad)
            earlier.counts[stamp.status] += 1
            earlier.bytes += len(text)
    finally:
        reader.detach()
    return earlier


def _stamp(text: bytes, name: str) -> Stamp:
    try:
        return _DECODER.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise CommandError(f"{name} holds something else than assessments; {_AGAIN}") from None


def _find(
    stamp: Stamp,
    lines: Iterator[Line],
    earlier: Earlier,
    name: str,
    bad: Callable[[Line], None],
) -> None:
    """Read the input up to the line that was answered; what was skipped must still be bad."""
    for number, line in lines:
        if number == stamp.line:
            if line is not None and digest(line) == stamp.input_hash:
                return
            break
        if number > stamp.line or (line is not None and is_readable(line)):
            break
        bad((number, line))
        earlier.bad += 1
    raise CommandError(
        f"the input is not the one that {name} was made from (line {stamp.line}); {_AGAIN}"
    )
