"""`linkage explain --replay` on the running network: what was posted is computed again."""

import os
import subprocess
import sys

from tests.flow.client import World, wait_for


def test_a_capped_sale_and_its_refunds_are_byte_for_byte_the_same_again(world: World) -> None:
    grand = world.affiliate()
    seller = world.affiliate(sponsor=grand)
    shop = world.vendor()
    reward = {"event": "sale", "rate_bps": 333, "max_minor": 700, "currency": world.currency}
    program_id = world.program(shop, rewards=[reward])
    sale = world.report(shop, world.sale(program_id, 9_999, affiliate_id=seller.id))
    world.confirm(shop, sale["id"])
    for part in (3_333, 3_333):
        world.refund(shop, sale["id"], part)

    def compared() -> str | None:
        """What it says once the ledger has all three transactions."""
        command = [sys.executable, "-m", "linkage_cli.main", "explain", sale["id"]]
        command += ["--stage", "local", "--replay"]
        done = subprocess.run(command, env=os.environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return None if "not posted yet" in done.stdout else done.stdout

    told = wait_for("the ledger to have it all", compared, wait_s=60)
    assert "replayed: 3 transactions, byte for byte the same" in told
    assert f"attributed to affiliate {seller.id}" in told
    assert "3.33 %" in told
    assert world.balance(seller) == 111
