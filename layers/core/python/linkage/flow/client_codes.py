"""Making a client's code: the vendor sends it to the client, who tells it the affiliate."""

import os
from datetime import timedelta

from linkage import clock
from linkage.client_codes import CODE_VALID_HOURS, Client, ClientCode, code_key, new_code
from linkage.customers import aliases, own_aliases
from linkage.errors import InvalidFieldError
from linkage.requests import SentClientCode
from linkage.tables import customers
from linkage.tables.members import find_members

_SECRET = os.environ["HASH_SECRET"]


def make(sent: SentClientCode) -> tuple[str, str]:
    """A new code for one purchase, and until when it is valid (RFC 3339 UTC).

    Raises InvalidFieldError for who is no approved affiliate, and for a client who is the affiliate
    itself.
    """
    affiliate = find_members([sent.affiliate_id]).get(sent.affiliate_id)
    if (
        affiliate is None
        or not affiliate.has_role("affiliate")
        or affiliate.status != "approved"
        or affiliate.member_id == sent.vendor_id
    ):
        raise InvalidFieldError(
            "/affiliate_id", "There is no such affiliate, or it may not earn on these sales."
        )
    if own_aliases(_SECRET, affiliate) & set(aliases(_SECRET, sent.client)):
        raise InvalidFieldError(
            "/client", "The client is the affiliate itself. Name the person it buys for."
        )
    code, now = new_code(), clock.now()
    expires_at = clock.text(now + timedelta(hours=CODE_VALID_HOURS))
    customers.put_code(
        ClientCode(
            code_key=code_key(
                _SECRET, sent.vendor_id, sent.affiliate_id, Client(sent.client, code)
            ),
            created_at=clock.text(now),
            expires_at=expires_at,
        )
    )
    return code, expires_at
