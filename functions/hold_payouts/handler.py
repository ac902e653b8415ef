"""Step 4b of the way of a click: hold, release or take out one payout of a planned batch."""

from typing import Any

from linkage.domain.payouts import views
from linkage.domain.payouts.payouts import Payout
from linkage.domain.payouts.requests import reason_in
from linkage.domain.people.api_keys import Key
from linkage.edge.http import Answer, Request, Route, answer, serve
from linkage.edge.runtime import logger
from linkage.flow.payouts.holding_payouts import hold, release, remove
from linkage.flow.people.authenticating import authenticated


def _operator(secret: str) -> Key:
    return authenticated(secret).require("operator")


def held(request: Request, key: Key) -> Answer:
    """`POST /v1/payout-batches/{batch_id}/payouts/{payout_id}/hold`."""
    return _decided(hold(*_ids(request), reason_in(request.body), key))


def released(request: Request, key: Key) -> Answer:
    """`POST /v1/payout-batches/{batch_id}/payouts/{payout_id}/release`."""
    return _decided(release(*_ids(request), key))


def removed(request: Request, key: Key) -> Answer:
    """`POST /v1/payout-batches/{batch_id}/payouts/{payout_id}/removal`."""
    return _decided(remove(*_ids(request), reason_in(request.body), key))


def _ids(request: Request) -> tuple[str, str]:
    return request.id("batch_id", "payout_batch"), request.id("payout_id", "payout")


def _decided(payout: Payout) -> Answer:
    return answer(200, views.payout_in_batch(payout))


PAYOUT = "POST /v1/payout-batches/{batch_id}/payouts/{payout_id}"
ROUTES = {
    f"{PAYOUT}/hold": Route(held, has_body=True),
    f"{PAYOUT}/release": Route(released),
    f"{PAYOUT}/removal": Route(removed, has_body=True),
}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Answer:
    return serve(event, context, ROUTES, _operator)
