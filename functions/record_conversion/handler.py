"""Step 2 of the way of a click: store what a vendor says of a conversion, once."""

from collections.abc import Callable
from typing import Any

from linkage import requests, views
from linkage.conversions import Conversion
from linkage.edge.http import Answer, Request, accepted, answer, serve
from linkage.edge.runtime import logger, record_held
from linkage.flow import deciding, recording, releasing
from linkage.flow.authenticating import authenticated
from linkage.keys import Key


def _shown(key: Key, conversion: Conversion, replayed: bool) -> Answer:
    record_held(conversion.conversion_id, None if replayed else conversion.held_reason)
    return accepted(views.conversion(conversion, key.role), replayed)


def _confirm(request: Request, key: Key) -> Answer:
    requests.no_fields_in(request.body)
    sold_id, by = request.id("conversion_id", "conversion"), (key.member_id, key.key_id)
    return _shown(key, *deciding.confirm(sold_id, *by))


def _release(request: Request, key: Key) -> Answer:
    requests.no_fields_in(request.body)
    by = key.require("operator")
    sold, waits, replayed = releasing.release(request.id("conversion_id", "conversion"), by)
    if waits:
        return answer(202, {"proposal": views.proposal(waits)})
    return _shown(key, sold, replayed)


def _reject(request: Request, key: Key) -> Answer:
    sold_id, sent = request.id("conversion_id", "conversion"), requests.rejection_in(request.body)
    return _shown(key, *deciding.reject(sold_id, key.member_id, *sent, key.key_id))


def _refund(request: Request, key: Key) -> Answer:
    sold_id, sent = request.id("conversion_id", "conversion"), requests.refund_in(request.body)
    conversion, refund, replayed = deciding.refund(sold_id, key.member_id, sent, key.key_id)
    return accepted(views.refund(conversion, refund), replayed)


ROUTES: dict[str, Callable[[Request, Key], Answer]] = {
    "POST /v1/conversions": lambda request, key: _shown(
        key, *recording.report(requests.report_in(request.body, key))
    ),
    "POST /v1/conversions/{conversion_id}/confirmation": _confirm,
    "POST /v1/conversions/{conversion_id}/rejection": _reject,
    "POST /v1/conversions/{conversion_id}/release": _release,
    "POST /v1/conversions/{conversion_id}/refunds": _refund,
}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Answer:
    return serve(event, ROUTES, lambda secret: authenticated(secret).require("vendor", "operator"))
