"""Who may ask: API keys, of which only a digest is stored."""

import sqlalchemy as sa

from db.tables.base import TextArray, instant, key, metadata, stamped, text, words
from domain.actor import Role

api_keys = sa.Table(
    "api_keys",
    metadata,
    key(),
    text("prefix"),
    sa.Column("secret_sha256", sa.LargeBinary, nullable=False),
    text("name"),
    text("role"),
    sa.Column("scopes", TextArray),
    text("customer_id", nullable=True),
    text("source", nullable=True),
    sa.Column("channels", TextArray),
    stamped("created_at"),
    instant("expires_at"),
    instant("revoked_at"),
    sa.UniqueConstraint("prefix"),
    words("role", Role),
)
