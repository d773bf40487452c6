"""`ordergraph token`: a bearer token signed by ourselves."""

import datetime
import re
from typing import Annotated

import typer

import domain.errors
from gateway.cli import options

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def register(app: typer.Typer) -> None:
    app.command()(token)


def token(
    role: Annotated[str, typer.Option(help="storefront, customer, support, assistant, operator, integrator or admin.")],
    customer: Annotated[str | None, typer.Option(help="The customer's id, for customer and assistant.")] = None,
    source: Annotated[str | None, typer.Option(help="The source an integrator writes for.")] = None,
    channel: Annotated[list[str] | None, typer.Option(help="Only these sales channels; may be repeated.")] = None,
    scope: Annotated[list[str] | None, typer.Option(help="A scope beyond the role's, such as pii:read.")] = None,
    ttl: Annotated[str, typer.Option(help="How long it holds: 90s, 30m, 1h, 7d.")] = "1h",
    data_dir: options.DataDir = None,
) -> None:
    """Print a token for a role; the token is the last line."""
    import domain.actor
    import gateway.signing
    import gateway.tokens

    try:
        known = domain.actor.Role(role)
    except ValueError:
        raise domain.errors.BadInput(f"{role} is no role: choose one of {', '.join(domain.actor.Role)}.") from None
    lasting = duration(ttl)
    settings = gateway.signing.with_secret(options.settings(data_dir=data_dir))
    if not settings.token_secrets:
        raise domain.errors.BadInput(
            "ORDERGRAPH_TOKEN_SECRET is not set: with a database of your own, set the same one here and for serve "
            "(openssl rand -hex 32)."
        )
    print(
        gateway.tokens.issue_token(
            settings.token_secrets[0],
            known,
            ttl=lasting,
            now=datetime.datetime.now(datetime.UTC),
            customer_id=customer,
            source=source,
            channels=frozenset(channel) if channel else None,
            extra_scopes=frozenset(scope or ()),
        )
    )


def duration(text: str) -> datetime.timedelta:
    """90s, 30m, 1h or 7d."""
    found = re.fullmatch(r"([1-9]\d{0,8})([smhd])", text)
    if found is None:
        raise domain.errors.BadInput(f"{text} is no duration: write a number and s, m, h or d, such as 30m.")
    return datetime.timedelta(seconds=int(found[1]) * UNITS[found[2]])
