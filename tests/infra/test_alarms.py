"""What must not go wrong in silence."""

import json
from typing import Any

import pytest

from linkage.domain.payouts.payouts import UNKNOWN_AFTER_DAYS
from tests.infra.synthesis import FUNCTIONS, Synthesised


def _alarms(synthesised: Synthesised, metric_name: str) -> list[dict[str, Any]]:
    return [
        alarm
        for alarm in synthesised.properties("CloudWatch::Alarm")
        if alarm["MetricName"] == metric_name
    ]


def _watched(synthesised: Synthesised, metric_name: str) -> set[str]:
    return {
        synthesised.function_name(dimension["Value"])
        if isinstance(dimension["Value"], dict)
        else dimension["Value"]
        for alarm in _alarms(synthesised, metric_name)
        for dimension in alarm["Dimensions"]
    }


@pytest.mark.parametrize("metric_name", ["Errors", "Throttles"])
def test_every_function_that_fails_or_is_refused_is_noticed(
    prod: Synthesised, metric_name: str
) -> None:
    assert _watched(prod, metric_name) == set(FUNCTIONS)


def test_a_consumer_five_minutes_behind_its_stream_is_noticed(prod: Synthesised) -> None:
    assert _watched(prod, "IteratorAge") == {
        "compute_commissions",
        "count_clicks",
        "export_payouts",
    }
    assert {alarm["Threshold"] for alarm in _alarms(prod, "IteratorAge")} == {300_000}


@pytest.mark.parametrize(
    "metric_name", ["OnFailureDestinationDeliveredEventCount", "DroppedEventCount"]
)
def test_a_record_given_up_is_noticed_within_minutes(prod: Synthesised, metric_name: str) -> None:
    alarms = _alarms(prod, metric_name)
    watched = {alarm["Dimensions"][0]["Value"]["Fn::GetAtt"][0] for alarm in alarms}
    mappings = prod.of_type("Lambda::EventSourceMapping")
    streams = {key for key, m in mappings.items() if "StartingPosition" in m["Properties"]}
    assert watched == streams
    assert {alarm["Threshold"] for alarm in alarms} == {0}


def test_lambda_counts_given_up_records_only_when_it_is_asked_to(prod: Synthesised) -> None:
    for mapping in prod.properties("Lambda::EventSourceMapping"):
        if "StartingPosition" in mapping:
            assert mapping["MetricsConfig"] == {"Metrics": ["EventCount"]}


def test_failed_records_keep_ringing_until_the_bucket_is_emptied(prod: Synthesised) -> None:
    (alarm,) = _alarms(prod, "NumberOfObjects")
    bucket = prod.template["Outputs"]["FailedRecordsBucketName"]["Value"]
    assert {"Name": "BucketName", "Value": bucket} in alarm["Dimensions"]
    assert alarm["Threshold"] == 0
    # S3 reports a day's count up to two days later.
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (3, 1)


def test_a_payout_page_in_the_dead_letter_queue_is_noticed(prod: Synthesised) -> None:
    (alarm,) = _alarms(prod, "ApproximateNumberOfMessagesVisible")
    queue = prod.template["Outputs"]["DeadLetterQueueUrl"]["Value"]["Ref"]
    assert alarm["Dimensions"][0]["Value"] == {"Fn::GetAtt": [queue, "QueueName"]}
    assert alarm["Threshold"] == 0


def test_a_fact_unposted_for_fifteen_minutes_is_noticed_and_so_is_a_silent_sweeper(
    prod: Synthesised,
) -> None:
    (alarm,) = _alarms(prod, "OldestUnpostedAge")
    assert alarm["Namespace"] == "Linkage-prod"
    assert alarm["Dimensions"] == [{"Name": "service", "Value": "sweep_conversions"}]
    assert alarm["Threshold"] == 900
    assert alarm["TreatMissingData"] == "breaching"
    assert alarm["Period"] == 900


