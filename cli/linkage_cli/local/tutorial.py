"""The tutorial `make dev` prints: the way of a click by copy and paste, with what each step gives.

The sums of its one sale of 250.00 USD: the program pays 5 %, 12.50; the fee is 20 % of that, 2.50;
the upline has 10 % and 5 % of it, rounded down: 1.25 and 0.62, out of the fee.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from linkage_cli.local.places import ROOT


@dataclass(frozen=True)
class Step:
    """One thing to paste into bash, what it does, and what its output then has."""

    title: str
    command: str
    says: str = ""
    expects: tuple[str, ...] = ()

    def missing_in(self, output: str) -> list[str]:
        """Which of the promises an output does not keep; white space does not matter."""
        seen = _squeezed(output)
        return [promise for promise in self.expects if _squeezed(promise) not in seen]


def _squeezed(text: str) -> str:
    return "".join(text.split())


def tutorial_text(local: Mapping[str, Any]) -> str:
    """What `make dev` prints at the end, from what `.linkage/local.json` holds."""
    steps = [
        f"# {number}. {step.title}\n{step.command}\n"
        + (f"#    → {step.says}\n" if step.says else "")
        for number, step in enumerate(tutorial_steps(local))
    ]
    link = f"{local['links_url']}/{local['demo']['link_code']}"
    return "\n".join(
        [
            "The network is up. A link to click:",
            f"  {link}",
            "",
            "Follow one sale from the click to the payout: paste each step into bash in another",
            "terminal. Mbare Hardware sells and Tendai Ncube refers; Rudo Moyo Architects brought",
            "Tendai, and Chikomo Builders brought Rudo. The program holds nothing back (hold_days",
            "is 0), so that the money can be paid out at once.",
            "",
            *steps,
            "Ctrl-C stops the network and forgets everything in it.",
        ]
    )


def tutorial_steps(local: Mapping[str, Any]) -> list[Step]:
    """The steps, to be run in one bash in their order."""
    return [_names(local), *_earning(local), *_paying(), _check()]


def _names(local: Mapping[str, Any]) -> Step:
    keys, quote = local["keys"], shlex.quote
    command = f"""\
