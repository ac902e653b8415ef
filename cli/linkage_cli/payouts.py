"""`linkage payouts rebook`: a batch booked again from its file, after the tables were restored."""

import sys
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from linkage.errors import LinkageError
from linkage.money import amount_text
from linkage_cli.errors import CommandError
from linkage_cli.keys import Local, Stage
from linkage_cli.networks import Network, find_network, principal, tables_of

NOUNS = ("audit", "ledger", "payouts")
BUCKET = "PayoutFilesBucketName"

app = typer.Typer(help="Payout batches.", no_args_is_help=True)


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
    try:
        said = rebook(find_network(stage, local=local), batch, cutoff, currency)
    except (CommandError, LinkageError) as error:
        sys.exit(str(error))
    except (BotoCoreError, ClientError, PynamoDBException) as error:
        sys.exit(f"The batch is not booked whole: {error} Run the same command again.")
    print(said)


def rebook(network: Network, batch_id: str, cutoff: str | None, currency: str | None) -> str:
    """Books the batch of a network again, and says in sentences what that came to."""
    with tables_of(network, NOUNS, PAYOUT_FILES_BUCKET=network.named(BUCKET)):
        from linkage.flow import rebooking

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
