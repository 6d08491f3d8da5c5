"""Headers of answers."""

from typing import Any, Final

from services.api.endpoint import Endpoint
from services.api.openapi.limits import ID_PATTERN
from services.api.openapi.parameters import WAITING
from services.api.versions.changes import CURRENT

Json = dict[str, Any]

_SECONDS: Final = {"type": "integer", "format": "int32", "minimum": 0, "maximum": 86_400}
_PATH: Final = {"type": "string", "maxLength": 2000, "pattern": "^/"}

_HEADERS: Final[dict[str, Json]] = {
    "Request-Id": {
        "description": "Of this request; quote it when you ask about it. Your own, if you sent one "
        "of this form.",
        "required": True,
        "schema": {"type": "string", "pattern": f"^req_{ID_PATTERN}$", "maxLength": 30},
        "example": "req_01k9x4j5z8f7vr2m0q3c6d1b9h",
    },
    "Idempotent-Replayed": {
        "description": "`true`: an earlier request with the same Idempotency-Key did the work.",
        "schema": {"type": "string", "enum": ["true"]},
        "example": "true",
    },
    "Location": {
        "description": "Where the result is, or will be.",
        "schema": _PATH,
        "example": "/v1/simulations/sim_01k9x4j5z8f7vr2m0q3c6d1b9h",
    },
    "Operation-Location": {
        "description": "Where the progress of the work can be followed.",
        "schema": _PATH,
        "example": "/v1/operations/op_01k9x4j5z8f7vr2m0q3c6d1b9h",
    },
    "Link": {
        "description": 'The next page: `<...>; rel="next"` (RFC 8288); absent on the last one.',
        "schema": {"type": "string", "maxLength": 4000, "pattern": "^<"},
        "example": '</v1/learners?limit=1&cursor=Zp0>; rel="next"',
    },
    "Retry-After": {
        "description": "Seconds to wait before the same request can succeed.",
        "schema": _SECONDS,
        "example": 1,
    },
    "RateLimit-Policy": {
        "description": "How many requests (`q`) a tenant may send in how many seconds (`w`).",
        "schema": {"type": "string", "maxLength": 200},
        "example": '"requests";q=6000;w=60',
    },
    "RateLimit": {
        "description": "What is left: `r` requests at once, all of them again in `t` seconds.",
        "schema": {"type": "string", "maxLength": 200},
        "example": '"requests";r=5990;t=1',
    },
    "Access-Control-Allow-Origin": {
        "description": "Your `Origin`, where your tenant's settings allow it; absent otherwise.",
        "schema": {"type": "string", "maxLength": 300},
        "example": "https://practice.example",
    },
    "Api-Version": {
        "description": "The version that this answer speaks.",
        "schema": {"type": "string", "format": "date", "maxLength": 10},
        "example": CURRENT,
    },
    "Preference-Applied": {
        "description": "How long the request was willing to wait (RFC 7240).",
        "schema": {"type": "string", "maxLength": 20},
        "example": "wait=10",
    },
    "Deprecation": {
        "description": "Since when the operation is deprecated: `@` and seconds since 1970 "
        "(RFC 9745). `Link` says what to use instead.",
        "schema": {"type": "string", "maxLength": 20, "pattern": "^@"},
        "example": "@1795080612",
    },
    "Sunset": {
        "description": "When the operation may stop to answer (RFC 8594).",
        "schema": {"type": "string", "maxLength": 40},
        "example": "Fri, 19 Nov 2027 09:30:00 GMT",
    },
    "X-Experience-API-Version": {
        "description": "The version of xAPI that this answer speaks.",
        "schema": {"type": "string", "maxLength": 20},
        "example": "2.0.0",
    },
    "X-Experience-API-Consistent-Through": {
        "description": "Everything up to this time is visible.",
        "schema": {"type": "string", "format": "date-time", "maxLength": 35},
        "example": "2026-11-19T09:29:42.000Z",
    },
    "Last-Modified": {
        "description": "Of one statement: when it was stored, to the second.",
        "schema": {"type": "string", "maxLength": 40},
        "example": "Thu, 19 Nov 2026 09:29:42 GMT",
    },
    "Content-Disposition": {
        "description": "A name for the file.",
        "schema": {"type": "string", "maxLength": 200},
        "example": 'attachment; filename="assessments.csv"',
    },
    "WWW-Authenticate": {
        "description": "How to authenticate.",
        "schema": {"type": "string", "maxLength": 100, "pattern": "Bearer"},
        "example": "Bearer",
    },
}


_EVERYWHERE: Final = ("Request-Id", "Access-Control-Allow-Origin")
_LIMITED: Final = ("RateLimit-Policy", "RateLimit", "Api-Version")

_OWN: Final = {
    "export_assessments": ("Content-Disposition",),
    "export_audit_log": ("Content-Disposition",),
    "get_learner_export_file": ("Content-Disposition",),
    "get_tenant_export_file": ("Content-Disposition",),
    "get_team_chart": ("Content-Disposition",),
    "get_heatmap_chart": ("Content-Disposition",),
    "get_team_table": ("Content-Disposition",),
    "get_report_export_file": ("Content-Disposition",),
    "list_statements": (
        "X-Experience-API-Version",
        "X-Experience-API-Consistent-Through",
        "Last-Modified",
    ),
}
"""What only one operation says."""


class Headers:
    """The headers of a document: components for those that are used."""

    def __init__(self) -> None:
        self.components: Json = {}

    def of_success(self, contract: Endpoint, operation: str, status: int, *, is_page: bool) -> Json:
        """Return the headers of an answer of this operation with this status."""
        names = [*_EVERYWHERE, *_LIMITED, *_OWN.get(operation, ())]
        if contract.idempotency != "none":
            names.append("Idempotent-Replayed")
        if {201, 202} & contract.answers.keys():  # a repeat may answer 200, and say where as well
            names.append("Location")
        if status == 202:
            names += ["Operation-Location", "Retry-After"]
        if is_page:
            names.append("Link")
        if operation in WAITING:
            # What has not ended when the wait is over says when to look again.
            names += ["Preference-Applied", "Retry-After"]
        if contract.deprecation is not None:
            names += ["Deprecation", "Sunset", "Link"]
        return self._references(names)

    def of_problem(self, status: int) -> Json:
        """Return the headers of a refusal with this status."""
        names = [*_EVERYWHERE]
        if status == 401:
            names.append("WWW-Authenticate")
        names += _LIMITED
        if status in {408, 409, 429, 503}:
            names.append("Retry-After")
        return self._references(names)

    def _references(self, names: list[str]) -> Json:
        self.components |= {name: _HEADERS[name] for name in names}
        return {name: {"$ref": f"#/components/headers/{name}"} for name in dict.fromkeys(names)}
