"""The command line, `ordergraph`. One module per command; what a command needs is imported when it runs."""

import importlib
import importlib.util
import sys

import typer

import domain.errors
from gateway.cli import database, demo, doctor, serve, settings, token

# Everything expected that goes wrong: one sentence on stderr and this exit code.
REFUSED = 2
# Written by others; each registers its commands by `register(app)`.
MORE = ("add", "connector", "export_schema", "import_", "report", "replay", "revoke", "watch")

app = typer.Typer(
    name="ordergraph",
    help="Orders, stock available for sale and shipments as one live GraphQL API.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for module in (serve, demo, database, token, settings, doctor):
    module.register(app)
for name in MORE:
    if importlib.util.find_spec(f"gateway.cli.{name}") is not None:
        importlib.import_module(f"gateway.cli.{name}").register(app)


def main() -> None:
    try:
        app()
    except domain.errors.OrdergraphError as error:
        print(f"ordergraph: {error.message}", file=sys.stderr)
        sys.exit(REFUSED)
    except KeyboardInterrupt:
        sys.exit(130)