def test_a_silence_that_confirms_nothing_is_noticed_even_if_it_is_the_ticks(
    prod: Synthesised,
) -> None:
    (alarm,) = _alarms(prod, "OldestAwaitingAge")
    assert alarm["Dimensions"] == [{"Name": "service", "Value": "confirm_conversions"}]
    assert alarm["Threshold"] == 7200
    assert alarm["TreatMissingData"] == "breaching"
    assert alarm["Period"] == 3 * 3600


def test_batches_that_stay_where_they_are_are_noticed_and_so_is_a_silent_tick(
    prod: Synthesised,
) -> None:
    limits = {
        "OldestPlanningAge": (3 * 3600, "breaching"),
        "OldestApprovedAge": (3 * 3600, "notBreaching"),
        "OldestUnsettledAge": (UNKNOWN_AFTER_DAYS * 24 * 3600, "notBreaching"),
        "BatchMissed": (0, "notBreaching"),
        "PayoutFileWithoutBatch": (0, "notBreaching"),
    }
    for metric_name, (threshold, missing) in limits.items():
        (alarm,) = _alarms(prod, metric_name)
        assert alarm["Dimensions"] == [{"Name": "service", "Value": "batch_payouts"}]
        assert (alarm["Threshold"], alarm["TreatMissingData"]) == (threshold, missing)
        # Long enough for two hourly ticks.
        assert alarm["Period"] == 3 * 3600


def test_without_the_tick_nobody_waits_for_what_it_says(local: Synthesised) -> None:
    assert _alarms(local, "OldestPlanningAge") == []


def test_a_confirmation_that_is_held_is_noticed_whoever_received_it(prod: Synthesised) -> None:
    (alarm,) = _alarms(prod, "ConversionHeld")
    assert alarm["Namespace"] == "Linkage-prod"
    # As `record_held` counts it.
    assert alarm["Dimensions"] == [{"Name": "service", "Value": "conversions"}]
    assert (alarm["Statistic"], alarm["Threshold"]) == ("Sum", 0)
    assert alarm["TreatMissingData"] == "notBreaching"


def test_a_ledger_found_out_of_balance_rings_until_a_check_finds_it_mended(
    prod: Synthesised,
) -> None:
    (alarm,) = _alarms(prod, "LedgerOutOfBalance")
    # As `linkage ledger check --publish-metric` publishes it.
    assert alarm["Namespace"] == "Linkage-prod"
    assert alarm["Dimensions"] == [{"Name": "service", "Value": "ledger_check"}]
    assert alarm["Threshold"] == 0
    assert alarm["TreatMissingData"] == "ignore"


def test_a_lost_click_is_noticed(prod: Synthesised) -> None:
    for metric_name in ("ClickLost", "LinkReadFailed"):
        (alarm,) = _alarms(prod, metric_name)
        assert alarm["Dimensions"] == [{"Name": "service", "Value": "record_click"}]
        assert alarm["Threshold"] == 0


def test_too_many_introductions_in_a_day_are_noticed(prod: Synthesised) -> None:
    (alarm,) = _alarms(prod, "BindingsBeyondBound")
    assert alarm["Dimensions"] == [{"Name": "service", "Value": "compute_commissions"}]
    assert alarm["Threshold"] == 0


def test_a_vendor_that_opts_too_many_out_or_in_is_noticed(prod: Synthesised) -> None:
    for metric_name in ("OptOutsBeyondBound", "OptInsRefused"):
        (alarm,) = _alarms(prod, metric_name)
        assert alarm["Dimensions"] == [{"Name": "service", "Value": "record_customer"}]
        assert alarm["Threshold"] == 0


def test_a_click_that_is_not_counted_or_billed_is_noticed(prod: Synthesised) -> None:
    (uncounted,) = _alarms(prod, "ClickNotCounted")
    assert uncounted["Dimensions"] == [{"Name": "service", "Value": "count_clicks"}]
    (unbilled,) = _alarms(prod, "LinkDayNotBilled")
    assert unbilled["Dimensions"] == [{"Name": "service", "Value": "fold_clicks"}]
    assert uncounted["Threshold"] == unbilled["Threshold"] == 0


