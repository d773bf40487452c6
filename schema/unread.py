"""What outside systems told that could not be read."""

import datetime as dt

import strawberry

from connectors.base import Capability
from db import tables
from resolvers.fields import column, rows
from resolvers.sql import unread
from schema.paging import PageInfo


@rows(tables.connector_unread)
@strawberry.type(description="An order, count or return that an outside system told and that could not be read.")
class UnreadEntry:
    connector: str = column("The outside system's name in the connectors' file.", tables.connector_unread.c.instance)
    capability: Capability = column("The pull that met it.", unread.pulled)
    reference: str = column("What it is there, such as an order's number; else its place on the page.")
    path: str = column("What of it could not be read, such as `orders.3.lines.0.sku`.")
    error: str = column("What is wrong with that.")
    found_at: dt.datetime = column("When it was first met.")
    seen_at: dt.datetime = column("When it was last met.")


@strawberry.type(description="An entry that could not be read and its cursor.")
class UnreadEntryEdge:
    cursor: str = strawberry.field(description="Its place in the list.")
    node: UnreadEntry = strawberry.field(description="The entry.")


@strawberry.type(description="A page of entries that could not be read.")
class UnreadEntryConnection:
    edges: list[UnreadEntryEdge] = strawberry.field(description="Entries with their cursors.")
    nodes: list[UnreadEntry] = strawberry.field(description="Entries without cursors.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    total_count: int = strawberry.field(description="All of them; counted only when asked for.")
