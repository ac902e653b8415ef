"""Step 2a of the way of a click: store what is said of a customer, by a vendor or an operator."""

from functools import partial
from typing import Any

from linkage.domain.people import requests, views
from linkage.domain.people.api_keys import Key
from linkage.edge.http import Answer, Request, Route, answer, serve
from linkage.edge.runtime import logger, notice, noticing_refusals
from linkage.flow.conversions import unbinding
from linkage.flow.people import client_codes, consenting
from linkage.flow.people.authenticating import authenticated


def _make_code(request: Request, key: Key) -> Answer:
    made = client_codes.make(requests.client_code_in(request.body, key), key)
    return answer(201, views.client_code(*made))


def _opt(opt: consenting.Opt, request: Request, key: Key) -> Answer:
    with noticing_refusals("OptInsRefused", vendor_id=key.member_id):
        consent = opt(requests.customer_in(request.body, key), key)
    if consent.beyond_bound:
        notice("OptOutsBeyondBound", vendor_id=key.member_id)
    return answer(200, views.consent(consent))


def _unbind(request: Request, key: Key) -> Answer:
    by = key.require("operator")
    ended = unbinding.unbind(requests.unbinding_in(request.body), by)
    return answer(200, {"ended": list(ended)})


ROUTES: dict[str, Route[Key]] = {
    "POST /v1/client-codes": Route(_make_code, has_body=True),
    "POST /v1/customers/opt-out": Route(partial(_opt, consenting.opt_out), has_body=True),
    "POST /v1/customers/opt-in": Route(partial(_opt, consenting.opt_in), has_body=True),
    "POST /v1/customers/unbind": Route(_unbind, has_body=True),
}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Answer:
    return serve(
        event, context, ROUTES, lambda secret: authenticated(secret).require("vendor", "operator")
    )
