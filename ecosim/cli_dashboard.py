"""The command that serves the dashboard."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def dashboard(
    port: Annotated[int, typer.Option(metavar="N", min=1, max=65535, help="Port to listen on.")] = 8765,
    host: Annotated[
        str, typer.Option(metavar="H", help="Address to listen on; 0.0.0.0 lets the machines of a classroom in.")
    ] = "127.0.0.1",
    password: Annotated[
        str,
        typer.Option(
            metavar="TEXT", envvar="ECOSIM_PASSWORD", help="What a visitor must know; asked for if the class is let in."
        ),
    ] = "",
    studies: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Directory whose studies may be opened in the browser.")
    ] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open a browser.")] = False,
) -> None:
    """Serve the dashboard to a person, or to a class."""
    import sys

    from ecosim.serving import Serving, serve

    wanted = Serving(host, port, password, studies)
    if wanted.public and not password and sys.stdin is not None and sys.stdin.isatty():
        wanted = Serving(host, port, typer.prompt("Password of the class", hide_input=True), studies)
    serve(wanted, open_browser=not no_open)
