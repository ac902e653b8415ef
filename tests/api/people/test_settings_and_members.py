"""Network settings, members and keys."""

from datetime import timedelta

import pytest

from linkage.domain import clock
from linkage.domain.rule_versions import RULES_FIRST, RULES_OF_KEYED_IDS
from linkage.flow.people import managing_members
from linkage.tables import host_changes
from linkage.tables import settings as settings_table
from linkage.tables.dynamodb.batch_reads import read
from linkage.tables.host_changes import reading_changes
from linkage.tables.links import LinkItem
from linkage.tables.settings import current_settings
from tests.api.client import Answer, Client
from tests.api.conftest import METHOD, NETWORK, Network


def test_settings_never_published_are_version_0(operator: Client) -> None:
    answer = operator.get("/v1/network")
    assert (answer.status, answer.body["version"]) == (200, 0)
    assert answer.body["level_rates_bps"] == [1000, 500]


def test_publishing_other_settings_makes_a_version_and_the_same_settings_do_not(
    operator: Client,
) -> None:
    schedule = {
        "days_of_month": [15, 1],
        "hour": 8,
        "time_zone": "Africa/Harare",
        "currencies": ["USD"],
    }
    first = operator.put("/v1/network", NETWORK | {"payout_schedule": schedule})
    same = operator.put("/v1/network", NETWORK | {"payout_schedule": schedule})
    other = operator.put("/v1/network", NETWORK | {"name": "Another"})
    assert [each.body["version"] for each in (first, same, other)] == [1, 1, 2]
    assert first.body["payout_schedule"]["days_of_month"] == [1, 15]
    assert operator.get("/v1/network").body == other.body


def test_two_who_publish_settings_at_once_get_one_version_and_a_conflict(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = settings_table.current_settings()
    read = operator.put("/v1/network", NETWORK).body["version"]
    monkeypatch.setattr("linkage.flow.terms.publishing_settings.current_settings", lambda: stale)
    answer = operator.put("/v1/network", NETWORK | {"name": "Another", "version": read})
    assert (answer.status, answer.code) == (409, "published_meanwhile")


def test_levels_that_the_fee_cannot_pay_are_refused_with_what_to_change(operator: Client) -> None:
    levels = {"level_rates_bps": [1500, 600]}
    answer = operator.put("/v1/network", NETWORK | levels)
    assert (answer.status, answer.code) == (422, "overrides_not_funded")
    assert "100 more than the fees" in answer.body["detail"]
    paid_by_vendor = NETWORK | levels | {"override_funding": "vendor"}
    assert operator.put("/v1/network", paid_by_vendor).status == 200


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"recruitment_bonus": 5}, "invalid_field", "/recruitment_bonus"),
        (
            {"recruitment_bonus": {"amount_minor": 5}},
            "invalid_field",
            "/recruitment_bonus/currency",
        ),
        (
            {"recruitment_bonus": {"amount_minor": 5, "currency": "ZWL"}},
            "unknown_currency",
            "/recruitment_bonus/currency",
        ),
        ({"affiliate_fee_bps": -1}, "invalid_field", "/affiliate_fee_bps"),
        ({"active_days": 0}, "invalid_field", "/active_days"),
        ({"split_members_max": 10}, "invalid_field", "/split_members_max"),
        (
            {"level_rates_bps": [1] * 5, "split_members_max": 6},
            "too_many_payees",
            "/split_members_max",
        ),
        ({"payout_minimum_minor": {"ZWL": 5}}, "unknown_currency", "/payout_minimum_minor/ZWL"),
        ({"payout_minimum_minor": {"USD": 0}}, "invalid_field", "/payout_minimum_minor/USD"),
        ({"payout_minimum_minor": {"USD": True}}, "invalid_field", "/payout_minimum_minor/USD"),
        ({"level_rates_bps": [1] * 6}, "invalid_field", "/level_rates_bps"),
        ({"level_rates_bps": [10001]}, "invalid_field", "/level_rates_bps/0"),
        ({"network_fee_bps": 20.5}, "invalid_field", "/network_fee_bps"),
        ({"introducer_days": 0}, "invalid_field", "/introducer_days"),
        ({"override_funding": "nobody"}, "invalid_field", "/override_funding"),
        ({"four_eyes": 1}, "invalid_field", "/four_eyes"),
        ({"name": " "}, "invalid_field", "/name"),
        ({"a/b~c": 1}, "unknown_field", "/a~1b~0c"),
        ({"payout_schedule": {"hour": 1}}, "invalid_field", "/payout_schedule/days_of_month"),
    ],
)
def test_settings_that_cannot_be_are_refused_at_their_field(
    operator: Client, changes: dict[str, object], code: str, pointer: str
) -> None:
    answer = operator.put("/v1/network", NETWORK | changes)
    assert (answer.status, answer.code, answer.pointer) == (422, code, pointer)


