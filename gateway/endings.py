"""What a client is told when the server ends its subscription; docs/realtime.md explains each code."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import orjson

from events.sink import Ended

MESSAGES: Final[Mapping[Ended, str]] = MappingProxyType(
    {
        Ended.SHUTDOWN: "This server ends. Connect again and go on from the cursor.",
        Ended.TOKEN_EXPIRED: "The token expired. Subscribe again with a new one and go on from the cursor.",
        Ended.REVOKED: "Your access was revoked. Ask for a new token.",
        Ended.SLOW: "The client read too slowly. Subscribe again and go on from the cursor.",
        Ended.LIMIT: "A limit is reached. End another subscription first, or try again later.",
        Ended.INTERNAL: "Something is wrong here, not with the request. Subscribe again and go on from the cursor.",
    }
)


def error(reason: Ended, cursor: str | None, code: str | None = None) -> dict[str, object]:
    """A GraphQL error with the code of the reason, unless the transport has its own, and where to go on from."""
    extensions = {"code": code or reason.value} | ({} if cursor is None else {"cursor": cursor})
    return {"message": MESSAGES[reason], "extensions": extensions}


def errors(reason: Ended, cursor: str | None) -> bytes:
    """The same as a list, which is what a message `error` holds."""
    return orjson.dumps([error(reason, cursor)])


def response(reason: Ended, cursor: str | None) -> bytes:
    """The same as a GraphQL response."""
    return orjson.dumps({"errors": [error(reason, cursor)]})
