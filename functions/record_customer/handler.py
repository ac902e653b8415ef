"""Step 2a of the way of a click: store what is said of a customer, by a vendor or an operator."""

from collections.abc import Callable
from typing import Any

from linkage import requests, views
from linkage.edge.http import Answer, Request, answer, serve
from linkage.edge.runtime import logger, notice, noticing_refusals
from linkage.flow import client_codes, consenting, unbinding
from linkage.flow.authenticating import authenticated
from linkage.keys import Key


def _make_code(request: Request, key: Key) -> Answer:
    made = client_codes.make(requests.client_code_in(request.body, key), key)
    return answer(201, views.client_code(*made))


def _opt(request: Request, key: Key, opt: consenting.Opt) -> Answer:
    with noticing_refusals("OptInsRefused", vendor_id=key.member_id):
        consent = opt(requests.customer_in(request.body, key), key)
    if consent.beyond_bound:
        notice("OptOutsBeyondBound", vendor_id=key.member_id)
    return answer(200, views.consent(consent))


def _unbind(request: Request, key: Key) -> Answer:
    by = key.require("operator")
    ended = unbinding.unbind(requests.unbinding_in(request.body), by)
    return answer(200, {"ended": list(ended)})


ROUTES: dict[str, Callable[[Request, Key], Answer]] = {
    "POST /v1/client-codes": _make_code,
    "POST /v1/customers/opt-out": lambda request, key: _opt(request, key, consenting.opt_out),
    "POST /v1/customers/opt-in": lambda request, key: _opt(request, key, consenting.opt_in),
    "POST /v1/customers/unbind": _unbind,
}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Answer:
    return serve(event, ROUTES, lambda secret: authenticated(secret).require("vendor", "operator"))
