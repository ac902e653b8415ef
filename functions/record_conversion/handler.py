"""Step 2 of the way of a click: store what a vendor says of a conversion or a customer, once."""

from collections.abc import Callable
from functools import partial
from typing import Any

from linkage import requests, views
from linkage.conversions import Conversion
from linkage.edge.http import Answer, Request, answer, serve
from linkage.edge.runtime import logger, record_held
from linkage.flow import client_codes, consenting, deciding, recording
from linkage.flow.authenticating import authenticated
from linkage.keys import Key


def _shown(conversion: Conversion, replayed: bool) -> Answer:
    record_held(conversion.conversion_id, None if replayed else conversion.held_reason)
    return answer(200 if replayed else 201, views.conversion(conversion), replayed=replayed)


def _said(request: Request, say: Any, by: str | None, read: Any = requests.no_fields_in) -> Answer:
    return _shown(*say(request.id("conversion_id", "conversion"), by, *read(request.body)))


def _refund(request: Request, key: Key) -> Answer:
    sold_id, sent = request.id("conversion_id", "conversion"), requests.refund_in(request.body)
    conversion, refund, replayed = deciding.refund(sold_id, key.member_id, sent)
    return answer(200 if replayed else 201, views.refund(conversion, refund), replayed=replayed)


def _opt(request: Request, key: Key, *, out: bool) -> Answer:
    sent = requests.customer_in(request.body, key)
    consenting.opt(sent.customer, sent.vendor_id, out)
    return answer(200, {"opted_out": out})


OF_ONE = "POST /v1/conversions/{conversion_id}"
ROUTES: dict[str, Callable[[Request, Key], Answer]] = {
    "POST /v1/conversions": lambda request, key: _shown(
        *recording.report(requests.report_in(request.body, key))
    ),
    f"{OF_ONE}/confirmation": lambda request, key: _said(request, deciding.confirm, key.member_id),
    f"{OF_ONE}/rejection": lambda request, key: _said(
        request, deciding.reject, key.member_id, requests.rejection_in
    ),
    f"{OF_ONE}/release": lambda request, key: _said(
        request, deciding.release, key.require("operator").key_id
    ),
    f"{OF_ONE}/refunds": _refund,
    "POST /v1/client-codes": lambda request, key: answer(
        201, views.client_code(*client_codes.make(requests.client_code_in(request.body, key)))
    ),
    "POST /v1/customers/opt-out": partial(_opt, out=True),
    "POST /v1/customers/opt-in": partial(_opt, out=False),
}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Answer:
    return serve(event, ROUTES, lambda secret: authenticated(secret).require("vendor", "operator"))
