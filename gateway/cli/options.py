"""Options that several commands share, and the settings they change."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gateway.settings import Settings

Host = Annotated[
    str | None, typer.Option(help="Address to listen on [ORDERGRAPH_HOST, 127.0.0.1].", show_default=False)
]
Port = Annotated[
    int | None, typer.Option(help="Port to listen on [ORDERGRAPH_PORT, 8000].", show_default=False, min=0, max=65535)
]
DataDir = Annotated[
    Path | None,
    typer.Option(help="Folder of the embedded database [ORDERGRAPH_DATA_DIR, .ordergraph].", show_default=False),
]


def settings(**options: object) -> "Settings":
    """From the environment, with the options given; warns about variables that look like settings and are none."""
    import gateway.settings

    for warning in gateway.settings.unknown(os.environ):
        print(f"ordergraph: {warning}", file=sys.stderr)
    return gateway.settings.load(**options)
