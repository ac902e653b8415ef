"""Step 2 of the way of a click: store what a vendor says of a conversion or a customer, once."""

from collections.abc import Callable
from typing import Any

from linkage import requests, views
from linkage.conversions import Conversion
from linkage.edge.http import Answer, Request, accepted, answer, serve
from linkage.edge.runtime import logger, notice, noticing_refusals
from linkage.flow import client_codes, consenting, deciding, recording, unbinding
from linkage.flow.authenticating import authenticated
from linkage.keys import Key


def _shown(key: Key, conversion: Conversion, replayed: bool) -> Answer:
    return accepted(views.conversion(conversion, key.role), replayed)


def _confirm(request: Request, key: Key) -> Answer:
    requests.no_fields_in(request.body)
    return _shown(key, *deciding.confirm(request.id("conversion_id", "conversion"), key.member_id))


def _reject(request: Request, key: Key) -> Answer:
    sold_id, sent = request.id("conversion_id", "conversion"), requests.rejection_in(request.body)
    return _shown(key, *deciding.reject(sold_id, key.member_id, *sent))


def _refund(request: Request, key: Key) -> Answer:
    sold_id, sent = request.id("conversion_id", "conversion"), requests.refund_in(request.body)
    conversion, refund, replayed = deciding.refund(sold_id, key.member_id, sent)
    return accepted(views.refund(conversion, refund), replayed)


def _opt(request: Request, key: Key, opt: consenting.Opt) -> Answer:
    with noticing_refusals("OptInsRefused", vendor_id=key.member_id):
        consent = opt(requests.customer_in(request.body, key), key)
    if consent.beyond_bound:
        notice("OptOutsBeyondBound", vendor_id=key.member_id)
    return answer(200, views.consent(consent))


def _unbind(request: Request, key: Key) -> Answer:
    key.require("operator")
    ended = unbinding.unbind(requests.unbinding_in(request.body), key.key_id)
    return answer(200, {"ended": list(ended)})


ROUTES: dict[str, Callable[[Request, Key], Answer]] = {
    "POST /v1/conversions": lambda request, key: _shown(
        key, *recording.report(requests.report_in(request.body, key))
    ),
    "POST /v1/conversions/{conversion_id}/confirmation": _confirm,
    "POST /v1/conversions/{conversion_id}/rejection": _reject,
    "POST /v1/conversions/{conversion_id}/refunds": _refund,
    "POST /v1/client-codes": lambda request, key: answer(
        201, views.client_code(*client_codes.make(requests.client_code_in(request.body, key)))
    ),
    "POST /v1/customers/opt-out": lambda request, key: _opt(request, key, consenting.opt_out),
    "POST /v1/customers/opt-in": lambda request, key: _opt(request, key, consenting.opt_in),
    "POST /v1/customers/unbind": _unbind,
}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Answer:
    return serve(event, ROUTES, lambda secret: authenticated(secret).require("vendor", "operator"))
