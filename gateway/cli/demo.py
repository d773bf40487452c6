"""`ordergraph demo`: serve with sample data, and say what to try."""

import datetime
from typing import TYPE_CHECKING, Annotated

import typer

import domain.errors
from gateway.cli import options, serve

if TYPE_CHECKING:
    from gateway.cli.simulated import Simulated
    from gateway.settings import Settings

TOKEN_HOURS = 12
# For an earlier run whose `make` was killed and that is just noticing.
PATIENCE_SECONDS = 3.0
# Both in db.sample: a customer with several orders, and the source of a marketplace.
CUSTOMER = "C-1001"
SOURCE = "amazon"
QUESTIONS = (
    """What can be sold, and when would it arrive? (storefront)

{
  availability(skus: ["TENT-2P", "BOOT-46"], channel: "web") { sku sellable availableForSale backorderable accuracy }
  promise(lines: [{sku: "TENT-2P", quantity: 1}], channel: "web", destination: {country: "DE", postalCode: "20457"}) {
    earliest latest complete groups { locationCode carrier reasons { text day } }
  }
}""",
    """Which orders need somebody? (support)

{
  orders(first: 5, filter: {attention: [LATE, LATE_RISK, PARTIAL_HOLD, DELIVERY_EXCEPTION]}) {
    totalCount
    nodes { number channel { code } status attention promise { current { latest } } lines { sku quantity status } }
  }
}""",
    """Where are my orders? (customer)

{
  orders(first: 3) {
    nodes {
      number status total { amount currency } shipments { status trackingNumber }
      timeline(first: 3) { nodes { type occurredAt source } }
    }
  }
}""",
)


# The loop itself keeps only weak references to its tasks.
RUNNING: set[object] = set()


def register(app: typer.Typer) -> None:
    app.command()(demo)


def demo(
    port: options.Port = None,
    data_dir: options.DataDir = None,
    until_parent_ends: Annotated[bool, typer.Option("--until-parent-ends", hidden=True)] = False,
) -> None:
    """Serve with sample data; prints addresses, a token per role, and questions to try. Ctrl-C ends it."""
    import gateway.signing

    settings = options.settings(port=port, data_dir=data_dir, log_json=False)
    if settings.database_url is not None:
        raise domain.errors.BadInput(
            "The demo fills a database with samples, so it uses only its own: unset ORDERGRAPH_DATABASE_URL."
        )
    print("Starting the database ...", flush=True)
    settings = gateway.signing.with_secret(settings)
    outside = _outside(settings)
    if outside is not None:
        settings = settings.changed(connectors_file=outside.file)

    async def before(dsn: str) -> None:
        await _load_samples(dsn)
        if outside is not None:
            await outside.start()

    serve.run(
        settings,
        serve.Manner(
            ready=lambda url: _open(settings, url, outside),
            before=before,
            patience=PATIENCE_SECONDS,
            until_parent_ends=until_parent_ends,
        ),
    )


def _outside(settings: "Settings") -> "Simulated | None":
    """A carrier and a storefront, unless the demo was installed without them or told of others."""
    from gateway.cli import simulated

    return simulated.Simulated(settings) if settings.connectors_file is None and simulated.there() else None


async def _load_samples(dsn: str) -> None:
    import db.pool
    import db.sample

    connection = await db.pool.connect(dsn, application="ordergraph-demo", statement_seconds=0)
    try:
        if not await db.sample.is_loaded(connection):
            print("Loading sample orders ...", flush=True)
            await db.sample.load(connection, now=datetime.datetime.now(datetime.UTC))
    finally:
        await connection.close()


def _open(settings: "Settings", url: str, outside: "Simulated | None") -> None:
    """Say how to ask, and let things happen in the shop."""
    import asyncio

    from gateway.cli.traffic import Traffic

    print(_welcome(settings, url, outside), flush=True)
    task = asyncio.get_running_loop().create_task(Traffic(url, _tokens(settings)["operator"]).run())
    RUNNING.add(task)
    if outside is not None:
        outside.open(url)


def _welcome(settings: "Settings", url: str, outside: "Simulated | None") -> str:
    """All a newcomer needs, ready to copy."""
    tokens = "\n".join(f"  {role:<10}  {token}" for role, token in _tokens(settings).items())
    number = url.rpartition(":")[2]
    port = "" if number == "8000" else f" --url {url}"
    questions = "\n\n".join(f"{number}. {question}" for number, question in enumerate(QUESTIONS, 1))
    return f"""
Ordergraph answers at {url}/graphql; open it in a browser for GraphiQL. Ready: {url}/readyz
Metrics: {url}/metrics

Tokens for the next {TOKEN_HOURS} hours, sent as the header "Authorization: Bearer <token>":
{tokens}

Three questions to paste:

{questions}
{_of_outside(outside)}
Something changes every few seconds. To see it, in another terminal: .venv/bin/ordergraph watch{port}

The data is in {settings.data_dir.absolute()}; delete that folder to start anew. Ctrl-C ends the demo.
"""


def _of_outside(outside: "Simulated | None") -> str:
    if outside is None:
        return ""
    from gateway.cli.simulated import QUESTION

    return f"""
A storefront (webshop) and a carrier (carrier-net) are simulated beside it, connected by {outside.file}.
They tell of orders and scans by signed webhooks; what they have not told yet, live fields ask. After half a minute:

{QUESTION}
"""


def _tokens(settings: "Settings") -> dict[str, str]:
    """One per role, all of people and systems that the samples know."""
    import gateway.tokens
    from domain.actor import Role

    now = datetime.datetime.now(datetime.UTC)
    return {
        str(role): gateway.tokens.issue_token(
            settings.token_secrets[0],
            role,
            ttl=datetime.timedelta(hours=TOKEN_HOURS),
            now=now,
            customer_id=CUSTOMER if role in (Role.CUSTOMER, Role.ASSISTANT) else None,
            source=SOURCE if role is Role.INTEGRATOR else None,
        )
        for role in Role
    }
