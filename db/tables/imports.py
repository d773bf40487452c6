"""What an import remembers: the runs that are not finished, and what each source said last of each thing."""

import sqlalchemy as sa

from db.tables.base import metadata, stamped, text

# A finished run leaves no row: an import that changes nothing changes nothing here either.
import_runs = sa.Table(
    "import_runs",
    metadata,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, primary_key=True),
    # Of mapping and files: only the same import is continued.
    text("fingerprint"),
    # The unlogged table that holds the rows of its files.
    text("staging"),
    sa.Column("rows", sa.BigInteger, nullable=False),
    stamped("started_at"),
)

imported = sa.Table(
    "imported",
    metadata,
    sa.Column("source", sa.Text, primary_key=True),
    # Code of the channel for orders, blank for items and locations.
    sa.Column("channel", sa.Text, primary_key=True),
    # ORDER, ITEM or LOCATION.
    sa.Column("kind", sa.Text, primary_key=True),
    # By which the source finds it, in its own words.
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("entity_id", sa.Uuid, nullable=False),
    # Of everything the source said: the same again means nothing to do.
    sa.Column("digest", sa.LargeBinary, nullable=False),
    # Of the order when it was imported: another one now means that somebody else changed it since.
    sa.Column("version", sa.BigInteger),
)
