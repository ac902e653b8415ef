"""Keys to the API."""

import typer

app = typer.Typer(help="Keys to the API.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keys to the API."""
