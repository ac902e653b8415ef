"""The resolver of every `/v1` route that has no function of its own."""

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError as NoRouteError

from linkage.errors import LinkageError, NotFoundError
from linkage_api import (
    audit,
    balances,
    conversions,
    coupons,
    keys,
    links,
    members,
    network,
    payout_batches,
    programs,
    proposals,
    statistics,
)
from linkage_api.answers import refused

app = APIGatewayHttpResolver()
for noun in (
    network,
    members,
    keys,
    programs,
    coupons,
    links,
    conversions,
    balances,
    payout_batches,
    statistics,
    proposals,
    audit,
):
    app.include_router(noun.router)


@app.exception_handler(LinkageError)
def _refused(error: LinkageError) -> Response[str]:
    return refused(error, app.current_event.raw_path)


@app.not_found
def _no_route(_: NoRouteError) -> Response[str]:
    return refused(NotFoundError("route"), app.current_event.raw_path)
