"""Where a model may be called at."""

import socket

import pytest
from ssrfguard import SSRFGuardError

from shared.llm.egress import PUBLIC, TRUSTED, check_base_url, policy_for
from shared.llm.failures import BaseUrlRefusedError
from shared.llm.resolving import GuardedResolver

GOOD = ["https://api.openai.com/v1", "https://gw.example.com:8443/llm/v1", "https://x.example/v1/"]

NEVER = [
    "", "api.openai.com", "ftp://a.example", "file:///etc/passwd", "https://",
    "https://user:secret@a.example/v1", "https://a.example/v1?key=1", "https://a.example/v1#x",
    "https://169.254.169.254/v1", "http://169.254.169.254/v1", "https://[fe80::1]/v1",
    "https://0.0.0.0/v1", "https://a.example/v1/chat/completions",
    "https://a.example/" + "x" * 600, "https://a.example:99999/v1", "https://a\r\nb.example/v1",
]  # fmt: skip

ONLY_TRUSTED = [
    "http://a.example/v1", "https://a.example:4000/v1", "http://127.0.0.1:8000/v1",
    "https://127.0.0.1/v1", "https://10.0.0.5/v1", "http://192.168.1.7:11434/v1",
    "https://172.16.3.4/v1", "https://[::1]/v1", "https://100.64.1.1/v1", "http://vllm:8000/v1",
]  # fmt: skip


@pytest.mark.parametrize("url", GOOD)
def test_public_endpoints_over_tls_may_be_anybodys(url: str):
    check_base_url(PUBLIC, url)
    check_base_url(TRUSTED, url)


@pytest.mark.parametrize("url", NEVER)
def test_what_nobody_may_call(url: str):
    for policy in (PUBLIC, TRUSTED):
        with pytest.raises(BaseUrlRefusedError):
            check_base_url(policy, url)


@pytest.mark.parametrize("url", ONLY_TRUSTED)
def test_private_networks_are_for_the_installation_only(url: str):
    check_base_url(TRUSTED, url)
    with pytest.raises(BaseUrlRefusedError):
        check_base_url(PUBLIC, url)


def test_who_is_trusted():
    assert policy_for(is_own=True, allow_private=False) is PUBLIC
    assert policy_for(is_own=False, allow_private=False) is TRUSTED
    assert policy_for(is_own=True, allow_private=True) is TRUSTED


def answer_with(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    asked: list[str] = []

    def look_up(host: str, port: int, *_rest: object) -> list[object]:
        asked.append(host)
        families = [socket.AF_INET6 if ":" in one else socket.AF_INET for one in addresses]
        return [
            (family, socket.SOCK_STREAM, 6, "", (one, port, 0, 0) if ":" in one else (one, port))
            for family, one in zip(families, addresses, strict=True)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


async def test_a_name_is_looked_up_once_and_handed_on_as_numbers(monkeypatch: pytest.MonkeyPatch):
    asked = answer_with(monkeypatch, "93.184.216.34", "2606:2800:220:1::1")
    resolver = GuardedResolver(PUBLIC)
    found = await resolver.resolve("api.example.com", 443)
    await resolver.close()
    assert asked == ["api.example.com"]
    assert [one["host"] for one in found] == ["93.184.216.34", "2606:2800:220:1::1"]
    assert {one["hostname"] for one in found} == {"api.example.com"}


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"], ["10.1.2.3"], ["169.254.169.254"], ["::1"], ["fd00::1"],
        ["93.184.216.34", "10.0.0.1"], ["::ffff:127.0.0.1"], ["0.0.0.0"],  # noqa: S104 -- refused
    ],
)  # fmt: skip
async def test_a_name_that_leads_inside_is_refused(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
):
    answer_with(monkeypatch, *addresses)
    resolver = GuardedResolver(PUBLIC)
    with pytest.raises(SSRFGuardError):
        await resolver.resolve("rebound.example.com", 443)
    await resolver.close()


async def test_not_even_the_installation_reaches_the_clouds_metadata(
    monkeypatch: pytest.MonkeyPatch,
):
    answer_with(monkeypatch, "169.254.169.254")
    resolver = GuardedResolver(TRUSTED)
    with pytest.raises(SSRFGuardError):
        await resolver.resolve("metadata.example.com", 80)
    await resolver.close()
