"""Programs, coupons and links."""

from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import pytest

from linkage.domain import clock
from linkage.domain.clicks.links import is_code
from linkage.tables.programs import get_program, program_version
from tests.api.conftest import PROGRAM, Network, make_member
from tests.domain.clicks.test_destinations import REFUSED

EVERYTHING = {
    "name": "Roof tiles",
    "destination_url": "https://shop.example/tiles",
    "click_model": "first",
    "lateness_days": 0,
    "window_days": 365,
    "hold_days": 0,
    "confirmation": "automatic",
    "confirm_after_days": 14,
    "introducer_rate_bps": 200,
    "categories": ["tools", "paint"],
    "ceiling_bps": 2000,
    "paused": True,
    "joint_program_ids": [],
    "bonuses": [
        {
            "by": "volume",
            "period": "quarter",
            "target": 100_000,
            "amount_minor": 500,
            "currency": "USD",
        }
    ],
    "rewards": [
        {
            "event": "sale",
            "name": "progressive",
            "currency": "USD",
            "thresholds": {
                "by": "volume",
                "period": "month",
                "steps": [
                    {"from": 0, "to": 100_000, "rate_bps": 500},
                    {"from": 100_000, "rate_bps": 700},
                ],
            },
            "max_minor": 3000,
            "period": "month",
            "period_max_minor": 20_000,
            "budget_minor": 500_000,
        },
        {"event": "sale", "rate_bps": 900, "category": "tools", "group": "builders"},
        {"event": "sale", "rate_bps": 1000, "coupon": "SUMMER-26", "ends_on": "2026-12-31"},
        {"event": "sale", "rate_bps": 1000, "first_n": 1, "starts_on": "2026-01-01"},
        {"event": "sale", "rate_bps": 300, "months": 12},
        {"event": "signup", "amount_minor": 200, "currency": "USD"},
        {"event": "install", "amount_minor": 100, "currency": "USD"},
    ],
}


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


def test_each_version_keeps_when_it_was_published_and_none_is_older_than_the_one_before(
    network: Network,
) -> None:
    moments = [datetime(2026, 11, 20, hour, tzinfo=UTC) for hour in (5, 9, 8, 7)]
    with patch.object(clock, "now", lambda: moments[0]):
        program_id = network.program()
    for moment, hold_days in ((moments[1], 3), (moments[2], 4), (moments[3], 4)):
        with patch.object(clock, "now", lambda now=moment: now):
            network.vendor.put(f"/v1/programs/{program_id}", PROGRAM | {"hold_days": hold_days})
    versions = [program_version(program_id, number) for number in (1, 2, 3)]
    assert [each.in_force_from[11:13] for each in versions] == ["05", "09", "09"]
    assert {each.created_at[11:13] for each in versions} == {"05"}
    assert get_program(program_id).version == 3


def test_an_operator_publishes_for_a_vendor_that_was_suspended(network: Network) -> None:
    program_id = network.program()
    network.operator.post(f"/v1/members/{network.vendor.member_id}/suspension")
    path, paused = f"/v1/programs/{program_id}", PROGRAM | {"paused": True}
    assert network.vendor.put(path, paused).body["code"] == "member_not_approved"
    assert network.operator.put(path, paused).body["paused"] is True


def test_a_program_says_everything_and_what_is_shown_can_be_published_again(
    network: Network,
) -> None:
    sent = EVERYTHING | {"rewards": [dict(each) for each in EVERYTHING["rewards"]]}
    sent["rewards"].append(
        {"event": "sale", "rate_bps": 1200, "affiliate_id": network.affiliate.member_id}
    )
    sent["joint_program_ids"] = [_of_the_other_vendor(network)]
    made = network.vendor.post("/v1/programs", sent)
    assert made.status == 201, made.body
    path = f"/v1/programs/{made.body['id']}"
    shown = network.vendor.get(path).body
    added = {"id", "version", "vendor_id", "by_operator", "created_at"}
    assert {name: value for name, value in shown.items() if name not in added} == sent
    again = network.vendor.put(path, shown)
    assert (again.status, again.body) == (200, shown)
    changed = network.vendor.put(path, shown | {"paused": False})
    assert (changed.body["version"], changed.body["paused"]) == (2, False)
    stale = network.vendor.put(path, shown | {"hold_days": 9})
    assert (stale.status, stale.code) == (409, "published_meanwhile")
    for name, value in (("id", "prg_0"), ("vendor_id", network.other_vendor.member_id)):
        assert network.vendor.put(path, shown | {name: value}).pointer == f"/{name}"