@pytest.mark.parametrize(
    "time_zone",
    [
        *("Africa", "Mars/Olympus", "../etc/passwd", "", "x" * 99),
        *("localtime", "Factory", "posixrules", "africa/harare", "posix/UTC", "right/UTC"),
    ],
)
def test_a_time_zone_must_be_one(operator: Client, time_zone: str) -> None:
    schedule = {"days_of_month": [1], "hour": 8, "time_zone": time_zone, "currencies": ["USD"]}
    answer = operator.put("/v1/network", NETWORK | {"payout_schedule": schedule})
    assert (answer.status, answer.pointer) == (422, "/payout_schedule/time_zone")


def test_a_member_starts_as_applied_and_what_it_gives_is_normalised(operator: Client) -> None:
    made = operator.post(
        "/v1/members",
        {
            "name": "  Tendai ",
            "roles": ["affiliate", "vendor"],
            "email": " Tendai@Example.com",
            "phone": "+263 77 304-7653",
            "groups": ["builders"],
            "hosts": ["Shop.Example", "*.shop.example"],
            "payout_method": METHOD,
        },
    )
    assert made.status == 201
    assert made.body | {"id": "", "created_at": ""} == {
        "id": "",
        "name": "Tendai",
        "roles": ["affiliate", "vendor"],
        "status": "applied",
        "email": "tendai@example.com",
        "phone": "+263773047653",
        "sponsor_id": None,
        "groups": ["builders"],
        "hosts": ["shop.example", "*.shop.example"],
        "hosts_pending": False,
        "hosts_published_at": None,
        "payout_method": METHOD,
        "payout_method_changed_at": None,
        "payout_method_changed_by": None,
        "payout_method_before": None,
        "splits": [],
        "confirmed_max_minor": {},
        "created_at": "",
    }
    shown = operator.get(f"/v1/members/{made.body['id']}").body
    assert set(shown.pop("usage")) == {"programs", "coupons", "links"}
    assert shown.pop("payout_method_rests_until") is None
    assert shown == made.body


def test_approval_and_suspension_may_be_repeated_and_undone(network: Network) -> None:
    path = f"/v1/members/{network.affiliate.member_id}"
    steps = ["suspension", "suspension", "approval", "approval"]
    statuses = [network.operator.post(f"{path}/{step}").body["status"] for step in steps]
    assert statuses == ["suspended", "suspended", "approved", "approved"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"sponsor_id": "mem_0000"}, "/sponsor_id"),
        ({"sponsor_id": "not an id"}, "/sponsor_id"),
        ({"roles": []}, "/roles"),
        ({"roles": ["affiliate", "affiliate"]}, "/roles"),
        ({"roles": ["operator"]}, "/roles/0"),
        ({"phone": "0773047653"}, "/phone"),
        ({"phone": "+2637730476\u0665\u0663"}, "/phone"),
        ({"email": "nobody"}, "/email"),
        ({"hosts": ["https://shop.example"]}, "/hosts/0"),
        ({"hosts": ["127.0.0.1"]}, "/hosts/0"),
        ({"payout_method": {"type": "bank"}}, "/payout_method/account"),
        ({"payout_method": {"type": "mobile_money"}}, "/payout_method/phone"),
        ({"payout_method": {"type": "cash"}}, "/payout_method/type"),
        ({"upline": ["mem_1"]}, "/upline"),
        ({"name": "a\x00b"}, "/name"),
    ],
)
def test_a_member_that_cannot_be_is_refused_at_its_field(
    operator: Client, changes: dict[str, object], pointer: str
) -> None:
    answer = operator.post("/v1/members", {"name": "T", "roles": ["affiliate"]} | changes)
    assert (answer.status, answer.pointer) == (422, pointer)


