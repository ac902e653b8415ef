from contextlib import suppress

from linkage.links import Link
from linkage.tables import links
from tests.flow_units.network import VENDOR, CrashError, Network, Writes, table


def test_a_change_of_hosts_that_dies_again_and_again_is_finished_by_repeating_it(
    network: Network,
) -> None:
    for number in range(105):
        link = Link(
            code=f"abcdef{number:03d}",
            link_id=f"lnk_{number:03d}",
            status="active",
            destination_url="https://old.example/",
            allowed_hosts=("old.example",),
            program_id="prg_now",
            vendor_id=VENDOR,
            affiliate_id="mem_ann",
            sub={},
            expires_at=None,
        )
        links.put_link(link, None)
    for _ in range(3):
        with Writes((41, "before")).watched(), suppress(CrashError):
            links.set_allowed_hosts(VENDOR, ["new.example", "*.new.example"])
    assert {tuple(item["allowed_hosts"]) for item in table("links")} == {
        ("new.example", "*.new.example")
    }
    with Writes((1, "before")).watched():
        links.set_allowed_hosts(VENDOR, ["new.example", "*.new.example"])
