"""The one table of error codes with their HTTP status, and the refusals only HTTP knows; docs/errors.md explains each.

OrdergraphError
└── Refused                 the request never became an operation
    ├── MalformedJson           MALFORMED_JSON
    ├── MalformedRequest        BAD_REQUEST
    ├── MethodNotAllowed        METHOD_NOT_ALLOWED
    ├── NotAcceptable           NOT_ACCEPTABLE
    ├── UnsupportedMediaType    UNSUPPORTED_MEDIA_TYPE
    ├── PayloadTooLarge         PAYLOAD_TOO_LARGE
    ├── UriTooLong              URI_TOO_LONG
    ├── SlowBody                REQUEST_TIMEOUT
    ├── CrossSite               CROSS_SITE_REQUEST
    └── PersistedQuery...       the words and codes that Apollo's clients look for
"""

# ruff: noqa: N818  (as in domain.errors: the names say what happened)

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final

import orjson

from domain.errors import OrdergraphError, Unauthenticated
from resolvers.answer import Failure

Headers = tuple[tuple[bytes, bytes], ...]


class StatusStyle(enum.StrEnum):
    """`deployed` is what today's clients and proxies expect; `draft` is GraphQL over HTTP of August 2026."""

    DEPLOYED = "deployed"
    DRAFT = "draft"


# code: (deployed, draft)
STATUS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {
        "GRAPHQL_PARSE_FAILED": (400, 400),
        "GRAPHQL_VALIDATION_FAILED": (400, 422),
        "OPERATION_RESOLUTION_FAILURE": (400, 422),
        "BAD_USER_INPUT": (400, 422),
        "QUERY_TOO_COMPLEX": (400, 422),
        "UNAUTHENTICATED": (401, 401),
        "FORBIDDEN": (403, 403),
        "NOT_FOUND": (404, 404),
        "CONFLICT": (409, 409),
        "ILLEGAL_STATUS_MOVE": (409, 409),
        # As in the draft of the header Idempotency-Key.
        "IDEMPOTENCY_KEY_REQUIRED": (400, 400),
        "IDEMPOTENCY_KEY_REUSED": (422, 422),
        "CONFLICT_IN_PROGRESS": (409, 409),
        # Of single items of a batch; the answer as a whole is 200.
        "EVENT_ID_REUSED": (409, 409),
        "CHANGE_FROM_QUANTITY_STALE": (409, 409),
        "STOCK_BELOW_ZERO": (409, 409),
        "SOURCE_CONFLICT": (409, 409),
        "OVERLOADED": (503, 503),
        "DEADLINE_EXCEEDED": (504, 504),
        "SERVICE_UNAVAILABLE": (503, 503),
        "INTERNAL_ERROR": (500, 500),
        "MALFORMED_JSON": (400, 400),
        "BAD_REQUEST": (400, 422),
        "METHOD_NOT_ALLOWED": (405, 405),
        "NOT_ACCEPTABLE": (406, 406),
        "REQUEST_TIMEOUT": (408, 408),
        "PAYLOAD_TOO_LARGE": (413, 413),
        "URI_TOO_LONG": (414, 414),
        "UNSUPPORTED_MEDIA_TYPE": (415, 415),
        "CROSS_SITE_REQUEST": (403, 403),
        # 200, because clients that speak persisted queries read the body of these, as from Apollo's servers.
        "PERSISTED_QUERY_NOT_FOUND": (200, 200),
        "PERSISTED_QUERY_NOT_SUPPORTED": (200, 200),
        "PERSISTED_QUERY_HASH_MISMATCH": (400, 400),
    }
)

