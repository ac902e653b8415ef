"""`/v1/coupons`: part of the contract, not supported yet."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from linkage.errors import NotSupportedError
from linkage_api.calls import call

router = Router()


@router.route("/v1/coupons", method=["GET", "POST"])
def refuse() -> Response[str]:
    """Raises NotSupportedError."""
    call(router, "vendor", "affiliate", "operator")
    raise NotSupportedError("/coupons")
