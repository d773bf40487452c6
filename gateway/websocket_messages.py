"""graphql-transport-ws as text: what a client may say, what is wrong with it, and what a server says.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md. The reasons of the codes are that document's words.
"""

import enum
from typing import Any, Final

import orjson

SUBPROTOCOL: Final = "graphql-transport-ws"
LONGEST_ID: Final = 256
# RFC 6455 section 5.5: a control frame holds 125 bytes, two of them the code.
LONGEST_REASON: Final = 123


class Code(enum.IntEnum):
    """Why a socket is closed. Clients of npm's graphql-ws connect again after those marked with *."""

    RESTART = 1012  # *
    TRY_LATER = 1013  # *
    BAD_REQUEST = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403  # *
    SUBPROTOCOL = 4406
    INIT_TIMEOUT = 4408  # *
    SUBSCRIBER_EXISTS = 4409
    TOO_MANY_INITS = 4429
    INTERNAL = 4500
    # Ours.
    SLOW = 4509  # *
    PING_TIMEOUT = 4510  # *


REASONS: Final = {
    Code.RESTART: "Service Restart",
    Code.TRY_LATER: "Try again later",
    Code.UNAUTHORIZED: "Unauthorized",
    Code.FORBIDDEN: "Forbidden",
    Code.SUBPROTOCOL: "Subprotocol not acceptable",
    Code.INIT_TIMEOUT: "Connection initialisation timeout",
    Code.TOO_MANY_INITS: "Too many initialisation requests",
    Code.INTERNAL: "Internal server error",
    Code.SLOW: "slow",
    Code.PING_TIMEOUT: "Ping timeout",
}
# The same code as for a token that never held: clients of graphql-ws answer both by connecting with another one.
EXPIRED: Final = "Forbidden: token expired"
REVOKED: Final = "Forbidden: access revoked"


class Violation(Exception):  # noqa: N818  (what the client did, not what failed here)
    """The client broke the protocol, which closes the socket."""

    def __init__(self, code: Code, reason: str | None = None) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason or REASONS[code]


def bad(reason: str) -> Violation:
    return Violation(Code.BAD_REQUEST, reason)


def parse(text: str) -> dict[str, Any]:
    """A message: an object with a string `type`."""
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise bad("Message is not JSON") from None
    if type(message) is not dict:
        raise bad("Message is not an object")
    if not isinstance(message.get("type"), str):
        raise bad("Message property 'type' is not a string")
    return message


def operation_id(message: dict[str, Any]) -> str:
    identifier = message.get("id")
    if not isinstance(identifier, str) or not identifier:
        raise bad(f"Message '{message['type']}' needs a non-empty string 'id'")
    if len(identifier) > LONGEST_ID:
        raise bad(f"Message property 'id' is longer than {LONGEST_ID} characters")
    return identifier


def payload(message: dict[str, Any]) -> dict[str, Any] | None:
    """The optional payload of everything but `subscribe`; null is as good as absent."""
    value = message.get("payload")
    if value is not None and not isinstance(value, dict):
        raise bad(f"Message '{message['type']}' has a payload that is not an object")
    return value


def operation(message: dict[str, Any]) -> dict[str, Any]:
    value = payload(message)
    if value is None:
        raise bad("Message 'subscribe' has no payload")
    return value


def authorization(given: dict[str, Any] | None, of_handshake: bytes | None) -> bytes | None:
    """The token of `connection_init`, in one of the two ways clients are written; else that of the handshake.

    A token that is not text cannot hold: its empty header is refused where tokens are read. Null is as good as absent.
    """
    for name, value in (given or {}).items():
        lowered = name.lower()
        if lowered not in ("authorization", "authtoken") or value is None:
            continue
        token = value.encode() if isinstance(value, str) else b""
        bare = lowered == "authtoken" and token and token[:7].lower() != b"bearer "
        return b"Bearer " + token if bare else token
    return of_handshake


def clipped(reason: str) -> str:
    encoded = reason.encode()
    return reason if len(encoded) <= LONGEST_REASON else encoded[:LONGEST_REASON].decode(errors="ignore")


def with_cursor(reason: str, cursor: str | None) -> str:
    """Where to go on from, for whoever reads close reasons; left out when it does not fit."""
    longer = f"{reason} cursor={cursor}"
    return longer if cursor is not None and len(longer) <= LONGEST_REASON else reason


def acknowledged(facts: dict[str, object]) -> str:
    return dump({"type": "connection_ack", "payload": facts})


def pong(echo: dict[str, Any] | None) -> str:
    return '{"type":"pong"}' if echo is None else dump({"type": "pong", "payload": echo})


def complete(quoted_id: str) -> str:
    return f'{{"id":{quoted_id},"type":"complete"}}'


def error(quoted_id: str, errors: bytes) -> str:
    return f'{{"id":{quoted_id},"type":"error","payload":{errors.decode()}}}'


def errors_of(body: bytes) -> bytes:
    """The list of errors of a GraphQL response without data."""
    return orjson.dumps(orjson.loads(body)["errors"])


def quoted(text: str) -> str:
    return orjson.dumps(text).decode()


def dump(message: dict[str, object]) -> str:
    return orjson.dumps(message).decode()
