"""The `linkage` command: what can be run, each in a module of its own."""

from linkage_cli import api_keys, four_eyes, payouts, records
from linkage_cli.clicks import command, edge
from linkage_cli.command_line import commands
from linkage_cli.cost.command import cost
from linkage_cli.ledger import explain, ledger_check
from linkage_cli.local import dev
from linkage_cli.orders import command as orders

app = commands("Linkage: a referral network in your own AWS account.")
app.command("dev")(dev.dev)
app.command("explain")(explain.explain)
app.command("cost")(cost)
app.add_typer(api_keys.app, name="keys")
app.add_typer(four_eyes.app, name="network")
app.add_typer(records.app, name="audit")
app.add_typer(orders.app, name="orders")
app.add_typer(command.app, name="clicks")
app.add_typer(ledger_check.app, name="ledger")
app.add_typer(payouts.app, name="payouts")
app.add_typer(edge.app, name="edge")

if __name__ == "__main__":
    app()
