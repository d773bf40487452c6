"""What outside systems were asked to do for an order."""

import datetime as dt

import strawberry

from db import tables
from domain.command import CommandKind, CommandState
from resolvers.fields import column, rows

strawberry.enum(CommandKind, name="ConnectorCommandKind", description="What an outside system is asked to do.")
strawberry.enum(CommandState, name="ConnectorCommandState", description="How far a command to an outside system is.")


@rows(tables.connector_commands)
@strawberry.type(description="What an outside system was asked to do for an order, and how far that is.")
class Request:
    id: strawberry.ID = column("Its id, and the key under which the system knows it.")
    key: str = column("The key of whoever asked.")
    kind: CommandKind = column("What is asked.")
    connector: str = column("Who is asked, by the name in the connectors' file.", tables.connector_commands.c.instance)
    state: CommandState = column("How far it is.")
    fulfillment_id: str | None = column("The system's id of the work order, once it has said it.")
    refused: str | None = column("Why it was refused, in the system's words or our code; WITHDRAWN by one of us.")
    error: str | None = column("Why the last attempt failed; null when it did not.")
    attempts: int = column("How often it was tried since it was written or replayed.")
    created_at: dt.datetime = column("When it was written down.")
    sent_at: dt.datetime | None = column("When the system was first asked; null when it never was.")
