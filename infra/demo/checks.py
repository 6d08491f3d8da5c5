"""What the demo expects. It is a check as well: the first thing that is missing ends it."""


class DemoError(Exception):
    """Something the demo shows did not happen; the message is one line for a person."""


def expect(is_so: bool, otherwise: str) -> None:  # noqa: FBT001 - reads like an assertion
    """Go on when it is so.

    Raises:
        DemoError: it is not; `otherwise` says what was seen in its place.
    """
    if not is_so:
        raise DemoError(otherwise)
