"""What can go wrong with an outside system. Vendor exceptions become one of these once, at the boundary.

    ConnectorError
    ├── Unauthorized    CONNECTOR_UNAUTHORIZED     our credentials are not (or no longer) accepted; somebody must act
    ├── RateLimited     CONNECTOR_RATE_LIMITED     too many requests; again after `retry_after` seconds
    ├── Unreachable     CONNECTOR_UNREACHABLE      no answer in time, a cut connection, or a fault on their side (5xx)
    ├── NotYet          CONNECTOR_NOT_YET          it answers, and is not done; again at the next run, not in this call
    ├── BadPayload      CONNECTOR_BAD_PAYLOAD      one side does not understand the other; `path` leads to the place
    └── NotAsked        the runtime, not the system, ended it
        ├── DeadlinePassed  CONNECTOR_DEADLINE       the time the caller gave is over
        ├── BreakerOpen     CONNECTOR_BREAKER_OPEN   it failed so often that it is left alone for `retry_after` seconds
        ├── Busy            CONNECTOR_BUSY           as many calls as are allowed run and wait already
        └── NotConnected    CONNECTOR_NOT_CONNECTED  no such instance, or it cannot do this

Unauthorized and BadPayload will not pass by themselves; RateLimited and Unreachable may be tried again, in a budget.
Business outcomes, such as a refused fulfillment request, are no errors but typed results. Messages name the system and
what to do, and hold no secret, no personal data and nothing that the vendor sent.
"""

# ruff: noqa: N818  (the names say what happened, as in domain.errors)

from typing import ClassVar

from domain.errors import OrdergraphError


class ConnectorError(OrdergraphError):
    """`retryable` says whether the same call may succeed later without anybody's doing."""

    code = "CONNECTOR_FAILED"
    retryable: ClassVar[bool] = False


class Unauthorized(ConnectorError):
    code = "CONNECTOR_UNAUTHORIZED"


class RateLimited(ConnectorError):
    """`retry_after` in seconds, None when the vendor does not say."""

    code = "CONNECTOR_RATE_LIMITED"
    retryable = True

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unreachable(ConnectorError):
    code = "CONNECTOR_UNREACHABLE"
    retryable = True


class NotYet(ConnectorError):
    """The system is at work on what we asked for, such as a file it writes. It says nothing against other calls."""

    code = "CONNECTOR_NOT_YET"
    retryable = True


class BadPayload(ConnectorError):
    """`path` leads from the top of the payload to what is wrong, such as `orders.3.lineItems.0.sku`."""

    code = "CONNECTOR_BAD_PAYLOAD"

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class NotAsked(ConnectorError):
    """Raised by connectors.runtime only; a connector never does."""


class DeadlinePassed(NotAsked):
    code = "CONNECTOR_DEADLINE"


class BreakerOpen(NotAsked):
    code = "CONNECTOR_BREAKER_OPEN"

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Busy(NotAsked):
    code = "CONNECTOR_BUSY"


class NotConnected(NotAsked):
    code = "CONNECTOR_NOT_CONNECTED"
