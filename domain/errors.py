"""What can go wrong, as a small tree; each class carries the stable code a client may switch on.

    OrdergraphError
    ├── BadInput            BAD_USER_INPUT         the request itself is wrong; repeating it will not help
    ├── QueryTooComplex     QUERY_TOO_COMPLEX      the operation asks for more than one answer may cost
    ├── Unauthenticated     UNAUTHENTICATED        we do not know who asks
    ├── Forbidden           FORBIDDEN              we know who asks; they may not do this
    ├── NotFound            NOT_FOUND              absent, or not visible to who asks: both look the same
    ├── Conflict            CONFLICT               the state of the thing does not allow it now; read again
    │   ├── IllegalMove     ILLEGAL_STATUS_MOVE    a status may not become that status
    │   └── SourceConflict  SOURCE_CONFLICT        a source says what cannot be, by what others have said
    ├── Overloaded          OVERLOADED             a limit of load or rate is reached; retry later
    ├── DeadlineExceeded    DEADLINE_EXCEEDED      it took longer than the time allowed
    └── Unavailable         SERVICE_UNAVAILABLE    something needed for the answer is down; retry later

Every message says what was wrong, where, and what to do, and holds no personal data and no secret.
"""

# ruff: noqa: N818  (the names say what happened, as in the table of codes; "Error" would only repeat the base)

from typing import ClassVar


class OrdergraphError(Exception):
    """Base of all expected errors: `code` is stable, `message` is for people."""

    code: ClassVar[str] = "INTERNAL_ERROR"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class BadInput(OrdergraphError):
    code = "BAD_USER_INPUT"


class QueryTooComplex(OrdergraphError):
    code = "QUERY_TOO_COMPLEX"


class Unauthenticated(OrdergraphError):
    code = "UNAUTHENTICATED"


class Forbidden(OrdergraphError):
    code = "FORBIDDEN"


class NotFound(OrdergraphError):
    code = "NOT_FOUND"


class Conflict(OrdergraphError):
    code = "CONFLICT"


class IllegalMove(Conflict):
    code = "ILLEGAL_STATUS_MOVE"


class SourceConflict(Conflict):
    code = "SOURCE_CONFLICT"


class Overloaded(OrdergraphError):
    code = "OVERLOADED"


class DeadlineExceeded(OrdergraphError):
    code = "DEADLINE_EXCEEDED"


class Unavailable(OrdergraphError):
    code = "SERVICE_UNAVAILABLE"
