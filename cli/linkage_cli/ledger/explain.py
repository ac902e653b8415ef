"""`linkage explain cnv_…`: why a conversion earned what it did, and whether it would again."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from linkage.domain.conversions.conversions import Conversion, counted_text
from linkage.domain.money import amount_text
from linkage_cli.command_line import aws_errors
from linkage_cli.errors import ExitCode
from linkage_cli.networks import find_network, tables_of

NOUNS = ("conversions", "ledger", "payouts", "programs", "settings")


def explain(
    conversion: Annotated[str, typer.Argument(help="The conversion (cnv_…).")],
    stage: Annotated[str | None, typer.Option(help="The stage on AWS, for example prod.")] = None,
    local: Annotated[bool, typer.Option("--local", help="The network make dev runs.")] = False,
    replay: Annotated[
        bool,
        typer.Option("--replay", help="Compute it again from its facts, and compare every byte."),
    ] = False,
) -> None:
    """Tell a conversion's story: who could have had it, what it earned, why, and when it is due."""
    with (
        aws_errors("The network could not be read"),
        tables_of(find_network(stage, local=local), NOUNS),
    ):
        lines, is_right = replay_lines(conversion) if replay else ([], True)
        # What the ledger has wrong cannot be told as a story.
        told = [*story_lines(conversion), ""] if is_right else []
    print("\n".join([*told, *lines]).rstrip())
    if not is_right:
        raise typer.Exit(ExitCode.findings)


def story_lines(conversion_id: str) -> Iterator[str]:
    """What an operator is told of a conversion: its head, its facts, and its story in sentences."""
    from linkage.flow.explanations.explanations import explanation
    from linkage.flow.explanations.viewers import Viewer
    from linkage.tables.conversions import get_conversion

    conversion = get_conversion(conversion_id)
    told = explanation(conversion, Viewer("operator", None))
    yield f"{conversion_id}: {_what(conversion)}, {conversion.status}"
    yield (
        f"Vendor {conversion.vendor_id}, order {conversion.external_id}, program "
        f"{conversion.program_id} version {conversion.program_version}, network settings version "
        f"{conversion.settings_version}"
    )
    yield from ("", "Facts:", f"- {conversion.reported_at} report")
    yield from (f"- {_fact(fact, conversion.currency)}" for fact in told["facts"])
    yield from ("", "Story:")
    yield from (f"- {sentence}" for sentence in told["story"])


def _what(conversion: Conversion) -> str:
    if conversion.counted:
        day = conversion.occurred_at[:10]
        return f"{counted_text(conversion)} of link {conversion.link_code} on {day}"
    amount = amount_text(conversion.amount_minor, conversion.currency)
    return f"a {conversion.event} of {amount}"


def _fact(fact: Mapping[str, Any], currency: str) -> str:
    said = f"{fact['accepted_at']} {fact['fact']}"
    if "amount_minor" in fact:
        said += f" {fact.get('external_id', '')} of {amount_text(fact['amount_minor'], currency)}"
    return f"{said}: {fact['reason']}" if fact.get("reason") else said


def replay_lines(conversion_id: str) -> tuple[list[str], bool]:
    """What came of computing the conversion again, and whether the ledger has just that."""
    from linkage_cli.ledger.replay import replayed

    found = replayed(conversion_id)
    return list(found.lines()), not found.differences
