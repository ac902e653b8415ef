"""Whether a client's code proves that an affiliate buys for somebody else."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from linkage.domain.conversions.attribution import (
    claimed_affiliates,
    without_introductions,
)
from linkage.domain.conversions.claims import Claims
from linkage.domain.conversions.requests import Report
from linkage.domain.people.client_codes import ClientCode, code_key
from linkage.domain.people.customers import Customer
from linkage.tables import customers

_SECRET = os.environ["HASH_SECRET"]


@dataclass(frozen=True)
class Proof:
    """Who the client's code proves the customer to be, if this affiliate wins.

    Without proof, why, for each affiliate.
    """

    client: Customer | None = None
    affiliate_id: str | None = None
    notes: dict[str, str] = field(default_factory=dict)
    operations: list[dict[str, Any]] = field(default_factory=list)


def proved(
    sent: Report,
    sold: str,
    claims: Claims,
    codes: Mapping[str, ClientCode],
    occurred_at: datetime,
) -> Proof:
    """Tries the code as each affiliate's who is claimed by what was sent; only one can have it.

    `codes` are those that were made, by their keys (`code_keys`); `sold` is the id of the
    conversion that the code is used up by.
    """
    if sent.client is None:
        return Proof()
    notes = {}
    for affiliate_id, key in code_keys(sent, claims).items():
        code = codes.get(key)
        objection = code.objection(occurred_at) if code else "the client's code is wrong"
        if objection is None:
            used = customers.use_code(key, sold)
            return Proof(sent.client.customer, affiliate_id, operations=[used])
        notes[affiliate_id] = objection
    return Proof(notes=notes)


def code_keys(sent: Report, claims: Claims) -> dict[str, str]:
    """The key the client's code would have, by the affiliate it would be of.

    Not of introducers: whose code is used up, or said to be wrong, would tell who they are.
    """
    if sent.client is None:
        return {}
    return {
        affiliate_id: code_key(_SECRET, sent.vendor_id, affiliate_id, sent.client)
        for affiliate_id in claimed_affiliates(without_introductions(claims))
    }
