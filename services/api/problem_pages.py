"""A page per kind of error: where the `type` of a problem leads."""

from html import escape
from typing import Any, Final

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse

from shared.errors import AppError, NotFoundError

_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1><p><code>{code}</code>, HTTP {status}</p><p>{meaning}</p>
<p>{advice}</p></body>
</html>
"""


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
    meaning = "Nothing that the request could do differently." if kind is AppError else kind.__doc__
    advice = (
        "The same request can succeed later: wait as long as Retry-After says, then repeat it "
        "with the same Idempotency-Key."
        if kind.retryable
        else "The same request will be refused again. The field `errors` names what is wrong, "
        "where there is something to name. Quote `request_id` when you ask us."
    )
    return _PAGE.format(
        title=escape(kind.title),
        code=escape(kind.code),
        status=kind.status,
        meaning=escape(meaning or ""),
        advice=escape(advice),
    )


def problem_handlers() -> list[HTTPRouteHandler]:
    """Return the route of the pages."""
    pages = {code: page(kind) for code, kind in error_types().items()}

    @get("/problems/{code:str}")
    async def problem(request: Request[Any, Any, Any]) -> ASGIResponse:
        code = str(request.path_params["code"])
        if code not in pages:
            raise NotFoundError("No such path")
        return ASGIResponse(body=pages[code], media_type="text/html")

    return [problem]
