"""Finding the data in our own prompts."""

from typing import Any

from infra.llm_fake.answering import objects_in
from infra.llm_fake.asking import Ask


def data_of(ask: Ask, *fields: str) -> dict[str, Any]:
    """Return the JSON object with all these fields that stands in a message of the user; empty when
    there is none.
    """
    for said in ask.messages:
        if said.role != "user":
            continue
        for found in objects_in(said.text):
            if all(field in found for field in fields):
                return found
    return {}
