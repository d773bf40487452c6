"""Who may ask: API keys, of which only a digest is stored; and who may not any more."""

import sqlalchemy as sa

from db.tables.base import TextArray, instant, key, metadata, stamped, text, words
from domain.actor import Role
from domain.revocation import Revoked

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

# Each is announced by a journal entry ACCESS_REVOKED of entity ACCESS with the revocation's id.
revocations = sa.Table(
    "revocations",
    metadata,
    key(),
    text("kind"),
    # The id of a token (jti), or the subject of an actor.
    text("name"),
    sa.Column("version", sa.BigInteger, nullable=False, server_default="1"),
    stamped("revoked_at"),
    text("reason", nullable=True),
    text("actor"),
    # When it counts for nobody any more, if that is known.
    instant("expires_at"),
    sa.UniqueConstraint("kind", "name"),
    words("kind", Revoked),
)
