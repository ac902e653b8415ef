"""Many orders: memory stays what it is with few, and whatever kills the import, all arrive once."""

import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.standin_api import KEY, StandinApi, standin_api

MEASURED = """
import resource
from linkage_cli.main import app
try:
    app()
finally:
    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def many(path: Path, number: int) -> Path:
    """So many orders of a third as many customers, newest and oldest mixed."""
    chance = random.Random(number)
    with path.open("w") as file:
        file.write("order_id,customer_id,amount_usd,at\n")
        for at in range(number):
            day = f"2026-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}"
            amount = f"{chance.randrange(1, 999)}.{chance.randrange(100):02}"
            file.write(f"{at},c{chance.randrange(number // 3)},{amount},{day}\n")
    return path


def importing(api: StandinApi, file: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", MEASURED, "orders", "import", str(file), "--yes"]
    command += ["--api-url", api.url, "--key", KEY, "--program", "prg_1", "--date-column", "at"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def peak(api: StandinApi, file: Path) -> int:
    """The most memory that an import of the whole file had, kilobytes."""
    said, _ = importing(api, file).communicate(timeout=600)
    return int(re.search(r"peak (\d+)", said)[1])  # type: ignore[index]


@pytest.mark.faults
def test_forty_times_the_orders_take_no_more_memory(tmp_path: Path) -> None:
    with standin_api() as api:
        few = peak(api, many(tmp_path / "few.csv", 1_000))
    with standin_api() as api:
        lots = peak(api, many(tmp_path / "lots.csv", 40_000))
        assert len(api.known) == 40_000
    assert lots < 1.25 * few


@pytest.mark.faults
def test_killed_at_ten_points_all_orders_arrive_once_each_customers_by_date(
    tmp_path: Path,
) -> None:
    file, chance = many(tmp_path / "orders.csv", 10_000), random.Random(10)
    with standin_api() as api:
        for _ in range(10):
            process, until = importing(api, file), len(api.known) + chance.randrange(900)
            while len(api.known) < until and process.poll() is None:
                time.sleep(0.01)
            process.kill()
            process.communicate()
        last = importing(api, file)
        assert " 0 failed" in last.communicate(timeout=600)[0]
        assert last.returncode == 0
        assert len(api.known) == len(api.reports) == 10_000
        moments: dict[str, list[str]] = {}
        for report in api.reports:
            moments.setdefault(report["customer"]["id"], []).append(report["occurred_at"])
        assert all(each == sorted(each) for each in moments.values())
