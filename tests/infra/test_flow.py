"""How events travel: nothing blocks, nothing is dropped unseen, nothing fires by itself locally."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.infra.synthesis import FUNCTIONS, Synthesised, stand_in_build

ROUTES = {
    "GET /{code}": "record_click",
    "HEAD /{code}": "record_click",
    "GET /{code}/pixel.gif": "record_click",
    "POST /v1/conversions": "record_conversion",
    "POST /v1/conversions/{conversion_id}/confirmation": "record_conversion",
    "POST /v1/conversions/{conversion_id}/rejection": "record_conversion",
    "POST /v1/conversions/{conversion_id}/refunds": "record_conversion",
    "POST /v1/conversions/{conversion_id}/release": "record_conversion",
    "POST /v1/client-codes": "record_customer",
    "POST /v1/customers/opt-out": "record_customer",
    "POST /v1/customers/opt-in": "record_customer",
    "POST /v1/customers/unbind": "record_customer",
    "POST /v1/proposals/{proposal_id}/approval": "decide_proposals",
    "POST /v1/proposals/{proposal_id}/withdrawal": "decide_proposals",
    "POST /v1/payout-batches": "batch_payouts",
    "POST /v1/payout-batches/{batch_id}/approval": "batch_payouts",
    "POST /v1/payout-batches/{batch_id}/cancellation": "batch_payouts",
    "POST /v1/payout-batches/{batch_id}/results": "settle_payouts",
    "ANY /v1/{proxy+}": "manage_network",
}

FILTERS = {
    "count_clicks": {"eventName": ["INSERT"]},
    "compute_commissions": {
        "eventName": ["INSERT"],
        "dynamodb": {"NewImage": {"unposted": {"S": [{"exists": True}]}}},
    },
    "export_payouts": {
        "eventName": ["INSERT", "MODIFY"],
        "dynamodb": {"NewImage": {"item": {"S": ["batch"]}, "status": {"S": ["approved"]}}},
    },
}


def _mapping(synthesised: Synthesised, name: str) -> dict[str, Any]:
    (found,) = (
        mapping
        for mapping in synthesised.properties("Lambda::EventSourceMapping")
        if synthesised.function_name(mapping["FunctionName"]) == name
    )
    return found


def _ticks(synthesised: Synthesised) -> dict[str, dict[str, Any]]:
    return {
        synthesised.function_name(schedule["Target"]["Arn"]): schedule
        for schedule in synthesised.properties("Scheduler::Schedule")
    }


@pytest.mark.parametrize("stage", ["prod", "local"])
def test_each_route_has_one_owner(request: pytest.FixtureRequest, stage: str) -> None:
    synthesised: Synthesised = request.getfixturevalue(stage)
    resources = synthesised.template["Resources"]
    owners = {}
    for route in synthesised.properties("ApiGatewayV2::Route"):
        integration = resources[route["Target"]["Fn::Join"][1][1]["Ref"]]["Properties"]
        assert integration["PayloadFormatVersion"] == "2.0"
        owners[route["RouteKey"]] = synthesised.function_name(integration["IntegrationUri"])
    assert owners == ROUTES


def test_visitors_and_callers_do_not_share_an_api_or_its_throttle(prod: Synthesised) -> None:
    stages = prod.properties("ApiGatewayV2::Stage")
    assert len(stages) == len({json.dumps(stage["ApiId"]) for stage in stages}) == 2
    for stage in stages:
        throttle = stage["DefaultRouteSettings"]
        assert throttle["ThrottlingRateLimit"] > 0
        assert throttle["ThrottlingBurstLimit"] >= throttle["ThrottlingRateLimit"]


def access_logs(synthesised: Synthesised) -> list[dict[str, Any]]:
    stages = synthesised.properties("ApiGatewayV2::Stage")
    return [stage["AccessLogSettings"] for stage in stages if "AccessLogSettings" in stage]


def test_a_click_that_is_stored_costs_no_line_of_any_log(prod: Synthesised) -> None:
    assert len(access_logs(prod)) == 1, "the network API's"
    assert prod.function("record_click")["LoggingConfig"]["SystemLogLevel"] == "WARN"
    others = {prod.function(name)["LoggingConfig"]["SystemLogLevel"] for name in FUNCTIONS}
    assert others == {"WARN", "INFO"}


def test_an_operator_can_have_an_access_log_of_links(tmp_path: Path) -> None:
    build = stand_in_build(tmp_path)
    logged = Synthesised("prod", tmp_path / "out", build, links_access_log="true")
    assert len(access_logs(logged)) == 2


def test_access_logs_say_what_was_answered_but_not_who_asked(prod: Synthesised) -> None:
    for access_log in access_logs(prod):
        log_format = access_log["Format"]
        assert "$context.status" in log_format
        assert "sourceIp" not in log_format
        assert "$context.path" not in log_format


@pytest.mark.parametrize("name", FILTERS)
def test_a_poison_record_neither_blocks_its_shard_nor_vanishes(
    prod: Synthesised, name: str
) -> None:
    mapping = _mapping(prod, name)
    bucket = prod.template["Outputs"]["FailedRecordsBucketName"]["Value"]["Ref"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["MaximumRetryAttempts"] == 5
    assert mapping["MaximumRecordAgeInSeconds"] == 6 * 3600
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"] == {
        "Fn::GetAtt": [bucket, "Arn"]
    }


@pytest.mark.parametrize("name", FILTERS)
def test_a_new_mapping_starts_with_the_oldest_record_so_a_deployment_skips_none(
    prod: Synthesised, name: str
) -> None:
    assert _mapping(prod, name)["StartingPosition"] == "TRIM_HORIZON"


def test_clicks_are_packed_by_the_minute_and_facts_posted_at_once(
    prod: Synthesised, local: Synthesised
) -> None:
    def batching(synthesised: Synthesised, name: str) -> tuple[int, int, int]:
        mapping = _mapping(synthesised, name)
        size, window_s = mapping["BatchSize"], mapping["MaximumBatchingWindowInSeconds"]
        return size, window_s, mapping["ParallelizationFactor"]

    assert batching(prod, "count_clicks") == (1000, 60, 1)
    assert batching(local, "count_clicks") == (1000, 1, 1)
    for name in ("compute_commissions", "export_payouts"):
        assert batching(prod, name) == batching(local, name) == (25, 0, 5)


@pytest.mark.parametrize("stage", ["prod", "local"])
@pytest.mark.parametrize("name", FILTERS)
def test_a_function_is_not_woken_by_what_it_writes_itself(
    request: pytest.FixtureRequest, stage: str, name: str
) -> None:
    (pattern,) = _mapping(request.getfixturevalue(stage), name)["FilterCriteria"]["Filters"]
    assert json.loads(pattern["Pattern"]) == FILTERS[name]


def test_a_payout_page_that_fails_waits_in_the_dead_letter_queue(prod: Synthesised) -> None:
    outputs = prod.template["Outputs"]
    resources = prod.template["Resources"]
    work = resources[outputs["WorkQueueUrl"]["Value"]["Ref"]]["Properties"]
    dead_letters = outputs["DeadLetterQueueUrl"]["Value"]["Ref"]
    assert work["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": [dead_letters, "Arn"]},
        "maxReceiveCount": 5,
    }
    assert resources[dead_letters]["Properties"]["MessageRetentionPeriod"] == 14 * 86_400


def test_a_payout_page_is_not_handed_out_again_while_it_is_being_debited(
    prod: Synthesised,
) -> None:
    work = prod.template["Outputs"]["WorkQueueUrl"]["Value"]["Ref"]
    visibility_s = prod.template["Resources"][work]["Properties"]["VisibilityTimeout"]
    assert visibility_s >= 6 * prod.function("debit_payouts")["Timeout"]
    assert _mapping(prod, "debit_payouts")["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_the_sweeper_runs_every_five_minutes_and_locally_every_minute(
    prod: Synthesised, local: Synthesised
) -> None:
    assert _ticks(prod)["sweep_conversions"]["ScheduleExpression"] == "rate(5 minutes)"
    assert _ticks(local)["sweep_conversions"]["ScheduleExpression"] == "rate(1 minute)"


def test_no_automatic_batch_fires_in_the_local_stage(prod: Synthesised, local: Synthesised) -> None:
    assert set(_ticks(local)) == {"sweep_conversions", "confirm_conversions", "fold_clicks"}
    batch = _ticks(prod)["batch_payouts"]
    assert batch["ScheduleExpression"] == "rate(1 hour)"
    assert json.loads(batch["Target"]["Input"]) == {"source": "linkage.tick"}


@pytest.mark.parametrize("name", ["confirm_conversions", "fold_clicks"])
def test_silence_and_the_days_clicks_are_looked_at_every_hour(
    prod: Synthesised, local: Synthesised, name: str
) -> None:
    for synthesised in (prod, local):
        tick = _ticks(synthesised)[name]
        assert tick["ScheduleExpression"] == "rate(1 hour)"
        assert json.loads(tick["Target"]["Input"]) == {"source": "linkage.tick"}


def test_an_old_tick_is_dropped_since_the_next_one_does_its_work(prod: Synthesised) -> None:
    hourly = dict.fromkeys(("confirm_conversions", "batch_payouts", "fold_clicks"), 3600)
    intervals_s = {"sweep_conversions": 300, **hourly}
    for name, schedule in _ticks(prod).items():
        policy = schedule["Target"]["RetryPolicy"]
        assert policy["MaximumEventAgeInSeconds"] <= intervals_s[name]
    invocations = prod.properties("Lambda::EventInvokeConfig")
    assert [config["MaximumRetryAttempts"] for config in invocations] == [0, 0, 0, 0]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_runs_on_arm_with_json_logs_that_end_some_day(
    prod: Synthesised, name: str
) -> None:
    function = prod.function(name)
    log_group = prod.template["Resources"][function["LoggingConfig"]["LogGroup"]["Ref"]]
    assert function["Runtime"] == "python3.13"
    assert function["Architectures"] == ["arm64"]
    assert function["Handler"] == "handler.handler"
    assert function["LoggingConfig"]["LogFormat"] == "JSON"
    assert log_group["Properties"]["RetentionInDays"] == 365
    # X-Ray's permissions cannot be narrowed, and its SDK would double a cold start.
    assert "TracingConfig" not in function


def test_an_answer_is_given_before_the_http_api_gives_up(prod: Synthesised) -> None:
    for name in {*ROUTES.values()}:
        assert prod.function(name)["Timeout"] <= 29


def test_layers_are_those_a_function_needs(prod: Synthesised) -> None:
    others = {"record_click": {"core"}, "manage_network": {"vendor", "core", "api"}}
    for name in FUNCTIONS:
        assert set(prod.layers_of(name)) == others.get(name, {"vendor", "core"})


def test_links_are_made_with_the_address_they_answer_at(
    prod: Synthesised, local: Synthesised
) -> None:
    for synthesised in (prod, local):
        variables = synthesised.function("manage_network")["Environment"]["Variables"]
        assert variables["LINKS_URL"] == synthesised.template["Outputs"]["LinksUrl"]["Value"]
    joined = local.template["Outputs"]["LinksUrl"]["Value"]["Fn::Join"][1]
    assert joined[0] == "http://127.0.0.1:4566/_aws/execute-api/"
    assert joined[-1] == "/$default"


def test_what_the_command_line_reads_is_among_the_outputs(prod: Synthesised) -> None:
    outputs = set(prod.template["Outputs"])
    functions = {"".join(w.capitalize() for w in name.split("_")) for name in FUNCTIONS}
    assert outputs >= {f"{name}FunctionName" for name in functions}
    assert outputs >= {f"{noun.capitalize()}TableName" for noun in prod.nouns().values()}
    assert outputs >= {
        "ApiUrl",
        "LinksUrl",
        "PayoutFilesBucketName",
        "WorkQueueUrl",
        "DeadLetterQueueUrl",
        "ComputeCommissionsMappingId",
        "DashboardUrl",
    }
