"""Step 4 of the way of a click: plan payout batches, by schedule or by an operator."""

from typing import Any

from linkage import clock, views
from linkage.edge.http import Answer, Request, answer, bearer, serve
from linkage.edge.runtime import logger
from linkage.flow import planning
from linkage.flow.authenticating import authenticated
from linkage.ids import computed, created
from linkage.keys import Key
from linkage.payouts import checked_cutoff
from linkage.requests import batch_in


def _operator(request: Request) -> Key:
    return authenticated(bearer(request.headers)).require("operator")


def create(request: Request) -> Answer:
    """`POST /v1/payout-batches`."""
    caller, sent = _operator(request), batch_in(request.body)
    cutoff = checked_cutoff(sent.cutoff, clock.day(clock.now()))
    repeat_key = request.idempotency_key()
    batch_id = computed("bat", "operator", repeat_key) if repeat_key else created("bat")
    batch, replayed = planning.start(
        planning.new_batch(batch_id, sent.currency, cutoff, caller.key_id, sent.fingerprint)
    )
    return answer(200 if replayed else 201, views.batch(batch), replayed=replayed)


def approve(request: Request) -> Answer:
    """`POST /v1/payout-batches/{batch_id}/approval`."""
    caller = _operator(request)
    return answer(200, views.batch(planning.approve(request.id("batch"), caller.key_id)))


def cancel(request: Request) -> Answer:
    """`POST /v1/payout-batches/{batch_id}/cancellation`."""
    _operator(request)
    return answer(200, views.batch(planning.cancel(request.id("batch"))))


ROUTES = {
    "POST /v1/payout-batches": create,
    "POST /v1/payout-batches/{batch_id}/approval": approve,
    "POST /v1/payout-batches/{batch_id}/cancellation": cancel,
}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Answer | None:
    """Answers an operator, or acts on the hourly tick."""
    if "routeKey" in event:
        return serve(event, ROUTES)
    return planning.tick()
