"""Runs the migrations on the connection `db.migrate` hands over."""

from alembic import context

import db.tables

context.configure(connection=context.config.attributes["connection"], target_metadata=db.tables.metadata)
with context.begin_transaction():
    context.run_migrations()
