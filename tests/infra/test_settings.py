"""Choosing a stage, and what is said when the choice cannot be followed."""

import json
from pathlib import Path

import pytest

from infra.layers import LayersNotBuiltError
from infra.setting_forms import SETTINGS, StageSettingsError
from infra.settings import OF_THE_APP, StageSettings
from tests.infra.synthesis import ROOT, Synthesised, make_app

CERTIFICATE = "arn:aws:acm:eu-west-1:000000000000:certificate/0"
AT_THE_EDGE = "arn:aws:acm:us-east-1:000000000000:certificate/1"
DOMAIN = {"links_domain": "go.example.com", "certificate_arn": CERTIFICATE}
OWN = json.loads((ROOT / "cdk.json").read_text())["context"]


def settings_of(stage: str, **given: object) -> StageSettings:
    """The settings of a stage with the context of the project's own `cdk.json`."""
    return StageSettings.from_context({**OWN, "stage": stage, **given})


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


def test_a_stage_that_keeps_data_is_not_deployed_with_nobody_to_tell(
    build_dir: Path, tmp_path: Path
) -> None:
    context = {"without_alarm_email": "false"}
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
        *(("retain", value) for value in ("True", "yes", "", 1, 0, None.__class__)),
        *(("edge", value) for value in ("True", "yes", "on", "1", 1, "false ", "")),
        *(("automatic_batches", value) for value in ("False", "no", 0, "0", [])),
        *(("links_access_log", value) for value in ("TRUE", "y", 2)),
        *(("without_alarm_email", value) for value in ("Yes", "t")),
        *(("log_retention", value) for value in ("ONE_YEARS", "one_year", 365, "", ["ONE_DAY"])),
        *(("sweep_minutes", value) for value in (0, "0", -5, 61, "five", 1.5, True, "")),
        *(("monthly_budget_usd", value) for value in ("fifty", "-1", "0", "9.5", 9.5, True, "$50")),
        *(("gateway_port", value) for value in ("0", 65_536, "http", "-1", None.__class__, "")),
        ("links_throttle", 100),
        ("links_throttle", "100"),
        ("links_throttle", {"rate": 100}),
        ("links_throttle", {"rate": 100, "burst": 0}),
        ("links_throttle", {"rate": "many", "burst": 100}),
        ("api_throttle", {"rate": 100, "burst": 100, "per": "minute"}),
        ("api_throttle", {"rate": 5, "burst": 100}),
        *(
            ("alarm_email", value)
            for value in (
                "operator",
                "operator@",
                "a b@example.com",
                "",
                "a@b.c",
                "a@b.com,c@d.com",
            )
        ),
        *(
            ("check_link", value)
            for value in ("https://go.example.com/abcdefgh", "abc", "abcdefg0", "/abcdefgh", "")
        ),
        *(
            ("links_domain", value)
            for value in (
                "https://go.example.com",
                "go.example.com/x",
                "go.example.com:443",
                "GO.example.com",
                "*.example.com",
                "go_x.example.com",
                "example",
                "go..example.com",
                "-go.example.com",
                "go.example.com.",
                "192.0.2.1",
                "",
            )
        ),
        *(
            ("certificate_arn", value)
            for value in (
                "arn:aws:acm:eu-west-1:1:certificate/0",
                "arn:aws:iam::000000000000:server-certificate/x",
                "certificate/0",
                "arn:aws:acm:europe:000000000000:certificate/0",
                "",
            )
        ),
        *(("country_header", value) for value in ("CF IPCountry", "cf-ipcountry:", "", 7, "é")),
        *(("click_token_keys", value) for value in ("1,1", "1,", "a", "12345", "1 2", "", True)),
    ],
)
def test_a_value_that_a_setting_cannot_have_is_named_with_what_it_may_be(
    setting: str, value: object
) -> None:
    with pytest.raises(StageSettingsError) as refused:
        settings_of("dev", **{setting: value if value is not None.__class__ else {}})
    (said,) = str(refused.value).splitlines()
    form = {**{name: each.form for name, each in SETTINGS.items()}, **OF_THE_APP}[setting]
    assert said.startswith(f"{setting} is ")
    assert said.endswith(f", and may be {form.may_be.replace('`', '')}.")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("alarm_mail", "alarm_email"),
        ("AlarmEmail", "alarm_email"),
        ("alarm-email", "alarm_email"),
        ("sweep_minute", "sweep_minutes"),
        ("automatic_batch", "automatic_batches"),
        ("edge_certificate", "edge_certificate_arn"),
        ("link_domain", "links_domain"),
        ("logretention", "log_retention"),
        ("Edge", "edge"),
    ],
)
def test_a_name_that_no_setting_has_is_not_passed_over(name: str, meant: str) -> None:
    for given in ({"stages": {"dev": OWN["stages"]["dev"] | {name: "x"}}}, {name: "x"}):
        with pytest.raises(StageSettingsError, match=rf"no setting '{name}'\. Is {meant} meant"):
            settings_of("dev", **given)


