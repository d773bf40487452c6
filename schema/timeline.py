"""The one consolidated story of an order."""

import datetime as dt

import strawberry

from db import tables
from resolvers.fields import column, rows
from schema.paging import PageInfo
from schema.scalars import Json


@rows(tables.journal)
@strawberry.type(description="Something that happened: what, when, who, and from which system we know.")
class TimelineEntry:
    id: strawberry.ID = column("The event's id.", tables.journal.c.event_id)
    type: str = column("What happened, in the past tense, such as SHIPMENT_SCANNED.")
    entity: str = column("What kind of thing it happened to.")
    entity_id: strawberry.ID = column("Which one.")
    version: int = column("The thing's version after it.")
    changed: list[str] = column("The fields that changed.")
    data: Json = column("What changed, without personal data.")
    source: str = column("The system that told us.")
    source_event_id: str | None = column("That system's id of the event.")
    actor: str = column("Who did it.")
    occurred_at: dt.datetime = column("When it happened in the world.")
    recorded_at: dt.datetime = column("When we recorded it.")


@strawberry.type(description="An entry and its cursor.")
class TimelineEdge:
    cursor: str = strawberry.field(description="Its place in the list.")
    node: TimelineEntry = strawberry.field(description="The entry.")


@strawberry.type(description="A page of a timeline.")
class TimelineConnection:
    edges: list[TimelineEdge] = strawberry.field(description="Entries with their cursors.")
    nodes: list[TimelineEntry] = strawberry.field(description="Entries without cursors.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    total_count: int = strawberry.field(description="All entries; counted only when asked for.")
