"""The demo network of the local run: builders and their suppliers in Harare, prices in USD."""

from collections.abc import Mapping
from typing import Any

import boto3

from linkage_cli.api_client import Api
from linkage_cli.api_keys import NOUNS as KEY_NOUNS
from linkage_cli.api_keys import create_key
from linkage_cli.local.tutorial import tutorial_text
from linkage_cli.networks import LOCAL_STAGE, Network, tables_of

OPERATOR = "rudo"
NETWORK = {
    "name": "Harare Building Network",
    "level_rates_bps": [1000, 500],
    "network_fee_bps": 2000,
    "override_funding": "network",
}
BUILDER = {
    "name": "Chikomo Builders",
    "roles": ["affiliate", "vendor"],
    "email": "office@chikomobuilders.example",
    "hosts": ["chikomobuilders.example"],
    "payout_method": {"type": "bank", "provider": "Msasa Bank", "account": "0012345678"},
}
ARCHITECT = {
    "name": "Rudo Moyo Architects",
    "roles": ["affiliate"],
    "email": "rudo@moyoarchitects.example",
    "payout_method": {"type": "mobile_money", "provider": "EcoCash", "phone": "+263770000001"},
}
RECRUIT = {
    "name": "Tendai Ncube",
    "roles": ["affiliate"],
    "phone": "+263770000002",
    "payout_method": {"type": "mobile_money", "provider": "EcoCash", "phone": "+263770000002"},
}
SUPPLIER = {
    "name": "Mbare Hardware",
    "roles": ["vendor"],
    "email": "sales@mbarehardware.example",
    "hosts": ["mbarehardware.example"],
}
SUPPLIER_PROGRAM = {
    "name": "Mbare Hardware: cement, tools and roofing",
    "destination_url": "https://mbarehardware.example/catalogue",
    "rewards": [{"event": "sale", "rate_bps": 500}],
    "introducer_rate_bps": 200,
    "window_days": 30,
    "hold_days": 0,
    "confirmation": "manual",
}
BUILDER_PROGRAM = {
    "name": "Chikomo Builders: houses and repairs",
    "destination_url": "https://chikomobuilders.example/quote",
    "rewards": [
        {"event": "lead", "amount_minor": 2000, "currency": "USD"},
        {"event": "sale", "rate_bps": 300},
    ],
    "introducer_rate_bps": 100,
    "window_days": 90,
    "hold_days": 14,
    "confirmation": "on_report",
}


def seed(outputs: Mapping[str, str]) -> dict[str, Any]:
    """Fills a freshly deployed network; gives `keys` and `demo` as `.linkage/local.json` has them.

    `outputs` are the stack's outputs (`ApiUrl`, `KeysTableName`, …); this process's AWS clients
    talk to the emulator already. All but the first key goes through the API. Raises ApiError.
    """
    network = Network(LOCAL_STAGE, boto3.Session(), None, outputs)
    with tables_of(network, KEY_NOUNS):
        _, operator = create_key(network, "operator", None, OPERATOR)
    api = Api(outputs["ApiUrl"], operator)
    api.put("/v1/network", NETWORK)

    builder_id = _member(api, BUILDER)
    architect_id = _member(api, ARCHITECT | {"sponsor_id": builder_id})
    recruit_id = _member(api, RECRUIT | {"sponsor_id": architect_id})
    supplier_id = _member(api, SUPPLIER)
    vendor, affiliate = _key(api, "vendor", supplier_id), _key(api, "affiliate", recruit_id)

    api.post("/v1/programs", BUILDER_PROGRAM | {"vendor_id": builder_id})
    program = Api(outputs["ApiUrl"], vendor).post("/v1/programs", SUPPLIER_PROGRAM).body
    link = Api(outputs["ApiUrl"], affiliate).post("/v1/links", {"program_id": program["id"]}).body
    return {
        "keys": {"operator": operator, "vendor": vendor, "affiliate": affiliate},
        "demo": {
            "vendor_id": supplier_id,
            "affiliate_id": recruit_id,
            "sponsor_id": architect_id,
            "program_id": program["id"],
            "link_code": link["code"],
        },
    }


def _member(api: Api, member: Mapping[str, Any]) -> str:
    member_id: str = api.post("/v1/members", member).body["id"]
    api.post(f"/v1/members/{member_id}/approval")
    return member_id


def _key(api: Api, role: str, member_id: str) -> str:
    secret: str = api.post("/v1/keys", {"role": role, "member_id": member_id}).body["secret"]
    return secret


def tutorial(local: Mapping[str, Any]) -> str:
    """What `make dev` prints at the end, from what `.linkage/local.json` holds."""
    return tutorial_text(local)