def test_what_has_no_likeness_is_not_passed_over_either() -> None:
    with pytest.raises(StageSettingsError, match=r"has no setting 'qqq'\. Take it out"):
        settings_of("dev", qqq="x")


def test_what_cdk_says_itself_is_let_be() -> None:
    cdks = {
        "aws:cdk:enable-path-metadata": True,
        "@aws-cdk/core:anything": True,
        "availability-zones:account=0:region=eu-west-1": ["eu-west-1a"],
    }
    assert settings_of("dev", **cdks).stage == "dev"


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(StageSettingsError) as refused:
        settings_of("dev", edge="yes", sweep_minutes=0, alarm_mail="x")
    assert len(str(refused.value).splitlines()) == 3


@pytest.mark.parametrize("name", [each.name for each in SETTINGS.values() if each.required])
def test_what_a_stage_must_say_it_says(name: str) -> None:
    lacking = {other: value for other, value in OWN["stages"]["dev"].items() if other != name}
    with pytest.raises(StageSettingsError, match=f"lacks the setting '{name}'"):
        settings_of("dev", stages={"dev": lacking})


@pytest.mark.parametrize(
    ("stage", "given", "said"),
    [
        ("dev", {"links_domain": "go.example.com"}, "go together"),
        ("dev", {"certificate_arn": CERTIFICATE}, "go together"),
        ("dev", {"monthly_budget_usd": "50"}, "writes to alarm_email"),
        ("dev", {"edge_certificate_arn": AT_THE_EDGE}, "give edge=true too"),
        ("dev", {"edge": "false", "edge_certificate_arn": AT_THE_EDGE}, "give edge=true too"),
        ("dev", {"edge": "true", "edge_certificate_arn": AT_THE_EDGE}, "go together"),
        ("dev", {"edge": "true", **DOMAIN}, "go together"),
        ("dev", {"edge": "true", **DOMAIN, "edge_certificate_arn": CERTIFICATE}, "in us-east-1"),
        ("local", {"edge": "true"}, "local emulator has none"),
        ("local", DOMAIN, "answers by no name of yours"),
        ("prod", {}, "nobody would hear"),
        ("prod", {"without_alarm_email": False}, "nobody would hear"),
    ],
)
def test_settings_that_cannot_work_together_are_refused(
    stage: str, given: dict[str, object], said: str
) -> None:
    with pytest.raises(StageSettingsError, match=said):
        settings_of(stage, **given)


@pytest.mark.parametrize("stages", [None, [], "prod", {"dev": "small"}, {"dev": []}])
def test_stages_that_are_none_are_refused(stages: object) -> None:
    with pytest.raises(StageSettingsError, match="must be an object of stages"):
        settings_of("dev", stages=stages)


@pytest.mark.parametrize("name", ["a/b", "1st", "x" * 31, "a b", "é", ""])
def test_a_stage_has_a_name_that_aws_takes(name: str) -> None:
    with pytest.raises(StageSettingsError, match=r"stage is .*, and may be up to 30 letters"):
        settings_of(name, stages={name: OWN["stages"]["dev"]})


def test_the_command_line_wins_over_the_stage_also_to_turn_off() -> None:
    stages = {"dev": OWN["stages"]["dev"] | {"edge": True, "alarm_email": "a@example.com"}}
    chosen = settings_of("dev", stages=stages, edge="false", sweep_minutes="7", retain="true")
    assert (chosen.edge, chosen.sweep_minutes, chosen.retain) == (False, 7, True)
    assert settings_of("dev", stages=stages).edge


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
