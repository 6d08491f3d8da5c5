"""A page per kind of error: where the `type` of a problem leads [R-A5].

The words are in `problem_pages.yaml`; the pages under `docs/problems` are made from the same.
"""

import inspect
import re
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any, Final

import msgspec
from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse

from services.api.problems import problem_type
from shared.errors import AppError, NotFoundError
from shared.yaml_files import read_yaml

_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{code}: {title}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}}
code{{background:#8882;padding:.1em .3em}}</style></head>
<body><h1>{title}</h1>
<p><code>{code}</code>, HTTP {status}, {retryable}.</p>
<p>{means}</p>
<h2>Where it comes from</h2>
<ul>
{causes}
</ul>
<h2>What to do</h2>
<ul>
{do}
</ul>
</body></html>
"""

_MARKDOWN: Final = """# {title}

`{code}`, HTTP {status}, {retryable}.

{means}

## Where it comes from

{causes}

## What to do

{do}
"""

_CODE: Final = re.compile("`([^`]*)`")


class ProblemText(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the page of a kind of error says."""

    means: str
    causes: tuple[str, ...]
    do: tuple[str, ...]


@cache
def problem_texts() -> dict[str, ProblemText]:
    """Return the words of every page by code; read at the first request for one."""
    found = read_yaml(files("services.api").joinpath("problem_pages.yaml"))
    return msgspec.convert(found, dict[str, ProblemText])


def _text(kind: type[AppError]) -> ProblemText:
    known = problem_texts().get(kind.code)
    return known or ProblemText(means=inspect.getdoc(kind) or kind.title, causes=(), do=())


def error_types() -> dict[str, type[AppError]]:
    """Return every kind of error by its code; the most general class of a code counts."""
    found: dict[str, type[AppError]] = {}
    pending: list[type[AppError]] = [AppError]
    while pending:
        kind = pending.pop(0)
        found.setdefault(kind.code, kind)
        pending.extend(kind.__subclasses__())
    return found


def page(kind: type[AppError]) -> str:
    """Return the HTML page of a kind of error."""
    text = _text(kind)
    return _PAGE.format(
        **{name: escape(value) for name, value in _head(kind).items()},
        means=_html(text.means),
        causes="\n".join(f"<li>{_html(each)}</li>" for each in text.causes),
        do="\n".join(f"<li>{_html(each)}</li>" for each in text.do),
    )


def markdown(kind: type[AppError]) -> str:
    """Return the same page as a file of `docs/problems`."""
    text = _text(kind)
    return _MARKDOWN.format(
        **_head(kind),
        means=text.means,
        causes="\n".join(f"- {each}" for each in text.causes),
        do="\n".join(f"- {each}" for each in text.do),
    )


def _head(kind: type[AppError]) -> dict[str, str]:
    return {
        "title": kind.title,
        "code": kind.code,
        "status": str(kind.status),
        "retryable": "the same request can succeed later"
        if kind.retryable
        else "repeating the same request does not help",
    }


def _html(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text))


def problem_handlers() -> list[HTTPRouteHandler]:
    """Return the route of the pages."""
    kinds = error_types()
    path = problem_type("{code:str}")

    @get(path)
    async def problem(request: Request[Any, Any, Any]) -> ASGIResponse:
        kind = kinds.get(str(request.path_params["code"]))
        if kind is None:
            raise NotFoundError("No such path")
        return ASGIResponse(body=page(kind), media_type="text/html")

    return [problem]
