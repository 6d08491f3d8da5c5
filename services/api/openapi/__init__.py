"""The OpenAPI 3.1 document, made from the endpoints' own contracts."""

from services.api.openapi.document import API_VERSION, build_document, openapi_handlers

__all__ = ["API_VERSION", "build_document", "openapi_handlers"]
