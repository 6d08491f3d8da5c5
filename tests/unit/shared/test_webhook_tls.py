"""TLS to receivers: the certificate is checked against the name, though the connection goes to a
checked address. [R-B11]"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shared.config import Secret, Settings
from shared.webhooks.http import HttpClient
from shared.webhooks.outbound import Answer, Outbound

SETTINGS = Settings(
    database_url=Secret(""),
    nats_url=Secret(""),
    master_key=Secret(""),
    webhook_allow_private=True,
    webhook_timeout_s=2.0,
)
NAME = "hooks.example.com"


def _certificate(folder: Path, name: str) -> Path:
    """A certificate for this name that signs itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


class Tls:
    """A receiver with a certificate, and what clients asked for."""

    def __init__(self, certificate: Path) -> None:
        self.certificate = certificate
        self.names: list[str | None] = []
        self.requests: list[bytes] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(head)
        await reader.readexactly(2)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


@pytest.fixture
async def tls(tmp_path: Path) -> AsyncIterator[Tls]:
    one = Tls(_certificate(tmp_path, NAME))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(one.certificate)
    context.sni_callback = lambda _socket, name, _context: one.names.append(name)
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0, ssl=context)
    one.port = server.sockets[0].getsockname()[1]
    yield one
    server.close()
    await server.wait_closed()


async def _post(tls: Tls, host: str, trusted: Path | None) -> Answer:
    def loopback(_host: str, port: int, *_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    outbound = Outbound(SETTINGS, connections=4, resolver=loopback)
    client = outbound._client
    assert isinstance(client, HttpClient)
    if trusted is not None:
        client._tls.load_verify_locations(trusted)
    try:
        return await outbound.post(f"https://{host}:{tls.port}/x", {}, b"{}")
    finally:
        await outbound.close()


class TestCertificates:
    async def test_a_trusted_one_for_this_name(self, tls: Tls) -> None:
        got = await _post(tls, NAME, tls.certificate)
        assert (got.status, got.error) == (200, None)
        assert tls.names == [NAME]
        assert f"host: {NAME}:{tls.port}".encode() in tls.requests[0]

    async def test_one_that_nobody_trusts(self, tls: Tls) -> None:
        got = await _post(tls, NAME, None)
        assert (got.status, got.error) == (None, "tls")
        assert tls.requests == []

    async def test_a_trusted_one_for_another_name(self, tls: Tls) -> None:
        got = await _post(tls, "other.example.com", tls.certificate)
        assert (got.status, got.error) == (None, "tls")
        assert tls.requests == []

    async def test_the_address_is_not_the_name(self, tls: Tls) -> None:
        got = await _post(tls, "127.0.0.1", tls.certificate)
        assert got.error == "tls"
