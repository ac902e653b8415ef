"""Making a client's code: the vendor sends it to the client, who tells it the affiliate."""

import os
from datetime import timedelta

from linkage.domain import clock
from linkage.domain.errors import (
    BusyError,
    ConditionFailedError,
    InvalidFieldError,
    TooManyRequestsError,
)
from linkage.domain.people.api_keys import Key
from linkage.domain.people.audit import recorded
from linkage.domain.people.client_codes import (
    CODE_VALID_HOURS,
    CODES_PER_DAY_MAX,
    Client,
    ClientCode,
    code_key,
    new_code,
)
from linkage.domain.people.members import Member
from linkage.domain.people.requests import SentClientCode
from linkage.tables import customers
from linkage.tables.audit import put_record
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.batch_reads import gather
from linkage.tables.dynamodb.transactions import attempts
from linkage.tables.members import reading_members

_SECRET = os.environ["HASH_SECRET"]
_CODES = "codes"
"""What is counted of a vendor's UTC day."""


def make(sent: SentClientCode, by: Key) -> tuple[str, str]:
    """A new code for one purchase, and until when it is valid (RFC 3339 UTC).

    Whose phone or address it is makes no difference here: a code for the affiliate itself proves
    nothing of its own purchase. Raises InvalidFieldError for who is no approved affiliate,
    TooManyRequestsError beyond the vendor's bound of a day.
    """
    for _ in attempts():
        moment = clock.now()
        counted = customers.reading_count(_CODES, sent.vendor_id, clock.day(moment))
        members = reading_members([sent.affiliate_id])
        found = gather(counted, members)
        _require_affiliate(members.of(found).get(sent.affiliate_id), sent.vendor_id)
        if counted.of(found) >= CODES_PER_DAY_MAX:
            raise TooManyRequestsError(
                "too_many_client_codes",
                f"You have made {CODES_PER_DAY_MAX} client codes today (UTC). Go on tomorrow.",
                clock.day_left_s(moment),
            )
        # Another code for each attempt: one whose answer was lost is known to nobody.
        code, expires_at = new_code(), clock.text(moment + timedelta(hours=CODE_VALID_HOURS))
        key = code_key(_SECRET, sent.vendor_id, sent.affiliate_id, Client(sent.client, code))
        put = customers.put_code(ClientCode(key, clock.text(moment), expires_at))
        day = clock.day(moment)
        count = customers.count_one(_CODES, sent.vendor_id, day, counted.of(found))
        given = {"vendor_id": sent.vendor_id, "affiliate_id": sent.affiliate_id}
        made = given | {"expires_at": expires_at}
        record = recorded(by, f"customer#{key}", "client_code.created", None, made)
        try:
            transactions.write([put, count, put_record(record)], decided_on_reads=True)
        except ConditionFailedError:
            continue
        return code, expires_at
    raise BusyError


def _require_affiliate(member: Member | None, vendor_id: str) -> None:
    if (
        member is None
        or not member.has_role("affiliate")
        or member.status != "approved"
        or member.member_id == vendor_id
    ):
        raise InvalidFieldError(
            "/affiliate_id", "There is no such affiliate, or it may not earn on these sales."
        )
