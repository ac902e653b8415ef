"""`linkage audit list`: who changed what, when, and from what into what."""

import json
from collections.abc import Iterator
from typing import Annotated

import typer

from linkage.domain.people.audit import Record
from linkage_cli.api_keys import Local, Stage
from linkage_cli.command_line import aws_errors, commands
from linkage_cli.errors import CommandError
from linkage_cli.networks import find_network, tables_of

app = commands("Who changed what.")

NOUNS = ("audit",)
PAGE = 100


@app.callback()
def group() -> None:
    """Who changed what."""


@app.command("list")
def list_command(
    subject: Annotated[
        str | None, typer.Option(help="What was changed, for example member#mem_… or network.")
    ] = None,
    day: Annotated[str | None, typer.Option(help="The UTC day, for example 2026-12-01.")] = None,
    stage: Stage = None,
    local: Local = False,
) -> None:
    """List the records of a subject or of a day, newest first."""
    if (subject is None) == (day is None):
        raise CommandError("Say what of: --subject member#mem_…, or --day 2026-12-01.")
    with (
        aws_errors("The records could not be read"),
        tables_of(find_network(stage, local=local), NOUNS),
    ):
        for record in _records(subject, day):
            print("\n".join(lines(record)))


def _records(subject: str | None, day: str | None) -> Iterator[Record]:
    from linkage.tables.audit import list_records

    cursor: str | None = None
    while True:
        page = list_records(PAGE, cursor, subject=subject, day=day)
        yield from page.data
        cursor = page.next_cursor
        if cursor is None:
            return


def lines(record: Record) -> Iterator[str]:
    """A record in words: one line of who did what, and one for each field that changed."""
    person = f" ({record.by_person})" if record.by_person else ""
    yield f"{record.at} {record.action} {record.subject} by {record.by_key}{person}"
    before, after = record.before or {}, record.after or {}
    for name in sorted({*before, *after}):
        if record.before is None:
            yield f"    {name}: {_text(after[name])}"
        else:
            yield f"    {name}: {_text(before.get(name))} → {_text(after.get(name))}"
    if record.why:
        yield f"    why: {record.why}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
