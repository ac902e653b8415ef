"""A vendor's orders."""

import typer

app = typer.Typer(help="A vendor's orders.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """A vendor's orders."""
