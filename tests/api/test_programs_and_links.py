"""Programs, coupons and links."""

import pytest

from linkage.links import is_code
from tests.api.conftest import PROGRAM, Network, make_member
from tests.domain.test_destinations import REFUSED

LATER = [
    "category",
    "thresholds",
    "affiliate_id",
    "coupon",
    "group",
    "max_minor",
    "first_n",
    "months",
    "starts_on",
    "ends_on",
]


def test_a_program_is_made_published_anew_and_read(network: Network) -> None:
    made = network.vendor.post("/v1/programs", PROGRAM)
    assert made.status == 201
    assert made.body["version"] == 1
    path = f"/v1/programs/{made.body['id']}"
    same = network.vendor.put(path, PROGRAM)
    other = network.vendor.put(path, PROGRAM | {"hold_days": 7})
    assert [(same.status, same.body["version"]), (other.status, other.body["version"])] == [
        (200, 1),
        (200, 2),
    ]
    assert network.affiliate.get(path).body == other.body
    assert network.operator.put(path, PROGRAM).body["version"] == 3


def test_an_operator_names_the_vendor_and_a_vendor_does_not(network: Network) -> None:
    named = PROGRAM | {"vendor_id": network.vendor.member_id}
    assert network.operator.post("/v1/programs", named).status == 201
    assert network.operator.post("/v1/programs", PROGRAM).pointer == "/vendor_id"
    unknown = PROGRAM | {"vendor_id": network.affiliate.member_id}
    assert network.operator.post("/v1/programs", unknown).pointer == "/vendor_id"
    assert network.vendor.post("/v1/programs", named).code == "unknown_field"


def test_a_vendor_sees_and_changes_its_own_programs_only(network: Network) -> None:
    program_id = network.program()
    path = f"/v1/programs/{program_id}"
    assert network.other_vendor.get(path).code == "program_not_found"
    assert network.other_vendor.put(path, PROGRAM).code == "program_not_found"
    assert network.other_vendor.get("/v1/programs").body["data"] == []
    for reader in (network.vendor, network.affiliate, network.operator):
        assert [each["id"] for each in reader.get("/v1/programs").body["data"]] == [program_id]


def test_a_vendor_not_approved_makes_no_programs_and_gets_no_links(network: Network) -> None:
    program_id = network.program()
    network.operator.post(f"/v1/members/{network.vendor.member_id}/suspension")
    assert network.vendor.post("/v1/programs", PROGRAM).code == "member_not_approved"
    answer = network.affiliate.post("/v1/links", {"program_id": program_id})
    assert (answer.status, answer.code) == (409, "member_not_approved")


@pytest.mark.parametrize("name", LATER)
def test_fields_of_a_reward_that_come_later_are_refused_by_name(
    network: Network, name: str
) -> None:
    reward = {"event": "sale", "rate_bps": 1000, name: 1}
    answer = network.vendor.post("/v1/programs", PROGRAM | {"rewards": [reward]})
    assert (answer.status, answer.code) == (422, "not_supported")
    assert answer.pointer == f"/rewards/0/{name}"
    assert name in answer.body["detail"]


@pytest.mark.parametrize("event", ["signup", "install", "click", "impression"])
def test_events_that_come_later_are_refused(network: Network, event: str) -> None:
    rewards = [{"event": event, "rate_bps": 1000}]
    answer = network.vendor.post("/v1/programs", PROGRAM | {"rewards": rewards})
    assert (answer.code, answer.pointer) == ("not_supported", "/rewards/0/event")


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"ceiling_bps": 5}, "not_supported", "/ceiling_bps"),
        ({"rewards": []}, "invalid_field", "/rewards"),
        ({"rewards": [{"event": "sale"}]}, "invalid_field", "/rewards/0"),
        ({"rewards": [5]}, "invalid_field", "/rewards/0"),
        (
            {"rewards": [{"event": "sale", "rate_bps": 1, "amount_minor": 1, "currency": "USD"}]},
            "invalid_field",
            "/rewards/0",
        ),
        (
            {"rewards": [{"event": "sale", "amount_minor": 1}]},
            "invalid_field",
            "/rewards/0/currency",
        ),
        (
            {"rewards": [{"event": "sale", "rate_bps": 1, "currency": "USD"}]},
            "invalid_field",
            "/rewards/0/currency",
        ),
        (
            {"rewards": [{"event": "sale", "amount_minor": 1, "currency": "ZWL"}]},
            "unknown_currency",
            "/rewards/0/currency",
        ),
        (
            {"rewards": [{"event": "sale", "rate_bps": 1}, {"event": "sale", "rate_bps": 2}]},
            "tied_rewards",
            "/rewards/1",
        ),
        ({"window_days": 366}, "invalid_field", "/window_days"),
        ({"hold_days": -1}, "invalid_field", "/hold_days"),
        ({"hold_days": True}, "invalid_field", "/hold_days"),
        ({"confirmation": "never"}, "invalid_field", "/confirmation"),
        ({"destination_url": "https://paint.example/"}, "invalid_field", "/destination_url"),
    ],
)
def test_terms_that_cannot_be_are_refused_at_their_field(
    network: Network, changes: dict[str, object], code: str, pointer: str
) -> None:
    answer = network.vendor.post("/v1/programs", PROGRAM | changes)
    assert (answer.status, answer.code, answer.pointer) == (422, code, pointer)


