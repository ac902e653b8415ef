"""A21: the API's answers had neither `nosniff` nor HSTS."""

from typing import Any

import pytest

from linkage.edge import redirects
from linkage.edge.headers import SAFE_HEADERS
from tests.api.conftest import PROGRAM, Network
from tests.api.recording import record
from tests.functions.redirect import event

KEY = {"role": "operator", "person": "Rudo"}


def lower(headers: dict[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in headers.items()}


def test_the_headers_say_what_they_should() -> None:
    assert SAFE_HEADERS["x-content-type-options"] == "nosniff"
    age_s = SAFE_HEADERS["strict-transport-security"].removeprefix("max-age=")
    assert int(age_s) >= 365 * 24 * 3600


@pytest.mark.parametrize("status", [200, 201, 204, 401, 403, 404, 422])
def test_every_answer_of_the_api_has_them(network: Network, status: int) -> None:
    key = network.operator.post("/v1/keys", KEY).body["id"]
    answers = {
        200: network.operator.get("/v1/members"),
        201: network.vendor.post("/v1/programs", PROGRAM),
        204: network.operator.call("DELETE", f"/v1/keys/{key}"),
        401: record(network.client("nobody"), "/v1/conversions", {}),
        403: network.affiliate.get("/v1/members"),
        404: network.operator.get("/v1/nothing"),
        422: record(network.vendor, "/v1/conversions", {}),
    }
    answer = answers[status]
    assert answer.status == status
    assert SAFE_HEADERS.items() <= answer.headers.items()


@pytest.mark.parametrize("path", ["/abcdefgh", "/abcdefgh/pixel.gif"])
def test_every_answer_of_the_links_api_has_them(path: str) -> None:
    asked = redirects.link_request(event(path=path))
    answers = [
        redirects.sent_on(asked, "https://shop.example/"),
        redirects.not_found(),
        redirects.closed(asked, "early"),
        redirects.closed(asked, "over"),
        redirects.unavailable(asked),
    ]
    for answer in answers:
        headers = lower(answer["headers"])
        assert SAFE_HEADERS.items() <= headers.items()
        assert len(headers) == len(answer["headers"])
