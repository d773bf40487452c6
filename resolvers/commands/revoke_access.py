"""Withdraws a token, or all that an actor has, before it expires."""

from collections.abc import Mapping
from typing import Any, Final

import db.commands.revocations
from db.commands import transactions
from db.pool import Connection
from domain.errors import BadInput
from domain.revocation import Revoked
from resolvers.sources import CommandContext

LONGEST_NAME: Final = 256
LONGEST_REASON: Final = 500


def named(token_id: str | None, actor: str | None) -> tuple[Revoked, str]:
    """What is to be withdrawn: the one of the two that is given."""
    if (token_id is None) == (actor is None):
        raise BadInput("Name one of the two: the id of a token (jti), or an actor.")
    kind, name = (Revoked.TOKEN, token_id) if token_id is not None else (Revoked.ACTOR, actor)
    if not name or len(name) > LONGEST_NAME or "\x00" in name:
        raise BadInput(f"The name of what is withdrawn has 1 to {LONGEST_NAME} characters.")
    return kind, name


def check(context: CommandContext, _keyed: bool) -> None:
    named(context.arguments["tokenId"], context.arguments["actor"])
    if len(context.arguments["reason"] or "") > LONGEST_REASON:
        raise BadInput(f"The reason is longer than {LONGEST_REASON} characters.")


async def run(context: CommandContext) -> Mapping[str, Any]:
    kind, name = named(context.arguments["tokenId"], context.arguments["actor"])
    by = f"{context.actor.role}:{context.actor.subject}"

    async def work(connection: Connection) -> db.commands.revocations.Withdrawn:
        return await db.commands.revocations.revoke(
            connection, kind, name, actor=by, reason=context.arguments["reason"]
        )

    done = await transactions.run(context.inbox.pool, work)
    return {"id": str(done.id), "kind": kind.value, "name": name, "revokedAt": done.revoked_at}