def test_a_day_without_final_counts_for_three_days_is_noticed_even_if_it_is_the_ticks(
    prod: Synthesised,
) -> None:
    (alarm,) = _alarms(prod, "OldestOpenDayAge")
    assert alarm["Dimensions"] == [{"Name": "service", "Value": "fold_clicks"}]
    assert alarm["Threshold"] == 3 * 86_400
    assert alarm["TreatMissingData"] == "breaching"
    assert alarm["Period"] == 3 * 3600


def test_a_tick_that_wakes_nobody_is_noticed_after_three_times(prod: Synthesised) -> None:
    silent = [each for each in _alarms(prod, "Invocations") if each["Threshold"] == 1]
    every_s = {
        synthesised_name: minutes * 60
        for synthesised_name, minutes in {
            "sweep_conversions": 5,
            "fold_clicks": 60,
            "confirm_conversions": 60,
            "batch_payouts": 60,
        }.items()
    }
    found = {
        prod.function_name(alarm["Dimensions"][0]["Value"]): alarm["Period"] for alarm in silent
    }
    assert found == {name: max(900, 3 * seconds) for name, seconds in every_s.items()}
    for alarm in silent:
        assert alarm["TreatMissingData"] == "breaching"
        assert (alarm["Statistic"], alarm["EvaluationPeriods"]) == ("Sum", 1)


def test_a_flood_is_noticed_before_it_reaches_the_throttle(prod: Synthesised) -> None:
    stages = prod.properties("ApiGatewayV2::Stage")
    rates = {
        json.dumps(stage["ApiId"]): stage["DefaultRouteSettings"]["ThrottlingRateLimit"]
        for stage in stages
    }
    for metric_name, share in {"Count": 0.5, "4xx": 0.05}.items():
        alarms = _alarms(prod, metric_name)
        assert len(alarms) == len(stages) == 2
        for alarm in alarms:
            (api,) = (each["Value"] for each in alarm["Dimensions"] if each["Name"] == "ApiId")
            assert alarm["Period"] == 300
            assert alarm["Threshold"] == rates[json.dumps(api)] * 300 * share
            assert alarm["TreatMissingData"] == "notBreaching"


def test_a_refusal_for_too_many_requests_is_noticed_where_it_is_logged(prod: Synthesised) -> None:
    (filter_,) = prod.properties("Logs::MetricFilter")
    (counted,) = filter_["MetricTransformations"]
    assert filter_["FilterPattern"] == '{ $.status = "429" }'
    (alarm,) = _alarms(prod, "NetworkApiRefused")
    assert counted["MetricName"] == alarm["MetricName"]
    assert counted["MetricNamespace"] == alarm["Namespace"] == "Linkage-prod"
    assert alarm["Threshold"] == 0


def test_the_networks_own_link_that_leads_nowhere_is_noticed(prod: Synthesised) -> None:
    (alarm,) = _alarms(prod, "OwnLinkNotFollowed")
    assert alarm["Dimensions"] == [{"Name": "service", "Value": "check_links"}]
    assert alarm["Threshold"] == 0


def test_every_alarm_says_what_it_means(prod: Synthesised) -> None:
    for alarm in prod.properties("CloudWatch::Alarm"):
        assert alarm["AlarmDescription"].endswith(".")
        silent = "three of its ticks" in alarm["AlarmDescription"]
        compared = "LessThanThreshold" if silent else "GreaterThanThreshold"
        assert alarm["ComparisonOperator"] == compared


def test_functions_name_themselves_and_their_stage_in_logs_and_metrics(prod: Synthesised) -> None:
    for name in FUNCTIONS:
        variables = prod.function(name)["Environment"]["Variables"]
        assert variables["POWERTOOLS_METRICS_NAMESPACE"] == "Linkage-prod"
        assert variables["STAGE"] == "prod"


def test_there_is_one_dashboard(prod: Synthesised) -> None:
    assert len(prod.of_type("CloudWatch::Dashboard")) == 1
