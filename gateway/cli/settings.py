"""`ordergraph settings`: every variable with its value and meaning."""

import os

import typer

from gateway.cli import options


def register(app: typer.Typer) -> None:
    app.command(name="settings")(show)


def show() -> None:
    """List the settings: variable, value (* when it is set in the environment), meaning. Secrets stay hidden."""
    import gateway.settings

    settings = options.settings()
    for variable in gateway.settings.variables():
        mark = "*" if os.environ.get(variable.name) else " "
        print(f"{mark} {variable.name}={variable.shown(settings)}")
        print(f"      {variable.meaning}")
