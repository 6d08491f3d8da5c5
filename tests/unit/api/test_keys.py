from uuid import UUID

import pytest

from shared.keys import Environment, InvalidKeyError, hash_key, new_key, parse_key, same_hash


class OneId:
    def new(self) -> UUID:
        return UUID("0190b7a0-1234-7abc-8def-0123456789ab")


def ascending(count: int) -> bytes:
    return bytes(range(count))


@pytest.mark.parametrize("environment", ["live", "test", "ops"])
def test_a_key_says_what_it_is(environment: Environment) -> None:
    key = new_key(environment, OneId(), ascending)

    parsed = parse_key(key.text)

    assert key.text.startswith(f"rk_{environment}_")
    assert parsed == (environment, key.key_id, key.hash)
    assert key.hash == hash_key(key.text)


def test_the_secret_fills_its_length_even_when_small() -> None:
    small = new_key("live", OneId(), bytes)
    large = new_key("live", OneId(), lambda count: b"\xff" * count)

    assert len(small.text) == len(large.text) == 8 + 26 + 33 + 6
    assert parse_key(small.text).hash != parse_key(large.text).hash


def test_every_mistyped_character_is_noticed() -> None:
    text = new_key("live", OneId(), ascending).text
    for position in range(len(text)):
        other = "1" if text[position] != "1" else "2"
        with pytest.raises(InvalidKeyError):
            parse_key(text[:position] + other + text[position + 1 :])


@pytest.mark.parametrize(
    "text", ["", "rk_", "rk_live_", "sk_live_" + "a" * 65, "rk_prod_" + "0" * 65]
)
def test_other_texts_are_no_keys(text: str) -> None:
    with pytest.raises(InvalidKeyError):
        parse_key(text)


def test_hashes_are_compared_whole() -> None:
    assert same_hash(b"a" * 32, b"a" * 32)
    assert not same_hash(b"a" * 32, b"a" * 31 + b"b")