def test_settings_say_everything_and_what_is_shown_can_be_published_again(operator: Client) -> None:
    sent = NETWORK | {
        "affiliate_fee_bps": 300,
        "active_days": 90,
        "recruitment_bonus": {"amount_minor": 500, "currency": "USD"},
        "split_members_max": 2,
        "hold_days_min": 7,
        "method_rest_hours": 24,
        "introducer_days": 365,
        "payout_schedule": {
            "days_of_month": [1, 15],
            "hour": 6,
            "time_zone": "Africa/Harare",
            "currencies": ["USD"],
        },
        "programs_max": 200,
        "program_versions_per_day_max": 12,
        "links_max": 5_000,
        "coupons_max": 500,
        "introduction_minimum_minor": {"USD": 500},
        "bindings_per_day_max": 10,
        "recruits_per_month_max": 5,
    }
    shown = operator.put("/v1/network", sent).body
    assert shown == sent | {"version": 1, "keyed_ids": True}
    assert operator.put("/v1/network", shown).body == shown
    second = operator.put("/v1/network", shown | {"active_days": None})
    assert (second.body["version"], second.body["active_days"]) == (2, None)
    stale = operator.put("/v1/network", shown | {"active_days": 5})
    assert (stale.status, stale.code) == (409, "published_meanwhile")


@pytest.mark.parametrize(
    ("asked", "on"), [({}, True), ({"keyed_ids": True}, True), ({"keyed_ids": False}, False)]
)
def test_a_new_network_has_keyed_ids_from_its_first_moment_unless_it_wants_none(
    operator: Client, asked: dict[str, bool], on: bool
) -> None:
    assert operator.put("/v1/network", NETWORK | asked).body["keyed_ids"] is on
    settings = current_settings()
    assert (settings.keyed_ids_from is not None) is on
    assert settings.rules == (RULES_OF_KEYED_IDS if on else RULES_FIRST)
    if settings.keyed_ids_from:
        assert clock.instant(settings.keyed_ids_from) <= clock.now()


def test_a_network_with_members_has_them_an_hour_after_an_operator_turned_them_on(
    network: Network,
) -> None:
    for body in (NETWORK, NETWORK | {"hold_days_min": 3}):
        assert network.operator.put("/v1/network", body).body["keyed_ids"] is False
    assert network.operator.put("/v1/network", NETWORK | {"keyed_ids": False}).status == 200
    on = network.operator.put("/v1/network", NETWORK | {"keyed_ids": True})
    assert on.body["keyed_ids"] is True
    settings = current_settings()
    assert settings.keyed_ids_from
    wait = clock.instant(settings.keyed_ids_from) - clock.now()
    assert timedelta(minutes=59) < wait <= timedelta(hours=1)


def test_keyed_ids_are_never_turned_off_again_nor_begun_anew(network: Network) -> None:
    network.operator.put("/v1/network", NETWORK | {"keyed_ids": True})
    begun = current_settings()
    off = network.operator.put("/v1/network", NETWORK | {"keyed_ids": False})
    assert (off.status, off.pointer) == (422, "/keyed_ids")
    for changes in ({"name": "B"}, {"name": "C", "keyed_ids": True}, {"name": "D"}):
        assert network.operator.put("/v1/network", NETWORK | changes).body["keyed_ids"] is True
    now = current_settings()
    assert (now.keyed_ids_from, now.id_secret_mark) == (begun.keyed_ids_from, begun.id_secret_mark)
    assert now.version == begun.version + 3


@pytest.mark.parametrize("value", [1, "true", [], None])
def test_keyed_ids_are_true_or_false(operator: Client, value: object) -> None:
    answer = operator.put("/v1/network", NETWORK | {"keyed_ids": value})
    assert answer.status == (200 if value is None else 422)


