"""`ordergraph export-schema`: the schema definition, for composers, code generators and reviews."""

import sys
from pathlib import Path
from typing import Annotated

import typer

import domain.errors


def register(app: typer.Typer) -> None:
    app.command()(export_schema)


def export_schema(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; without it, stdout.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Only compare with the file of --output.")] = False,
) -> None:
    """Print the schema in GraphQL's definition language, with the directives of Federation 2."""
    import schema.build

    text = schema.build.sdl(schema.build.build())
    if output is None:
        sys.stdout.write(text)
    elif not check:
        output.write_text(text, encoding="utf-8")
    elif not output.is_file() or output.read_text(encoding="utf-8") != text:
        raise domain.errors.Conflict(f"{output} is not the schema: run `ordergraph export-schema -o {output}`.")