def _of_the_other_vendor(network: Network) -> str:
    made = network.other_vendor.post(
        "/v1/programs", PROGRAM | {"destination_url": "https://paint.example/"}
    )
    return made.body["id"]


def test_what_is_not_said_has_its_default(network: Network) -> None:
    shown = network.vendor.get(f"/v1/programs/{network.program()}").body
    assert {name: shown[name] for name in shown.keys() - PROGRAM.keys()} | {
        "id": "",
        "created_at": "",
    } == {
        "id": "",
        "version": 1,
        "vendor_id": network.vendor.member_id,
        "click_model": "last",
        "lateness_days": 30,
        "confirm_after_days": None,
        "categories": [],
        "bonuses": [],
        "ceiling_bps": None,
        "paused": False,
        "by_operator": False,
        "joint_program_ids": [],
        "created_at": "",
    }


def test_what_one_affiliate_alone_gets_is_shown_to_no_other(network: Network) -> None:
    own = {"event": "sale", "rate_bps": 1200, "affiliate_id": network.affiliate.member_id}
    program_id = network.program(rewards=[*PROGRAM["rewards"], own])
    path = f"/v1/programs/{program_id}"
    for reader in (network.vendor, network.operator, network.affiliate):
        assert reader.get(path).body["rewards"] == [*PROGRAM["rewards"], own]
    for url in (path, "/v1/programs"):
        body = network.sponsor.get(url).body
        (shown,) = body.get("data", [body])
        assert shown["rewards"] == PROGRAM["rewards"]


CLICKS = {"event": "click", "amount_minor": 5, "currency": "USD"}
THOUSANDS = {"event": "impression", "amount_minor": 250, "currency": "USD"}


def test_clicks_and_impressions_are_paid_beside_a_sale(network: Network) -> None:
    counted = [
        CLICKS | {"name": "clicks", "max_minor": 500, "budget_minor": 10_000},
        CLICKS | {"group": "gold", "amount_minor": 7, "ends_on": "2026-12-31"},
        THOUSANDS | {"affiliate_id": network.affiliate.member_id},
    ]
    rewards = [*PROGRAM["rewards"], *counted]
    answer = network.vendor.post("/v1/programs", PROGRAM | {"rewards": rewards})
    assert answer.status == 201
    assert answer.body["rewards"] == rewards


