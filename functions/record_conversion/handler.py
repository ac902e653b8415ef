"""Step 2 of the way of a click: store what a vendor says of a conversion, once."""

from typing import Any

from linkage.domain.conversions import conversions, requests, views
from linkage.domain.people import views as people_views
from linkage.domain.people.api_keys import Key
from linkage.edge.http import Answer, Request, Route, accepted, answer, serve
from linkage.edge.runtime import logger, record_held
from linkage.flow.conversions import recording, releasing, vendor_decisions
from linkage.flow.people.authenticating import authenticated


def _shown(key: Key, conversion: conversions.Conversion, replayed: bool) -> Answer:
    record_held(conversion.conversion_id, None if replayed else conversion.held_reason)
    return accepted(views.conversion(conversion, key.role), replayed)


def _report(request: Request, key: Key) -> Answer:
    return _shown(key, *recording.report(requests.report_in(request.body, key)))


def _confirm(request: Request, key: Key) -> Answer:
    sold_id, by = request.id("conversion_id", "conversion"), (key.member_id, key.key_id)
    return _shown(key, *vendor_decisions.confirm(sold_id, *by))


def _release(request: Request, key: Key) -> Answer:
    by = key.require("operator")
    sold, waits, replayed = releasing.release(request.id("conversion_id", "conversion"), by)
    if waits:
        return answer(202, {"proposal": people_views.proposal(waits)})
    return _shown(key, sold, replayed)


def _reject(request: Request, key: Key) -> Answer:
    sold_id, sent = request.id("conversion_id", "conversion"), requests.rejection_in(request.body)
    return _shown(key, *vendor_decisions.reject(sold_id, key.member_id, *sent, key.key_id))


def _refund(request: Request, key: Key) -> Answer:
    sold_id, sent = request.id("conversion_id", "conversion"), requests.refund_in(request.body)
    conversion, refund, replayed = vendor_decisions.refund(sold_id, key.member_id, sent, key.key_id)
    return accepted(views.refund(conversion, refund), replayed)


ROUTES: dict[str, Route[Key]] = {
    "POST /v1/conversions": Route(_report, has_body=True),
    "POST /v1/conversions/{conversion_id}/confirmation": Route(_confirm),
    "POST /v1/conversions/{conversion_id}/rejection": Route(_reject, has_body=True),
    "POST /v1/conversions/{conversion_id}/release": Route(_release),
    "POST /v1/conversions/{conversion_id}/refunds": Route(_refund, has_body=True),
}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Answer:
    return serve(
        event, context, ROUTES, lambda secret: authenticated(secret).require("vendor", "operator")
    )