def test_no_secret_and_no_mark_of_one_is_shown(operator: Client) -> None:
    shown = operator.put("/v1/network", NETWORK).body
    mark = current_settings().id_secret_mark
    assert mark
    assert mark not in str(shown)


def test_settings_that_lift_a_program_over_its_ceiling_are_refused_by_its_name(
    network: Network,
) -> None:
    for _ in range(3):
        network.program()
    capped = network.program(name="Capped tiles", ceiling_bps=1200)
    network.program(ceiling_bps=10_000)
    answer = network.operator.put("/v1/network", NETWORK | {"network_fee_bps": 2001})
    assert (answer.code, answer.pointer) == ("over_the_ceiling", "/network_fee_bps")
    assert f"Program Capped tiles ({capped}) would be over its ceiling" in answer.body["detail"]
    assert "over the ceiling of 12 %" in answer.body["detail"]
    assert network.operator.put("/v1/network", NETWORK).status == 200


def test_a_member_splits_with_affiliates_that_exist(network: Network) -> None:
    path = f"/v1/members/{network.affiliate.member_id}"
    splits = [{"member_id": network.sponsor.member_id, "share_bps": 2500}]
    changed = network.operator.call("PATCH", path, {"splits": splits})
    assert (changed.status, changed.body["splits"]) == (200, splits)
    assert network.affiliate.get(path).body["splits"] == splits
    assert network.operator.call("PATCH", path, {"name": "B"}).body["splits"] == splits
    assert network.operator.call("PATCH", path, {"splits": []}).body["splits"] == []
    made = network.operator.post(
        "/v1/members", {"name": "Firm", "roles": ["affiliate"], "splits": splits}
    )
    assert made.body["splits"] == splits


@pytest.mark.parametrize(
    ("splits", "pointer"),
    [
        ([{"member_id": "{self}", "share_bps": 1}], "/splits/0/member_id"),
        ([{"member_id": "mem_0", "share_bps": 1}], "/splits/0/member_id"),
        ([{"member_id": "{vendor}", "share_bps": 1}], "/splits/0/member_id"),
        ([{"member_id": "{sponsor}", "share_bps": 0}], "/splits/0/share_bps"),
        ([{"member_id": "{sponsor}", "share_bps": 10_001}], "/splits/0/share_bps"),
        ([{"member_id": "{sponsor}", "share_bps": 1}] * 2, "/splits/1/member_id"),
        ([{"member_id": f"mem_{each}", "share_bps": 1} for each in range(5)], "/splits"),
        (None, "/splits"),
        ([{}], "/splits/0/member_id"),
    ],
)
def test_splits_that_cannot_be_are_refused_at_their_field(
    network: Network, splits: list[dict[str, object]] | None, pointer: str
) -> None:
    known = {
        "{self}": network.affiliate.member_id,
        "{vendor}": network.vendor.member_id,
        "{sponsor}": network.sponsor.member_id,
    }
    sent = splits and [
        {name: known.get(str(value), value) for name, value in split.items()} for split in splits
    ]
    path = f"/v1/members/{network.affiliate.member_id}"
    answer = network.operator.call("PATCH", path, {"splits": sent})
    assert (answer.status, answer.pointer) == (422, pointer)


def test_a_sponsor_must_be_an_affiliate(network: Network) -> None:
    body = {"name": "T", "roles": ["affiliate"], "sponsor_id": network.vendor.member_id}
    assert network.operator.post("/v1/members", body).pointer == "/sponsor_id"


def test_members_see_themselves_and_nobody_else(network: Network) -> None:
    own = f"/v1/members/{network.affiliate.member_id}"
    assert network.affiliate.get(own).body["name"] == "Builder"
    assert network.sponsor.get(own).code == "member_not_found"
    assert network.vendor.get(own).code == "member_not_found"
    assert network.affiliate.get("/v1/members").status == 403