cd {quote(str(ROOT))}; export no_proxy=127.0.0.1
API={quote(local["api_url"])}
LINK={quote(f"{local['links_url']}/{local['demo']['link_code']}")}
PROGRAM={quote(local["demo"]["program_id"])}
VENDOR='Authorization: Bearer {keys["vendor"]}'
AFFILIATE='Authorization: Bearer {keys["affiliate"]}'
OPERATOR='Authorization: Bearer {keys["operator"]}'
field() {{ .venv/bin/python -c 'import json, sys; v = json.load(sys.stdin)[sys.argv[1]]; \
print(*(v if isinstance(v, list) else [v]), sep="\\n")' "$1"; }}
wait_for() {{ for _ in {{1..60}}; do SAID=$("${{@:2}}"); \
case ${{SAID// /}} in *"$1"*) break;; esac; sleep 1; done; echo "$SAID"; }}"""
    return Step("Where things are, who is calling, and two helpers", command)


def _earning(local: Mapping[str, Any]) -> list[Step]:
    sale = (
        f'{{"program_id": "{local["demo"]["program_id"]}", "event": "sale", '
        '"external_id": "invoice-1001", "amount_minor": 25000, "currency": "USD", '
        """"click_id": "'$CLICK'", "customer": {"phone": "+263770000003"}}"""
    )
    sponsor = f"$API/v1/balances?affiliate_id={local['demo']['sponsor_id']}"
    return [
        Step(
            "A customer clicks Tendai's link",
            "CLICK=$(curl -s -o /dev/null -w '%{redirect_url}' \"$LINK\""
            " | sed 's/.*click_id=\\([^&#]*\\).*/\\1/'); echo \"$CLICK\"",
            "the click's id, clk_…, which the shop finds in its own address",
            ("clk_",),
        ),
        Step(
            "Mbare Hardware reports the sale of 250.00 USD, with the click",
            f'SALE=$(curl -s -H "$VENDOR" "$API/v1/conversions" -d \'{sale}\'); echo "$SALE"; '
            'CONVERSION=$(echo "$SALE" | field id)',
            'status "pending", attributed to Tendai',
            ('"status": "pending"', '"attributed": true', local["demo"]["affiliate_id"]),
        ),
        Step(
            "It confirms the sale: the customer has paid",
            'curl -s -X POST -H "$VENDOR" "$API/v1/conversions/$CONVERSION/confirmation"; echo',
            'status "confirmed"',
            ('"status": "confirmed"',),
        ),
        Step(
            "Tendai has the commission",
            'wait_for \'"payable_minor":1250\' curl -s -H "$AFFILIATE" "$API/v1/balances"',
            "12.50 USD: balance_minor 1250, payable_minor 1250",
            ('"balance_minor": 1250', '"pending_minor": 0', '"payable_minor": 1250'),
        ),
        Step(
            "Rudo, who brought Tendai, has a tenth of it",
            f'curl -s -H "$OPERATOR" "{sponsor}"; echo',
            "1.25 USD: balance_minor 125",
            ('"balance_minor": 125,',),
        ),
        Step(
            "Why each of them has what they have",
            'curl -s -H "$OPERATOR" "$API/v1/conversions/$CONVERSION/explanation" | field story',
            "commission 12.50, network fee 2.50, overrides 1.25 and 0.62 USD, each with its why",
            (
                "12.50 USD commission",
                "2.50 USD network fee",
                "1.25 USD level 1 override",
                "0.62 USD level 2 override",
            ),
        ),
    ]


def _paying() -> list[Step]:
    results = (
        'awk -F, \'NR > 1 { printf "%s{\\"payout_id\\": \\"%s\\", \\"status\\": \\"paid\\"}", '
        '(NR > 2 ? "," : ""), $1 }\' .linkage/payouts.csv'
    )
    batch = '"$API/v1/payout-batches/$BATCH"'
    return [
        Step(
            "The operator plans a payout of everything due",
            'BATCH=$(curl -s -H "$OPERATOR" "$API/v1/payout-batches" -d \'{"currency": "USD"}\''
            f' | field id); wait_for \'"status":"planned"\' curl -s -H "$OPERATOR" {batch}',
            "count 3, total_minor 1437: 12.50 + 1.25 + 0.62 USD",
            ('"status": "planned"', '"count": 3', '"total_minor": 1437'),
        ),
        Step(
            "Approves it, which writes the payout file",
            'curl -s -X POST -H "$OPERATOR" "$API/v1/payout-batches/$BATCH/approval" > /dev/null; '
            f'wait_for \'"status":"exported"\' curl -s -H "$OPERATOR" {batch}',
            'status "exported"',
            ('"status": "exported"',),
        ),
        Step(
            "Downloads the file for the bank",
            'curl -s "$(curl -s -H "$OPERATOR" "$API/v1/payout-batches/$BATCH/file" | field url)" '
            "| tee .linkage/payouts.csv",
            "three rows: 12.50, 1.25 and 0.62 USD, to two phones and a bank account",
            (",12.50,USD,", ",1.25,USD,", ",0.62,USD,", "+263770000002", "0012345678"),
        ),
        Step(
            "And says that the bank paid all three",
            f'RESULTS=$({results}); curl -s -H "$OPERATOR" '
            '"$API/v1/payout-batches/$BATCH/results" -d "{\\"results\\": [$RESULTS]}"; echo',
            'status "settled"',
            ('"status": "settled"',),
        ),
        Step(
            "Tendai's balance is paid out",
            'curl -s -H "$AFFILIATE" "$API/v1/balances"; echo',
            "balance_minor 0",
            ('"balance_minor": 0',),
        ),
    ]


def _check() -> Step:
    return Step(
        "Is every account exactly what the facts make it?",
        ".venv/bin/linkage ledger check --local",
        "The ledger is right. USD, in minor units: affiliates are owed 0, vendors owe 1500, "
        "network fees 63, its bonuses cost 0, being paid out 0, paid out 1437",
        (
            "The ledger is right",
            "affiliates are owed 0, vendors owe 1500, network fees 63, its bonuses cost 0, "
            "being paid out 0, paid out 1437",
        ),
    )
