"""Who may call an operation: keys by their scopes, learner tokens where they open it."""

from typing import Any

from services.api.endpoint import Endpoint
from services.api.learner_tokens.access import OPERATIONS
from shared.keys import SCOPES

Json = dict[str, Any]


def opens_to_tokens(contract: Endpoint) -> bool:
    """Whether a learner token opens the operation."""
    return f"{contract.method} {contract.template}" in OPERATIONS


def security(contract: Endpoint) -> list[Json]:
    """Return the alternatives, each with the scope it needs."""
    ways: list[Json] = [{"api_key": [contract.scope]}]
    if contract.is_basic_good:
        ways.append({"api_key_basic": [contract.scope]})
    if opens_to_tokens(contract):
        ways.append({"learner_token": [contract.scope]})
    return ways


def security_schemes() -> Json:
    """Return the schemes as components."""
    scopes = ", ".join(f"`{scope}`" for scope in SCOPES)
    return {
        "api_key": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "rk_live_...",
            "description": f"An API key. Its scopes decide what it may do: {scopes}. "
            "A revocation takes effect within 5 seconds.",
        },
        "api_key_basic": {
            "type": "http",
            "scheme": "basic",
            "description": "An API key as the password, for learning record tools that know no "
            "other way. The user name may be anything.",
        },
        "learner_token": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A short-lived token that `POST /v1/learner_tokens` makes for one "
            "learner, so that a page can talk to the API directly. It opens few operations, and "
            "with a conversation in it only that one. Made and checked as RFC8725 asks: one "
            "algorithm, one issuer, one audience, one kind.",
        },
    }
