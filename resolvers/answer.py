"""What goes into the engine and what comes out of it."""

import enum
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass


class Failure(enum.Enum):
    """Why an operation ended before it had data. The gateway maps each to a transport's status."""

    SYNTAX = "SYNTAX"
    VALIDATION = "VALIDATION"
    OPERATION = "OPERATION"
    VARIABLES = "VARIABLES"
    TOO_COMPLEX = "TOO_COMPLEX"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    DEADLINE = "DEADLINE"
    OVERLOADED = "OVERLOADED"
    UNAVAILABLE = "UNAVAILABLE"
    METHOD = "METHOD"
    KEY_REQUIRED = "KEY_REQUIRED"
    KEY_REUSED = "KEY_REUSED"
    IN_PROGRESS = "IN_PROGRESS"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """One operation as a client sent it, whatever the transport."""

    query: str
    operation_name: str | None = None
    variables: Mapping[str, object] | None = None
    extensions: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete GraphQL response as JSON bytes."""

    body: bytes
    failure: Failure | None = None
    has_errors: bool = False
    # The answer is still to come, and may be long in coming; until then `body` is empty.
    later: "Later | None" = None


@dataclass(frozen=True, slots=True)
class Later:
    """An operation that waits for something to happen, up to `seconds`. It holds nothing while nobody waits for it.

    `wait(seconds)` waits no longer than this and always has an answer; cancelled, it leaves nothing behind.
    """

    seconds: float
    wait: Callable[[float], Awaitable[Answer]]
