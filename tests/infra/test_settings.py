"""Choosing a stage, and what is said when the choice cannot be followed."""

import json
from pathlib import Path

import pytest

from infra.layers import LayersNotBuiltError
from infra.settings import StageSettingsError
from tests.infra.synthesis import ROOT, Synthesised, make_app

CERTIFICATE = "arn:aws:acm:eu-west-1:000000000000:certificate/0"


def test_a_deployment_that_names_no_stage_is_dev_not_prod() -> None:
    assert json.loads((ROOT / "cdk.json").read_text())["context"]["stage"] == "dev"


def test_each_stage_is_a_stack_of_its_own(build_dir: Path, tmp_path: Path) -> None:
    names = [make_app(s, tmp_path / s, build_dir)[1].stack_name for s in ("local", "dev", "prod")]
    assert names == ["Linkage-local", "Linkage-dev", "Linkage-prod"]


def test_a_stage_that_does_not_exist_is_answered_with_those_that_do(
    build_dir: Path, tmp_path: Path
) -> None:
    with pytest.raises(StageSettingsError, match=r"no stage 'prd'.*local, dev, prod"):
        make_app("prd", tmp_path, build_dir)


def test_a_domain_without_its_certificate_is_refused(build_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(StageSettingsError, match="go together"):
        make_app("prod", tmp_path, build_dir, links_domain="go.example.com")


@pytest.mark.parametrize("email", [None, "", "operator", "operator@", "a b@example.com"])
def test_a_stage_that_keeps_data_is_not_deployed_with_nobody_to_tell(
    build_dir: Path, tmp_path: Path, email: str | None
) -> None:
    context = {"without_alarm_email": "false"} | ({"alarm_email": email} if email else {})
    with pytest.raises(StageSettingsError, match=r"'prod' keeps .*-c alarm_email=.*in cdk\.json"):
        make_app("prod", tmp_path, build_dir, **context)


def test_a_stage_that_keeps_nothing_or_was_told_so_needs_nobody(
    build_dir: Path, tmp_path: Path
) -> None:
    make_app("dev", tmp_path / "dev", build_dir, without_alarm_email="false")
    make_app("local", tmp_path / "local", build_dir, without_alarm_email="false")
    make_app("prod", tmp_path / "prod", build_dir, without_alarm_email="true")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("monthly_budget_usd", "fifty"),
        ("monthly_budget_usd", "-1"),
        ("monthly_budget_usd", "0"),
        ("monthly_budget_usd", "9.5"),
        ("check_link", "https://go.example.com/abcdefgh"),
        ("check_link", "abc"),
    ],
)
def test_a_setting_that_cannot_be_is_named(
    build_dir: Path, tmp_path: Path, setting: str, value: str
) -> None:
    with pytest.raises(StageSettingsError, match=setting):
        make_app("prod", tmp_path, build_dir, **{setting: value})


def test_a_budget_writes_to_whoever_gets_the_alarms(
    with_edge: Synthesised, prod: Synthesised
) -> None:
    (budget,) = with_edge.properties("Budgets::Budget")
    limit = {"Amount": 50, "Unit": "USD"}
    assert budget["Budget"]["BudgetLimit"] == limit
    assert budget["Budget"]["BudgetName"] == "Linkage-prod"
    told = [each["Subscribers"] for each in budget["NotificationsWithSubscribers"]]
    assert told == [[{"Address": "operator@example.com", "SubscriptionType": "EMAIL"}]] * 3
    assert prod.of_type("Budgets::Budget") == {}


def test_a_link_of_the_networks_own_is_followed_each_hour_once_there_is_one(
    build_dir: Path, tmp_path: Path, prod: Synthesised
) -> None:
    checked = Synthesised("prod", tmp_path, build_dir, check_link="abcdefgh")
    (tick,) = (
        each
        for each in checked.properties("Scheduler::Schedule")
        if checked.function_name(each["Target"]["Arn"]) == "check_links"
    )
    assert json.loads(tick["Target"]["Input"])["code"] == "abcdefgh"
    assert tick["ScheduleExpression"] == "rate(1 hour)"
    assert any(
        "check_links for three of its ticks" in alarm["AlarmDescription"]
        for alarm in checked.properties("CloudWatch::Alarm")
    )
    warned = json.dumps(prod.metadata)
    assert "linkage:no_check_link" in warned
    assert "linkage:no_check_link" not in json.dumps(checked.metadata)


def test_layers_that_are_not_built_are_asked_for(tmp_path: Path) -> None:
    with pytest.raises(LayersNotBuiltError, match="Run `make layers`"):
        make_app("prod", tmp_path / "out", tmp_path / "build")


def test_optional_context_gives_links_a_short_name_and_alarms_a_reader(
    build_dir: Path, tmp_path: Path
) -> None:
    named = Synthesised(
        "prod",
        tmp_path,
        build_dir,
        links_domain="go.example.com",
        certificate_arn=CERTIFICATE,
        alarm_email="operator@example.com",
    )
    (domain,) = named.properties("ApiGatewayV2::DomainName")
    (subscription,) = named.properties("SNS::Subscription")
    assert domain["DomainName"] == "go.example.com"
    assert "LinksDomainTarget" in named.template["Outputs"]
    variables = named.function("manage_network")["Environment"]["Variables"]
    assert variables["LINKS_URL"] == "https://go.example.com"
    assert subscription["Endpoint"] == "operator@example.com"
    topic = [{"Ref": next(iter(named.of_type("SNS::Topic")))}]
    assert all(alarm["AlarmActions"] == topic for alarm in named.properties("CloudWatch::Alarm"))
    assert named.validation_reports == []


def test_the_redirect_reads_a_country_only_from_a_header_that_is_named(
    build_dir: Path, tmp_path: Path
) -> None:
    plain = Synthesised("prod", tmp_path / "plain", build_dir)
    behind = Synthesised("prod", tmp_path / "cdn", build_dir, country_header="CF-IPCountry")
    read = [
        app.function("record_click")["Environment"]["Variables"].get("COUNTRY_HEADER")
        for app in (plain, behind)
    ]
    assert read == [None, "CF-IPCountry"]


def test_the_gateway_port_moves_the_local_addresses(build_dir: Path, tmp_path: Path) -> None:
    moved = Synthesised("local", tmp_path, build_dir, gateway_port="4999")
    assert "http://127.0.0.1:4999/" in json.dumps(moved.template["Outputs"]["ApiUrl"])
    assert "4566" not in json.dumps(moved.template)
