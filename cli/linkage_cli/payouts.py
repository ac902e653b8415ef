"""`linkage payouts rebook`: a batch booked again from its file, after the tables were restored."""

from typing import Annotated

import typer

from linkage.domain.money import amount_text
from linkage_cli.api_keys import Local, Stage
from linkage_cli.command_line import aws_errors, commands
from linkage_cli.networks import Network, find_network, principal, tables_of

NOUNS = ("audit", "ledger", "payouts")
BUCKET = "PayoutFilesBucketName"

app = commands("Payout batches.")


@app.callback()
def group() -> None:
    """Payout batches."""


@app.command("rebook")
def rebook_command(
    batch: Annotated[str, typer.Argument(help="The batch (bat_…) whose file is in the bucket.")],
    stage: Stage = None,
    local: Local = False,
    cutoff: Annotated[
        str | None,
        typer.Option(help="The batch's cutoff, if an earlier release wrote the file: 2026-11-30."),
    ] = None,
    currency: Annotated[
        str | None, typer.Option(help="The batch's currency, if nobody is in such a file: USD.")
    ] = None,
) -> None:
    """Book a batch again as its payout file has it, once; the balances are debited, below 0 too."""
    with aws_errors("The batch is not booked whole", "Run the same command again."):
        print(rebook(find_network(stage, local=local), batch, cutoff, currency))


def rebook(network: Network, batch_id: str, cutoff: str | None, currency: str | None) -> str:
    """Books the batch of a network again, and says in sentences what that came to."""
    with tables_of(network, NOUNS, PAYOUT_FILES_BUCKET=network.named(BUCKET)):
        from linkage.flow.payouts import rebooking

        done = rebooking.rebook(
            batch_id, (principal(network), ""), cutoff=cutoff, currency=currency
        )
    batch = done.batch
    total = amount_text(batch.total_minor, batch.currency)
    return (
        f"{batch_id} is {batch.status}: {batch.count} payouts, {total}, as its file has them. "
        f"Debited now: {done.debited}; given back, because they are not in the file: "
        f"{done.given_back}.\n"
        f"Without a result: {batch.unsettled}. Do not hand the file on again if somebody has; "
        "report to the network what the bank answered."
    )
