"""Pay per click on the running network: from the clicks of three days ago to the balances."""

import json
import os
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

from tests.flow.client import Member, World, wait_for

DAY = (datetime.now(UTC) - timedelta(days=3)).date()


def clicks(world: World, code: str, program_id: str, shop: Member, of: Member, **kinds: int) -> int:
    """Stores what the redirect would have stored that day, of so many visitors; how many items."""
    common = {"code": code, "link_id": "lnk_1", "program_id": program_id, "vendor_id": shop.id}
    common |= {"affiliate_id": of.id, "sub": {}, "expires_epoch_s": 4_000_000_000}
    changes: dict[str, dict[str, Any]] = {
        "bots": {"device": "bot"},
        "prefetched": {"prefetch": True},
        "without_visitor": {"visitor": None},
    }
    items = []
    for kind, many in kinds.items():
        for number in range(many):
            prefix = "imp" if kind == "impressions" else "clk"
            # Somebody who comes again in another hour is another click of the same visitor.
            again = kind == "again"
            visitor = f"{code}-visits-{number}" if again else f"{code}-{kind}-{number}"
            values = common | {
                "click_id": f"{prefix}_{uuid.uuid4().hex}",
                "clicked_at": f"{DAY}T{'17' if again else '09'}:00:{number:02}.000Z",
                "visitor": visitor,
                "device": "mobile",
                **changes.get(kind, {}),
            }
            items.append({name: value for name, value in values.items() if value is not None})
    table = boto3.resource("dynamodb").Table(world.outputs["ClicksTableName"])
    with table.batch_writer() as batch:
        for item in items:
            batch.put_item(Item=item)
    return len(items)


def packed(world: World) -> int:
    """How many clicks the packs of the day have, as the stream brought them."""
    table = boto3.resource("dynamodb").Table(world.outputs["StatisticsTableName"])
    packs = table.query(
        KeyConditionExpression="#of = :of",
        ExpressionAttributeNames={"#of": "of"},
        ExpressionAttributeValues={":of": f"clicks#{DAY}"},
        ConsistentRead=True,
    )["Items"]
    return sum(int(pack["clicks"]) for pack in packs)


def fold(world: World) -> Any:
    """Folds and bills the day by hand, as an operator does."""
    answer = boto3.client("lambda").invoke(
        FunctionName=world.outputs["FoldClicksFunctionName"],
        Payload=json.dumps({"day": DAY.isoformat()}).encode(),
    )
    said = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, said
    return said


def explained(conversion_id: str) -> str:
    """What `linkage explain --replay` prints of a conversion it finds right."""
    command = [sys.executable, "-m", "linkage_cli.main", "explain", conversion_id]
    command += ["--stage", "local", "--replay"]
    done = subprocess.run(command, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_day_of_clicks_and_impressions_is_paid_once(world: World, ledger_is_right) -> None:
    sponsor = world.affiliate()
    rudo, tariro, shop = world.affiliate(sponsor), world.affiliate(), world.vendor()
    priced = {"currency": world.currency}
    program_id = world.program(
        shop,
        confirmation="on_report",
        rewards=[
            {"event": "click", "amount_minor": 10, **priced},
            {"event": "impression", "amount_minor": 25_000, **priced},
        ],
    )
    links = {each.id: world.link(each, program_id) for each in (rudo, tariro)}
    counted = clicks(
        world, links[rudo.id], program_id, shop, rudo,
        visits=12, again=5, bots=3, prefetched=2, without_visitor=4, impressions=30,
    )  # fmt: skip
    counted += clicks(world, links[tariro.id], program_id, shop, tariro, visits=7)
    wait_for("the stream to bring the clicks", lambda: packed(world) >= counted, wait_s=60)

    assert fold(world) == {"day": DAY.isoformat(), "closed": True}
    world.wait_for_balance(rudo, 12 * 10 + 750)
    world.wait_for_balance(sponsor, 12 + 75)
    world.wait_for_balance(tariro, 70)
    ledger_is_right()

    billed = world.api.ok("GET", "/v1/conversions", key=rudo.key)["data"]
    assert {(each["event"], each["quantity"], each["code"]) for each in billed} == {
        ("click", 12, links[rudo.id]),
        ("impression", 30, links[rudo.id]),
    }
    clicked = next(each for each in billed if each["event"] == "click")
    path = f"/v1/conversions/{clicked['id']}/explanation"
    story = world.api.ok("GET", path, key=rudo.key)["story"]
    assert f"The network counted 12 clicks of link {links[rudo.id]} on {DAY}." in story[0]

    told = explained(clicked["id"])
    assert f"{clicked['id']}: 12 clicks of link {links[rudo.id]} on {DAY}, confirmed" in told
    assert "replayed: 1 transaction, byte for byte the same" in told

    assert fold(world)["closed"]
    assert world.api.ok("GET", "/v1/conversions", key=rudo.key)["data"] == billed
    balances = [world.balance(each) for each in (rudo, sponsor, tariro)]
    assert balances == [870, 87, 70]
    ledger_is_right()