def test_only_the_fields_that_are_sent_change_and_null_takes_one_away(network: Network) -> None:
    path = f"/v1/members/{network.affiliate.member_id}"
    changed = network.operator.call("PATCH", path, {"email": "b@example.com", "groups": ["x"]})
    assert changed.body["email"] == "b@example.com"
    assert changed.body["payout_method"] == METHOD
    again = network.operator.call("PATCH", path, {"email": None, "payout_method": None})
    assert (again.body["email"], again.body["payout_method"]) == (None, None)
    assert again.body["groups"] == ["x"]
    assert network.operator.call("PATCH", path, {}).body == again.body
    assert network.operator.call("PATCH", path, {"name": None}).status == 422


def test_links_follow_the_hosts_of_their_vendor(network: Network) -> None:
    program_id = network.program()
    code = network.affiliate.post("/v1/links", {"program_id": program_id}).body["code"]
    path = f"/v1/members/{network.vendor.member_id}"
    before = LinkItem.get(code).serialize()
    changed = network.operator.call("PATCH", path, {"hosts": ["new.example"]})
    assert (changed.status, changed.body["hosts"]) == (200, ["new.example"])
    assert LinkItem.get(code).serialize() == before
    assert len(list(LinkItem.scan())) == 1  # without an edge nobody has anything to follow
    assert (changed.body["hosts_pending"], changed.body["hosts_published_at"]) == (False, None)


@pytest.fixture
def with_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(managing_members, "_EDGE", True)


@pytest.mark.usefixtures("with_edge")
def test_with_the_edge_a_member_shows_whether_it_has_followed_its_hosts(network: Network) -> None:
    vendor_id = network.vendor.member_id
    path = f"/v1/members/{vendor_id}"

    def shown(answer: Answer) -> tuple[bool, str | None]:
        return answer.body["hosts_pending"], answer.body["hosts_published_at"]

    assert shown(network.vendor.get(path)) == (False, None)
    for body in ({"hosts": ["new.example"]}, {"hosts": ["new.example"]}, {"name": "Tiles"}):
        assert shown(network.operator.call("PATCH", path, body)) == (True, None)
    assert shown(network.vendor.get(path)) == (True, None)
    found = network.operator.get("/v1/members?limit=100").body["data"]
    assert {each["id"] for each in found if each["hosts_pending"]} == {vendor_id}

    change = read(reading_changes([vendor_id]))[vendor_id]
    assert change
    host_changes.end(change, "2026-12-01T10:00:00.000Z")
    assert shown(network.vendor.get(path)) == (False, "2026-12-01T10:00:00.000Z")
    again = network.operator.call("PATCH", path, {"hosts": ["new.example", "old.example"]})
    assert shown(again) == (True, None)


def test_a_key_is_shown_once_works_at_once_and_not_after_it_is_revoked(network: Network) -> None:
    body = {"role": "affiliate", "member_id": network.affiliate.member_id}
    made = network.operator.post("/v1/keys", body)
    assert (made.status, made.body["role"]) == (201, "affiliate")
    fresh = Client(made.body["secret"])
    assert fresh.get("/v1/balances").status == 200
    listed = network.operator.get("/v1/keys?limit=100").body["data"]
    assert made.body["id"] in {key["id"] for key in listed}
    assert all("secret" not in name for key in listed for name in key)
    for _ in range(2):
        assert network.operator.call("DELETE", f"/v1/keys/{made.body['id']}").status == 204
    answer = fresh.get("/v1/balances")
    assert (answer.status, answer.code) == (401, "invalid_key")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_revoking_a_key_that_never_was_is_404(operator: Client) -> None:
    assert operator.call("DELETE", "/v1/keys/key_0").code == "key_not_found"


def test_a_key_belongs_to_a_member_with_its_role_and_an_operators_to_nobody(
    network: Network,
) -> None:
    refused = [
        {"role": "operator", "member_id": network.vendor.member_id},
        {"role": "vendor"},
        {"role": "vendor", "member_id": network.affiliate.member_id},
        {"role": "affiliate", "member_id": "mem_0"},
    ]
    for body in refused:
        assert network.operator.post("/v1/keys", body).pointer == "/member_id"
    made = network.operator.post("/v1/keys", {"role": "operator", "person": "Rudo"})
    assert Client(made.body["secret"]).get("/v1/network").status == 200