FAILURE_CODE: Final[Mapping[Failure, str]] = MappingProxyType(
    {
        Failure.SYNTAX: "GRAPHQL_PARSE_FAILED",
        Failure.VALIDATION: "GRAPHQL_VALIDATION_FAILED",
        Failure.OPERATION: "OPERATION_RESOLUTION_FAILURE",
        Failure.VARIABLES: "BAD_USER_INPUT",
        Failure.TOO_COMPLEX: "QUERY_TOO_COMPLEX",
        Failure.UNAUTHENTICATED: "UNAUTHENTICATED",
        Failure.FORBIDDEN: "FORBIDDEN",
        Failure.NOT_FOUND: "NOT_FOUND",
        Failure.CONFLICT: "CONFLICT",
        Failure.DEADLINE: "DEADLINE_EXCEEDED",
        Failure.OVERLOADED: "OVERLOADED",
        Failure.UNAVAILABLE: "SERVICE_UNAVAILABLE",
        Failure.METHOD: "METHOD_NOT_ALLOWED",
        Failure.KEY_REQUIRED: "IDEMPOTENCY_KEY_REQUIRED",
        Failure.KEY_REUSED: "IDEMPOTENCY_KEY_REUSED",
        Failure.IN_PROGRESS: "CONFLICT_IN_PROGRESS",
        Failure.INTERNAL: "INTERNAL_ERROR",
    }
)

# Data together with errors: clients and proxies in the field know no 294.
PARTIAL: Final = {StatusStyle.DEPLOYED: 200, StatusStyle.DRAFT: 294}

# What a status requires beside the body.
STATUS_HEADERS: Final[Mapping[int, Headers]] = MappingProxyType(
    {
        # Only a mutation sent by GET; what else is refused with 405 names its own methods.
        405: ((b"allow", b"POST"),),
        401: ((b"www-authenticate", b"Bearer"),),
        # The rest of a slow body would be read as the next request.
        408: ((b"connection", b"close"),),
        503: ((b"retry-after", b"1"),),
    }
)


def status(code: str, style: StatusStyle) -> int:
    deployed, draft = STATUS[code]
    return draft if style is StatusStyle.DRAFT else deployed


def failure_statuses(style: StatusStyle) -> dict[Failure, int]:
    return {failure: status(code, style) for failure, code in FAILURE_CODE.items()}


def body(message: str, code: str, **extensions: object) -> bytes:
    """A GraphQL response that holds this one error and no data."""
    return orjson.dumps({"errors": [{"message": message, "extensions": {"code": code, **extensions}}]})


class InvalidToken(Unauthenticated):
    """A token came with the request and is not good; the message says why and never repeats it."""

    headers: Headers = ((b"www-authenticate", b'Bearer error="invalid_token"'),)


class Refused(OrdergraphError):
    """Refused before there was an operation; `headers` go out with the answer."""

    headers: Headers = ()


class MalformedJson(Refused):
    code = "MALFORMED_JSON"


class MalformedRequest(Refused):
    code = "BAD_REQUEST"


class MethodNotAllowed(Refused):
    code = "METHOD_NOT_ALLOWED"

    def __init__(self, message: str, allow: bytes) -> None:
        super().__init__(message)
        self.headers = ((b"allow", allow),)


class NotAcceptable(Refused):
    code = "NOT_ACCEPTABLE"


class UnsupportedMediaType(Refused):
    code = "UNSUPPORTED_MEDIA_TYPE"
    headers = ((b"accept", b"application/json"), (b"accept-encoding", b"identity"))


class PayloadTooLarge(Refused):
    code = "PAYLOAD_TOO_LARGE"


class UriTooLong(Refused):
    code = "URI_TOO_LONG"


class SlowBody(Refused):
    code = "REQUEST_TIMEOUT"


class CrossSite(Refused):
    code = "CROSS_SITE_REQUEST"


class PersistedQuery(Refused):
    """Clients match on these exact words, or on the code."""

    words: ClassVar[str]

    def __init__(self) -> None:
        super().__init__(self.words)


class PersistedQueryNotFound(PersistedQuery):
    code = "PERSISTED_QUERY_NOT_FOUND"
    words = "PersistedQueryNotFound"
    headers = ((b"cache-control", b"private, no-cache, must-revalidate"),)


class PersistedQueryNotSupported(PersistedQuery):
    code = "PERSISTED_QUERY_NOT_SUPPORTED"
    words = "PersistedQueryNotSupported"
    headers = ((b"cache-control", b"private, no-cache, must-revalidate"),)


class PersistedQueryHashMismatch(PersistedQuery):
    code = "PERSISTED_QUERY_HASH_MISMATCH"
    words = "provided sha does not match query"