@pytest.mark.parametrize(
    ("reward", "code", "pointer"),
    [
        ({"rate_bps": 1000}, "not_of_counted", "rate_bps"),
        ({"coupon": "SPRING"}, "not_of_counted", "coupon"),
        ({"category": "tiles"}, "not_of_counted", "category"),
        ({"first_n": 1}, "not_of_counted", "first_n"),
        ({"months": 1}, "not_of_counted", "months"),
        (
            {"thresholds": {"by": "count", "period": "month", "steps": [
                {"from": 0, "amount_minor": 1}]}},
            "not_of_counted",
            "thresholds",
        ),
        ({"amount_minor": None}, "invalid_field", "amount_minor"),
        ({"currency": None}, "invalid_field", "currency"),
        ({"amount_minor": 0}, "invalid_field", "amount_minor"),
        ({"budget_minor": 100}, "invalid_field", "name"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("counted", [CLICKS, THOUSANDS])
def test_what_a_click_or_an_impression_cannot_have_is_refused(
    network: Network, counted: dict[str, Any], reward: dict[str, Any], code: str, pointer: str
) -> None:
    changed = {name: value for name, value in (counted | reward).items() if value is not None}
    terms = PROGRAM | {"categories": ["tiles"], "rewards": [changed]}
    answer = network.vendor.post("/v1/programs", terms)
    assert (answer.status, answer.code) == (422, code)
    assert answer.pointer == f"/rewards/0/{pointer}"


def test_clicks_and_impressions_are_paid_in_one_currency(network: Network) -> None:
    rewards = [*PROGRAM["rewards"], CLICKS, THOUSANDS | {"currency": "ZWG"}]
    answer = network.vendor.post("/v1/programs", PROGRAM | {"rewards": rewards})
    assert (answer.status, answer.code) == (422, "several_currencies")
    assert answer.pointer == f"/rewards/{len(rewards) - 1}/currency"


def test_two_prices_for_the_same_click_are_refused(network: Network) -> None:
    rewards = [CLICKS, CLICKS | {"amount_minor": 6}]
    answer = network.vendor.post("/v1/programs", PROGRAM | {"rewards": rewards})
    assert (answer.code, answer.pointer) == ("tied_rewards", "/rewards/1")


def test_a_ceiling_is_of_sales_and_does_not_limit_what_clicks_cost(network: Network) -> None:
    terms = PROGRAM | {"ceiling_bps": 5_000, "rewards": [*PROGRAM["rewards"], CLICKS]}
    assert network.vendor.post("/v1/programs", terms).status == 201


def test_no_event_beyond_these_is_paid(network: Network) -> None:
    terms = PROGRAM | {"rewards": [{"event": "view", "amount_minor": 1, "currency": "USD"}]}
    answer = network.vendor.post("/v1/programs", terms)
    assert (answer.code, answer.pointer) == ("invalid_field", "/rewards/0/event")


STEPS = "/rewards/0/thresholds/steps"


def reward(**fields: object) -> dict[str, object]:
    """A change of a program to one reward with these fields."""
    return {"rewards": [{"event": "sale", "rate_bps": 100} | fields]}


def stepped(*steps: dict[str, object]) -> dict[str, object]:
    """A change of a program to one reward with these steps."""
    thresholds = {"by": "count", "period": "month", "steps": list(steps)}
    return {"rewards": [{"event": "sale", "thresholds": thresholds}]}


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"ceiling_bps": 1199}, "over_the_ceiling", "/rewards/0/rate_bps"),
        ({"ceiling_bps": 0}, "invalid_field", "/ceiling_bps"),
        ({"click_model": "any"}, "invalid_field", "/click_model"),
        ({"lateness_days": 366}, "invalid_field", "/lateness_days"),
        ({"confirmation": "automatic"}, "invalid_field", "/confirm_after_days"),
        ({"confirm_after_days": 5}, "invalid_field", "/confirm_after_days"),
        ({"categories": ["a", "a"]}, "invalid_field", "/categories"),
        ({"categories": ["x" * 65]}, "invalid_field", "/categories/0"),
        ({"categories": [str(each) for each in range(51)]}, "invalid_field", "/categories"),
        ({"paused": 1}, "invalid_field", "/paused"),
        ({"joint_program_ids": ["prg_0"]}, "invalid_field", "/joint_program_ids/0"),
        ({"joint_program_ids": ["%"]}, "invalid_field", "/joint_program_ids/0"),
        ({"bonuses": [{"by": "volume"}]}, "invalid_field", "/bonuses/0/period"),
        (reward(affiliate_id="mem_0"), "invalid_field", "/rewards/0/affiliate_id"),
        (reward(coupon="a b"), "invalid_field", "/rewards/0/coupon"),
        (reward(coupon=5), "invalid_field", "/rewards/0/coupon"),
        (reward(category="tools"), "unknown_category", "/rewards/0/category"),
        (reward(starts_on="2026-02-30"), "invalid_field", "/rewards/0/starts_on"),
        (reward(starts_on="20260201"), "invalid_field", "/rewards/0/starts_on"),
        (
            reward(starts_on="2026-02-01", ends_on="2026-01-01"),
            "dates_reversed",
            "/rewards/0/ends_on",
        ),
        (reward(first_n=0), "invalid_field", "/rewards/0/first_n"),
        (reward(months=0), "invalid_field", "/rewards/0/months"),
        (reward(max_minor=5), "invalid_field", "/rewards/0/currency"),
        (reward(period="week"), "invalid_field", "/rewards/0/period"),
        (stepped({"from": 5, "rate_bps": 1}), "thresholds_gap", f"{STEPS}/0/from"),
        (stepped({"from": -1, "rate_bps": 1}), "invalid_field", f"{STEPS}/0/from"),
        (stepped({"rate_bps": 1}), "invalid_field", f"{STEPS}/0/from"),
        (stepped({"start": 0, "rate_bps": 1}), "invalid_field", f"{STEPS}/0/from"),
        (stepped({"from": 0, "to": 5, "rate_bps": 1}), "thresholds_gap", f"{STEPS}/0/to"),
        (stepped({"from": 0, "to": "5", "rate_bps": 1}), "invalid_field", f"{STEPS}/0/to"),
        (
            stepped({"from": 0, "rate_bps": 1}, {"from": 0, "rate_bps": 2}),
            "thresholds_gap",
            f"{STEPS}/0/to",
        ),
        (stepped(), "invalid_field", STEPS),
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


def test_a_step_without_an_end_goes_up_to_the_next_one(network: Network) -> None:
    terms = stepped({"from": 0, "rate_bps": 1}, {"from": 5, "rate_bps": 2})
    program_id = network.program(**terms)
    (reward,) = network.vendor.get(f"/v1/programs/{program_id}").body["rewards"]
    assert reward["thresholds"]["steps"] == [
        {"from": 0, "to": 5, "rate_bps": 1},
        {"from": 5, "rate_bps": 2},
    ]


def test_a_fixed_amount_for_each_currency_is_no_tie(network: Network) -> None:
    rewards = [
        {"event": "lead", "amount_minor": 500, "currency": "USD"},
        {"event": "lead", "amount_minor": 9000, "currency": "ZWG"},
        {"event": "sale", "rate_bps": 100},
    ]
    made = network.vendor.post("/v1/programs", PROGRAM | {"rewards": rewards})
    assert made.body["rewards"] == rewards


def test_joint_programs_are_another_vendors(network: Network) -> None:
    own = network.vendor.post("/v1/programs", PROGRAM | {"joint_program_ids": [network.program()]})
    assert (own.status, own.pointer) == (422, "/joint_program_ids/0")
    assert "with another vendor" in own.body["detail"]


def test_codes_of_coupons_are_kept_in_capitals(network: Network) -> None:
    rewards = [*PROGRAM["rewards"], {"event": "sale", "rate_bps": 900, "coupon": " summer_1 "}]
    shown = network.vendor.get(f"/v1/programs/{network.program(rewards=rewards)}").body
    assert shown["rewards"][1]["coupon"] == "SUMMER_1"


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
    assert {each["code"] for each in listed} == {plain.body["code"], page.body["code"]}
    assert network.sponsor.get("/v1/links").body["data"] == []


def test_a_link_opens_and_ends_when_it_says(network: Network) -> None:
    body = {
        "program_id": network.program(),
        "starts_at": "2098-12-01T00:00:00+02:00",
        "expires_at": "2098-12-24T12:00:00Z",
    }
    made = network.affiliate.post("/v1/links", body).body
    assert made["starts_at"] == "2098-11-30T22:00:00.000Z"
    assert made["expires_at"] == "2098-12-24T12:00:00.000Z"
    (listed,) = network.affiliate.get("/v1/links").body["data"]
    assert listed == made
    for wrong in (body["starts_at"], "2098-11-01T00:00:00Z", "2098-12-24", "soon", 5):
        answer = network.affiliate.post("/v1/links", body | {"expires_at": wrong})
        assert (answer.status, answer.pointer) == (422, "/expires_at"), wrong
    over = {"program_id": body["program_id"], "expires_at": "2020-11-23T12:00:00Z"}
    answer = network.affiliate.post("/v1/links", over)
    assert (answer.status, answer.pointer) == (422, "/expires_at")


def test_the_sub_ids_of_a_link_fit_into_each_of_its_clicks(network: Network) -> None:
    program_id = network.program()
    fits = {"sub1": "\u0436" * 125, "sub2": "x" * 250}
    made = network.affiliate.post("/v1/links", {"program_id": program_id, "sub": fits})
    assert (made.status, made.body["sub"]) == (201, fits)
    answer = network.affiliate.post(
        "/v1/links", {"program_id": program_id, "sub": fits | {"sub3": "y"}}
    )
    assert (answer.status, answer.pointer) == (422, "/sub")


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
    # Links of one millisecond are in no order.
    assert sorted(seen) == sorted(made)


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
