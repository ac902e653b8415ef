"""What a conversion takes by its tiers: counted for one, for two, and so on to six.

Each is reported with a click, confirmed on report and posted by a stream batch, as
`bench/stream_batch.py` has it. `python -m bench.conversions TIERS` prints one line of JSON; each
number of tiers takes a process of its own, since the tables remember the terms they have read.
"""

import json
import sys
import warnings
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

from bench import stream_batch  # before the tables are imported: it names them
from linkage.domain.ids import computed
from linkage.domain.terms.network import NetworkSettings
from linkage.tables.members import put_member
from linkage.tables.programs import publish_program
from linkage.tables.settings import publish_settings
from tests.counted_units import counting
from tests.faults.standin import Standin
from tests.handlers import load_handler

RATES_BPS = (1000, 500, 250, 125, 60)
CLICKED = stream_batch.Way(click=True)
MEASURES = ("calls", "write_units", "index_write_units", "read_units")


def counted(tiers: int) -> dict[str, Any]:
    """Calls and units per conversion, accepted and posted, for so many tiers."""
    handler = load_handler("compute_commissions")
    with Standin().serving():
        make_network(tiers)
        stream_batch.put_clicks(CLICKED.program)
        with counting() as accepted:
            keys = [stream_batch.reported(CLICKED, at) for at in range(stream_batch.FACTS)]
        with (
            counting() as posted,
            redirect_stdout(StringIO()),
            warnings.catch_warnings(action="ignore"),
        ):
            records = [stream_batch.record(key) for key in keys]
            answer = handler.handler({"Records": records}, stream_batch.Context())
        assert answer == {"batchItemFailures": []}
    phases = {
        name: units.per(stream_batch.FACTS)
        for name, units in {"accepted": accepted, "posted": posted}.items()
    }
    return {
        "tiers": tiers,
        **phases,
        "in_all": {name: sum(each[name] for each in phases.values()) for name in MEASURES},
    }


def make_network(tiers: int) -> None:
    """A vendor, an affiliate with `tiers - 1` above it, and the terms."""
    rates = RATES_BPS[: tiers - 1]
    publish_settings(NetworkSettings(version=1, level_rates_bps=rates))
    names = [stream_batch.AFFILIATE, *(computed("mem", f"above-{at}") for at in range(tiers - 1))]
    for at, name in enumerate(names):
        put_member(stream_batch.member(name, "affiliate", tuple(names[at + 1 :])))
    put_member(stream_batch.member(stream_batch.SHOP, "vendor", ()))
    publish_program(CLICKED.program)


if __name__ == "__main__":
    print(json.dumps(counted(int(sys.argv[1]))))
