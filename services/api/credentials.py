"""What a request presents: the text of an `Authorization` header."""

import base64
import binascii

from shared.errors import UnauthenticatedError
from shared.keys import InvalidKeyError, ParsedKey, parse_key


def credential(header: str | None, *, is_basic_good: bool) -> str:
    """Return the key or token; with `is_basic_good` the password of `Basic` counts as well.

    Raises:
        UnauthenticatedError: no header, or one of another scheme.
    """
    scheme, _, text = (header or "").partition(" ")
    return _password(text) if is_basic_good and scheme.lower() == "basic" else bearer(header)


def bearer(header: str | None) -> str:
    """Return what follows `Bearer`; raises `UnauthenticatedError`."""
    scheme, _, text = (header or "").partition(" ")
    if scheme.lower() != "bearer":
        raise UnauthenticatedError
    return text.strip()


def api_key(text: str) -> ParsedKey:
    """Return what a key claims to be; raises `UnauthenticatedError`."""
    try:
        return parse_key(text)
    except InvalidKeyError:
        raise UnauthenticatedError from None


def _password(text: str) -> str:
    """Return the password of RFC 7617; who the user is says the key itself."""
    try:
        pair = base64.b64decode(text.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise UnauthenticatedError from None
    return pair.partition(":")[2].strip()
