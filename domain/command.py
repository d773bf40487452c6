"""What we ask of an outside system, and how far that is."""

import enum


class CommandKind(enum.StrEnum):
    """What is asked."""

    REQUEST_FULFILLMENT = "REQUEST_FULFILLMENT"
    CANCEL_FULFILLMENT = "CANCEL_FULFILLMENT"


class CommandState(enum.StrEnum):
    """SENT: the call was begun, so the system may know of it; it is asked again under the same key until it answers."""

    PENDING = "PENDING"
    SENT = "SENT"
    DONE = "DONE"
    REFUSED = "REFUSED"
    DEAD = "DEAD"
