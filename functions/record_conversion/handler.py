"""Step 2 of the way of a click: store what a vendor says of a conversion, once."""

from typing import Any

from linkage import views
from linkage.conversions import Conversion
from linkage.edge.http import Answer, Request, answer, serve
from linkage.edge.runtime import logger
from linkage.flow import recording
from linkage.flow.authenticating import authenticated
from linkage.keys import Key
from linkage.requests import no_fields_in, reason_in, refund_in, report_in


def _caller(secret: str) -> Key:
    return authenticated(secret).require("vendor", "operator")


def _shown(conversion: Conversion, replayed: bool) -> Answer:
    return answer(200 if replayed else 201, views.conversion(conversion), replayed=replayed)


def report(request: Request, key: Key) -> Answer:
    """`POST /v1/conversions`."""
    return _shown(*recording.report(report_in(request.body, key)))


def confirm(request: Request, key: Key) -> Answer:
    """`POST /v1/conversions/{conversion_id}/confirmation`."""
    no_fields_in(request.body)
    return _shown(*recording.confirm(request.id("conversion_id", "conversion"), key.member_id))


def reject(request: Request, key: Key) -> Answer:
    """`POST /v1/conversions/{conversion_id}/rejection`."""
    conversion_id, reason = request.id("conversion_id", "conversion"), reason_in(request.body)
    return _shown(*recording.reject(conversion_id, key.member_id, reason))


def refund(request: Request, key: Key) -> Answer:
    """`POST /v1/conversions/{conversion_id}/refunds`."""
    conversion_id, sent = request.id("conversion_id", "conversion"), refund_in(request.body)
    conversion, refund, replayed = recording.refund(conversion_id, key.member_id, sent)
    return answer(200 if replayed else 201, views.refund(conversion, refund), replayed=replayed)


ROUTES = {
    "POST /v1/conversions": report,
    "POST /v1/conversions/{conversion_id}/confirmation": confirm,
    "POST /v1/conversions/{conversion_id}/rejection": reject,
    "POST /v1/conversions/{conversion_id}/refunds": refund,
}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Answer:
    return serve(event, ROUTES, _caller)
