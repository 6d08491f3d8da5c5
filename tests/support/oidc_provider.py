"""A certified OpenID provider as a process of its own, and somebody who signs in there.

`oidc-provider` from npm, run with the node of a wheel; installed once per lock file into the
virtual environment, as the linters of the contract are.
"""

import asyncio
import base64
import hashlib
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from infra.contract.built import ROOT
from infra.contract.linting import node_home

SOURCES: Final = ROOT / "tests/oidc"
REDIRECT: Final = "http://127.0.0.1/done"

_FORM: Final = re.compile(r'<form[^>]*action="([^"]+)"')
_PROMPT: Final = re.compile(r'name="prompt" value="([^"]+)"')


def installed() -> Path:
    """Return a folder with the locked provider, installing it if it is not there."""
    lock = (SOURCES / "package-lock.json").read_bytes()
    room = ROOT / ".venv" / f"oidc-provider-{sha256(lock).hexdigest()[:12]}"
    room.mkdir(parents=True, exist_ok=True)
    for each in SOURCES.iterdir():
        shutil.copy(each, room)
    if not (room / ".installed").exists():
        npm = node_home() / "lib/node_modules/npm/bin/npm-cli.js"
        command = [*_node(), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(
            command, cwd=room, env=_environment(), check=True, timeout=300, capture_output=True
        )
        (room / ".installed").touch()
    return room


def rsa_key(key_id: str) -> dict[str, Any]:
    """Return a private RSA key as a JWK."""
    key = rsa.generate_private_key(65537, 2048)
    return _jwk(jwt.algorithms.RSAAlgorithm.to_jwk(key), key_id)


def ec_key(key_id: str) -> dict[str, Any]:
    """Return a private key on P-256 as a JWK."""
    key = ec.generate_private_key(ec.SECP256R1())
    return _jwk(jwt.algorithms.ECAlgorithm.to_jwk(key), key_id)


def _jwk(text: Any, key_id: str) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(text)
    plain.pop("key_ops", None)
    return {**plain, "kid": key_id, "use": "sig"}


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Provider:
    """A provider at one address, whatever keys it has at the moment."""

    def __init__(self, port: int, clients: tuple[str, ...] = ("rapport-web", "other-app")) -> None:
        self.port = port
        self.clients = clients
        self.issuer = f"http://127.0.0.1:{port}"

    @asynccontextmanager
    async def running(
        self, *keys: dict[str, Any], algorithm: str = "RS256"
    ) -> AsyncIterator["Provider"]:
        """Run with these keys; the first that fits signs."""
        room = await asyncio.to_thread(installed)
        wish = {
            "port": self.port,
            "jwks": {"keys": keys},
            "clients": [{"id": each, "redirect": REDIRECT} for each in self.clients],
            "algorithm": algorithm,
        }
        process = await asyncio.create_subprocess_exec(
            *_node(),
            "provider.mjs",
            cwd=room,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        if process.stdin is None or process.stdout is None:
            raise AssertionError("asked for pipes")
        try:
            process.stdin.write(json.dumps(wish).encode())
            process.stdin.close()
            line = await asyncio.wait_for(process.stdout.readline(), 60)
            assert line.strip() == b"ready", line
            yield self
        finally:
            process.terminate()
            await process.wait()

    async def sign_in(
        self, login: str, *, resource: str | None = None, client_id: str = "rapport-web"
    ) -> dict[str, Any]:
        """Sign somebody in by the authorization code flow with PKCE; return the tokens."""
        verifier = secrets.token_urlsafe(48)
        challenge = hashlib.sha256(verifier.encode()).digest()
        asked = {
            "client_id": client_id,
            "response_type": "code",
            "redirect_uri": REDIRECT,
            "scope": "openid email profile practice",
            "prompt": "login consent",
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "state": "s",
        }
        if resource is not None:
            asked["resource"] = resource
        async with httpx.AsyncClient(base_url=self.issuer, timeout=30) as browser:
            code = await self._code(browser, asked, login)
            form = {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": REDIRECT,
                "client_id": client_id,
                "code_verifier": verifier,
            }
            answer = await browser.post("/token", data=form)
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    async def _code(self, browser: httpx.AsyncClient, asked: dict[str, str], login: str) -> str:
        """Walk through the pages as a browser does; return the code of the last redirect."""
        answer = await browser.get("/auth", params=asked)
        for _ in range(12):
            if answer.is_redirect:
                place = answer.headers["location"]
                if place.startswith(REDIRECT):
                    found = parse_qs(urlsplit(place).query)
                    assert "code" in found, place
                    return found["code"][0]
                answer = await browser.get(place)
                continue
            assert answer.status_code == 200, answer.text
            action, prompt = _FORM.search(answer.text), _PROMPT.search(answer.text)
            assert action is not None, answer.text
            assert prompt is not None, answer.text
            form = {"prompt": prompt[1], "login": login, "password": "any"}
            answer = await browser.post(unescape(action[1]), data=form)
        raise AssertionError("the pages never end")


def _node() -> list[str]:
    return [str(node_home() / "bin/node")]


def _environment() -> dict[str, str]:
    path = f"{node_home() / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, "PATH": path, "CI": "true"}
