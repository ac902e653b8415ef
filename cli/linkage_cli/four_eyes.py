"""`linkage network four-eyes off`: the recorded way out when the second person is lost."""

from dataclasses import replace
from typing import Annotated

import typer

from linkage.domain.errors import BusyError
from linkage.domain.fields import checked_text
from linkage.domain.people.audit import record_by
from linkage_cli.api_keys import Local, Stage
from linkage_cli.command_line import aws_errors, commands
from linkage_cli.networks import Network, find_network, principal, tables_of

app = commands("The network's settings.")
four_eyes = commands("Whether some things take two persons.")
app.add_typer(four_eyes, name="four-eyes")

NOUNS = ("settings", "audit")
WHY_LENGTH_MAX = 500


@app.callback()
def group() -> None:
    """The network's settings."""


@four_eyes.callback()
def four_eyes_group() -> None:
    """Whether some things take two persons."""


@four_eyes.command("off")
def off_command(
    why: Annotated[str, typer.Option(help="Why, in a sentence, for the audit record.")],
    stage: Stage = None,
    local: Local = False,
) -> None:
    """Turn four eyes off with AWS credentials, recorded, because no second person is left."""
    with aws_errors("Four eyes were not turned off"):
        network = find_network(stage, local=local)
        with tables_of(network, NOUNS):
            version = turn_off(network, checked_text(why, "/why", WHY_LENGTH_MAX))
    said = "were off already" if version is None else f"are off from version {version} on"
    print(f"Four eyes {said}.")


def turn_off(network: Network, why: str) -> int | None:
    """Publishes the settings without four eyes; the version, or None if they were off.

    What was planned while they were on still takes two persons.
    """
    from linkage.domain.errors import ConditionFailedError
    from linkage.tables.audit import put_record
    from linkage.tables.dynamodb.transactions import attempts
    from linkage.tables.settings import current_settings, publish_settings

    who = (principal(network), "")
    for _ in attempts():
        now = current_settings()
        if not now.four_eyes:
            return None
        off = replace(now, version=now.version + 1, four_eyes=False)
        record = record_by(who, "network", "network.published", now, off, why=why)
        try:
            publish_settings(off, [put_record(record)])
        except ConditionFailedError:
            continue
        return off.version
    raise BusyError
