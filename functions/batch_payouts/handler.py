"""Step 4 of the way of a click: plan payout batches, by schedule or by an operator."""

from dataclasses import asdict
from typing import Any

from linkage.domain import clock
from linkage.domain.ids import computed, created
from linkage.domain.payouts import views
from linkage.domain.payouts.payouts import checked_cutoff
from linkage.domain.payouts.requests import batch_in
from linkage.domain.people.api_keys import Key
from linkage.edge.http import Answer, Request, Route, answer, serve
from linkage.edge.runtime import logger, record_batches
from linkage.flow.payouts import planning
from linkage.flow.payouts.watching_batches import watch
from linkage.flow.people.authenticating import authenticated


def _operator(secret: str) -> Key:
    return authenticated(secret).require("operator")


def create(request: Request, key: Key) -> Answer:
    """`POST /v1/payout-batches`."""
    sent = batch_in(request.body)
    cutoff = checked_cutoff(sent.cutoff, clock.day(clock.now()))
    repeat_key = request.idempotency_key()
    batch_id = computed("bat", "operator", repeat_key) if repeat_key else created("bat")
    terms, maker = (sent.currency, cutoff), (key.key_id, sent.fingerprint)
    planned = planning.new_batch(batch_id, *terms, *maker, person=key.person)
    batch, replayed = planning.start(planned)
    return answer(200 if replayed else 201, views.batch(batch), replayed=replayed)


def approve(request: Request, key: Key) -> Answer:
    """`POST /v1/payout-batches/{batch_id}/approval`."""
    return answer(200, views.batch(planning.approve(request.id("batch_id", "payout_batch"), key)))


def cancel(request: Request, key: Key) -> Answer:
    """`POST /v1/payout-batches/{batch_id}/cancellation`."""
    return answer(200, views.batch(planning.cancel(request.id("batch_id", "payout_batch"), key)))


ROUTES = {
    "POST /v1/payout-batches": Route(create, has_body=True),
    "POST /v1/payout-batches/{batch_id}/approval": Route(approve),
    "POST /v1/payout-batches/{batch_id}/cancellation": Route(cancel),
}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Answer | None:
    """Answers an operator, or acts on the hourly tick."""
    if "routeKey" in event:
        return serve(event, context, ROUTES, _operator)
    watched = watch()
    record_batches(watched.ages_s, [asdict(each) for each in watched.missed], watched.lost)
    planning.tick(watched.lost)
    return None
