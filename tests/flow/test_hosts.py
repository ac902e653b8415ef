"""A host is taken away from a vendor with many links, over HTTP: they all stop, and soon.

`HOSTS_LINKS` sets how many links are followed; 2,000 take a minute.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import batched

import boto3

from linkage.domain.clicks.links import new_code
from linkage_cli.local.local_network import LocalNetwork
from tests.flow.client import Api, World

LINKS = int(os.environ.get("HOSTS_LINKS", "150"))
FOLLOWS_WITHIN_S = 5
AGENT = "Mozilla/5.0 (Linux; Android 14) Mobile"


def copies(table: str, code: str, number: int) -> list[str]:
    """The codes of so many further links like this one, written straight into the table."""
    client = boto3.client("dynamodb")
    item = client.get_item(TableName=table, Key={"code": {"S": code}})["Item"]
    codes = [new_code() for _ in range(number)]
    for few in batched(codes, 25, strict=False):
        puts = [
            item | {"code": {"S": each}, "link_id": {"S": f"lnk_{each.lower()}"}} for each in few
        ]
        sent = {table: [{"PutRequest": {"Item": put}} for put in puts]}
        assert not client.batch_write_item(RequestItems=sent)["UnprocessedItems"]
    return codes


def test_every_link_to_a_host_that_is_taken_away_stops_within_five_seconds(
    world: World, api: Api, network: LocalNetwork
) -> None:
    vendor, affiliate = world.vendor(hosts=["shop.example", "sold.example"]), world.affiliate()
    program_id = world.program(vendor)

    def link(host: str) -> str:
        body = {"program_id": program_id, "destination_url": f"https://{host}/"}
        return str(api.ok("POST", "/v1/links", body, key=affiliate.key)["code"])

    def leads(code: str) -> bool:
        headers = {"user-agent": AGENT}
        url = f"{api.links_url}/{code}"
        answer = api.pool.request("GET", url, headers=headers, redirect=False)
        assert answer.status in {302, 404, 410}, (answer.status, answer.data)
        return answer.status == 302

    own, sold = link("shop.example"), link("sold.example")
    many = [sold, *copies(network.outputs["LinksTableName"], sold, LINKS - 1)]
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(leads, many))
        began = time.monotonic()
        shown = api.ok("PATCH", f"/v1/members/{vendor.id}", {"hosts": ["shop.example"]})
        answered_s = time.monotonic() - began
        late = link("shop.example")
        time.sleep(FOLLOWS_WITHIN_S)
        assert not [
            code for code, is_led in zip(many, pool.map(leads, many), strict=True) if is_led
        ]
    assert shown["hosts"] == ["shop.example"]
    assert shown["hosts_pending"] is False
    assert leads(own)
    assert leads(late)
    print(f"{LINKS} links: answered in {answered_s:.3f} s")  # noqa: T201, the figure asked for
