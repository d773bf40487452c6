"""`ordergraph revoke`: withdraw a token, or all that an actor has, before it expires."""

import asyncio
import datetime
import sys
from typing import TYPE_CHECKING, Annotated

import typer

import domain.errors
from gateway.cli import database, options

if TYPE_CHECKING:
    from db.commands.revocations import Withdrawn
    from domain.revocation import Revoked


def register(app: typer.Typer) -> None:
    app.command()(revoke)


def revoke(
    token: Annotated[bool, typer.Option("--token", help="The token on standard input.")] = False,
    token_id: Annotated[str | None, typer.Option(help="The token with this id (jti).", show_default=False)] = None,
    actor: Annotated[
        str | None,
        typer.Option(help="All that this actor has now, such as customer:C-1 or key:<prefix>.", show_default=False),
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Kept with it, for those who look later.")] = None,
    data_dir: options.DataDir = None,
) -> None:
    """Every gateway ends the streams concerned within a second and refuses what comes with the token."""
    from resolvers.commands.revoke_access import named

    expires_at = None
    if token:
        if token_id is not None or actor is not None:
            raise domain.errors.BadInput("Name one: --token, --token-id or --actor.")
        token_id, expires_at = identified(sys.stdin.readline())
    kind, name = named(token_id, actor)
    with database.reached(options.settings(data_dir=data_dir)) as found:
        done = asyncio.run(_revoke(found, kind, name, reason, expires_at))
    who = "The token" if kind.value == "TOKEN" else f"What {name} had until now"
    print(f"{who} is revoked since {done.revoked_at.isoformat(timespec='milliseconds')} (revocation {done.id}).")


def identified(text: str) -> tuple[str, datetime.datetime | None]:
    """The id and the expiry that a token claims; whether it is ours does not matter to whoever withdraws it."""
    import jwt

    from gateway import claims

    try:
        said = jwt.decode(text.strip().removeprefix("Bearer "), options={"verify_signature": False})
        token_id, expires_at = claims.text(said, "jti"), claims.instant(said, "exp")
    except (jwt.PyJWTError, domain.errors.OrdergraphError):
        raise domain.errors.BadInput("What came on standard input is no token (JWT).") from None
    if token_id is None:
        raise domain.errors.BadInput("This token has no id (jti). Revoke its actor: --actor.")
    return token_id, expires_at


async def _revoke(
    opened: database.Database,
    kind: "Revoked",
    name: str,
    reason: str | None,
    expires_at: datetime.datetime | None,
) -> "Withdrawn":
    import db.commands.revocations
    import db.pool

    await database.prepare(opened)
    connection = await db.pool.connect(opened.dsn, application="ordergraph revoke")
    try:
        async with connection.transaction():
            return await db.commands.revocations.revoke(
                connection, kind, name, actor="admin:cli", reason=reason, expires_at=expires_at
            )
    finally:
        await connection.close()
