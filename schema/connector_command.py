"""What outside systems are asked to do."""

import datetime as dt

import strawberry

from domain.command import CommandKind, CommandState
from schema.order import Order


@strawberry.type(description="Something that an outside system is asked to do, once, however often it has to be asked.")
class ConnectorCommand:
    id: strawberry.ID = strawberry.field(description="Its id, and the key under which the system knows it.")
    key: str = strawberry.field(description="Yours. The same request under it again shows how far the command is.")
    kind: CommandKind = strawberry.field(description="What is asked.")
    connector: str = strawberry.field(description="Who is asked, by the name in the connectors' file.")
    state: CommandState = strawberry.field(description="How far it is.")
    fulfillment_id: str | None = strawberry.field(description="The system's id of the work order, once it has said it.")
    refused: str | None = strawberry.field(description="Why it was refused, in the system's words or our code.")
    error: str | None = strawberry.field(description="Why the last attempt failed; null when it did not.")
    attempts: int = strawberry.field(description="How often it was tried since it was written or replayed.")
    created_at: dt.datetime = strawberry.field(description="When it was written down.")
    order: Order | None = strawberry.field(description="The order it is about.")
