"""An export of a shop, imported into the running network: sales, what went back, and once only."""

import os
import subprocess
import sys
from pathlib import Path

from tests.cli.orders.shop_files import STRIPE, stripe, written
from tests.flow.client import World


def test_an_export_is_imported_once_with_what_went_back(world: World, tmp_path: Path) -> None:
    shop, affiliate = world.vendor(), world.affiliate()
    program_id = world.program(shop, confirmation="on_report", lateness_days=365)
    coupon = {"code": f"X-{shop.id[-8:]}", "affiliate_id": affiliate.id, "program_id": program_id}
    world.api.ok("POST", "/v1/coupons", coupon, key=shop.key)

    def run(*refunds: str) -> str:
        rows = [
            stripe(
                f"ch_{number}",
                "100.00",
                Amount_Refunded=back,
                Currency=world.currency.lower(),
                Description=coupon["code"],
            )
            for number, back in enumerate(refunds)
        ]
        rows.append(stripe("ch_failed", "100.00", Status="Failed"))
        file = tmp_path / "unified_payments.csv"
        file.write_text(written(STRIPE, rows))
        command = [sys.executable, "-m", "linkage_cli.entry", "orders", "import", str(file)]
        command += ["--from", "stripe", "--program", program_id, "--yes"]
        command += ["--coupon-column", "Description"]
        access = {"LINKAGE_API_URL": world.api.api_url, "LINKAGE_KEY": shop.key}
        done = subprocess.run(
            command, env=os.environ | access, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    said = run("0.00", "25.00", "100.00")
    assert "3 new, 0 already there, 0 failed\nRefunds: 2 new, 0 already there" in said
    assert "1 row left out: it is failed" in said
    world.wait_for_balance(affiliate, 500 + 375)
    assert "0 new, 3 already there, 0 failed\nRefunds: 0 new, 2 already there" in run(
        "0.00", "25.00", "100.00"
    )
    assert "Refunds: 1 new, 2 already there" in run("50.00", "25.00", "100.00")
    world.wait_for_balance(affiliate, 250 + 375)
