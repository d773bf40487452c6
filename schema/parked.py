"""Events that wait or were given up."""

import datetime as dt
import enum

import strawberry

from db import tables
from resolvers.fields import column, rows
from resolvers.sql import parked
from schema.paging import PageInfo


@strawberry.enum(description="Why an event is not applied.")
class ParkedState(enum.StrEnum):
    PARKED = "PARKED"
    DEAD = "DEAD"


@rows(tables.inbox, visible=parked.visible)
@strawberry.type(description="An event that came in and is not applied yet.")
class ParkedEvent:
    source: str = column("The system that sent it.")
    event_id: str = column("That system's id of the event.")
    kind: str = column("What it tells, such as TRACKING.")
    key: str = column("What it waits for, such as `order:web/1001`.", tables.inbox.c.order_key)
    state: ParkedState = column("PARKED is tried again; DEAD has failed eight times and waits for a replay.")
    attempts: int = column("How often it has failed.")
    next_attempt_at: dt.datetime | None = column("When it is tried again, if it has failed.")
    error: str | None = column("What stands in its way.")
    occurred_at: dt.datetime = column("When it happened, by the source's clock.")
    received_at: dt.datetime = column("When it came in.")


@strawberry.type(description="A parked event and its cursor.")
class ParkedEventEdge:
    cursor: str = strawberry.field(description="Its place in the list.")
    node: ParkedEvent = strawberry.field(description="The event.")


@strawberry.type(description="A page of parked events.")
class ParkedEventConnection:
    edges: list[ParkedEventEdge] = strawberry.field(description="Events with their cursors.")
    nodes: list[ParkedEvent] = strawberry.field(description="Events without cursors.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    total_count: int = strawberry.field(description="All of them; counted only when asked for.")