def test_a_fixed_amount_for_each_currency_is_no_tie(network: Network) -> None:
    rewards = [
        {"event": "lead", "amount_minor": 500, "currency": "USD"},
        {"event": "lead", "amount_minor": 9000, "currency": "ZWG"},
        {"event": "sale", "rate_bps": 100},
    ]
    made = network.vendor.post("/v1/programs", PROGRAM | {"rewards": rewards})
    assert made.body["rewards"] == rewards


def test_coupons_are_not_supported_yet(network: Network) -> None:
    answers = [network.vendor.post("/v1/coupons", {}), network.affiliate.get("/v1/coupons")]
    assert [(each.status, each.code) for each in answers] == [(422, "not_supported")] * 2


def test_a_link_leads_to_the_program_or_to_a_page_of_its_vendor(network: Network) -> None:
    program_id = network.program()
    plain = network.affiliate.post("/v1/links", {"program_id": program_id})
    assert plain.status == 201
    assert is_code(plain.body["code"])
    assert plain.body["url"] == f"https://links.example/{plain.body['code']}"
    assert plain.body["destination_url"] == PROGRAM["destination_url"]
    page = network.affiliate.post(
        "/v1/links",
        {
            "program_id": program_id,
            "destination_url": "https://shop.example/paint?a=1",
            "sub": {"sub1": "flyer", "sub5": None},
        },
    )
    assert page.body["sub"] == {"sub1": "flyer"}
    listed = network.affiliate.get("/v1/links").body["data"]
    assert [each["code"] for each in listed] == [plain.body["code"], page.body["code"]]
    assert network.sponsor.get("/v1/links").body["data"] == []


@pytest.mark.parametrize("url", REFUSED)
def test_a_link_leads_nowhere_but_to_its_vendor(network: Network, url: str) -> None:
    body = {"program_id": network.program(), "destination_url": url}
    answer = network.affiliate.post("/v1/links", body)
    assert (answer.status, answer.pointer) == (422, "/destination_url")


def test_an_affiliate_must_be_approved_and_the_program_must_exist(network: Network) -> None:
    for program_id in ("prg_0", "nothing", "prg_\u00e9"):
        answer = network.affiliate.post("/v1/links", {"program_id": program_id})
        assert (answer.status, answer.code) == (404, "program_not_found")
    body = {"program_id": network.program()}
    network.operator.post(f"/v1/members/{network.affiliate.member_id}/suspension")
    assert network.affiliate.post("/v1/links", body).code == "member_not_approved"


def test_an_operator_makes_and_lists_links_for_an_affiliate_it_names(network: Network) -> None:
    body = {"program_id": network.program()}
    assert network.operator.post("/v1/links", body).pointer == "/affiliate_id"
    named = body | {"affiliate_id": network.affiliate.member_id}
    made = network.operator.post("/v1/links", named)
    assert made.body["affiliate_id"] == network.affiliate.member_id
    assert network.operator.get("/v1/links").pointer == "/affiliate_id"
    listed = network.operator.get(f"/v1/links?affiliate_id={network.affiliate.member_id}")
    assert [each["code"] for each in listed.body["data"]] == [made.body["code"]]
    assert network.affiliate.post("/v1/links", named).code == "unknown_field"


def test_a_list_is_read_to_its_end_by_its_cursors(network: Network) -> None:
    program_id = network.program()
    made = [
        network.affiliate.post("/v1/links", {"program_id": program_id}).body["code"]
        for _ in range(5)
    ]
    seen, url = [], "/v1/links?limit=2"
    while url:
        page = network.affiliate.get(url).body
        seen += [each["code"] for each in page["data"]]
        assert page["has_more"] == (page["next_cursor"] is not None)
        url = page["has_more"] and f"/v1/links?limit=2&cursor={page['next_cursor']}"
    assert seen == made


def test_members_programs_and_keys_are_paged_too(network: Network) -> None:
    make_member(network.operator, "One more", "affiliate")
    network.program()
    network.program()
    for noun in ("members", "programs", "keys"):
        first = network.operator.get(f"/v1/{noun}?limit=1").body
        url = f"/v1/{noun}?limit=100&cursor={first['next_cursor']}"
        rest = network.operator.get(url).body["data"]
        everything = network.operator.get(f"/v1/{noun}?limit=100").body["data"]
        assert first["data"] + rest == everything
