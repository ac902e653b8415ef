"""The optional edge: nothing without it, and with it no more than it needs."""

import importlib.util
import json
import struct
from pathlib import Path
from typing import Any

import pytest

from infra.setting_forms import StageSettingsError
from linkage.domain.clicks.clicks import _PURPOSE_HEADERS
from linkage_cli.cost import Units
from tests.infra.synthesis import EDGE_FUNCTIONS, ROOT, Synthesised, make_app

CERTIFICATE = "arn:aws:acm:{}:000000000000:certificate/0"
LAYER = ROOT / "build" / "layers" / "aws" / "edge"
ELF_AARCH64 = 183
LOGGING = {"logs:CreateLogStream", "logs:PutLogEvents"}
READ = {"GetItem", "BatchGetItem", "Query", "ConditionCheckItem"}


def behavior(edge: Synthesised) -> dict[str, Any]:
    (distribution,) = edge.properties("CloudFront::Distribution")
    found: dict[str, Any] = distribution["DistributionConfig"]["DefaultCacheBehavior"]
    return found


def config(edge: Synthesised) -> dict[str, Any]:
    (distribution,) = edge.properties("CloudFront::Distribution")
    found: dict[str, Any] = distribution["DistributionConfig"]
    return found


def test_without_the_edge_there_is_one_stack_and_nothing_of_it_is_in_there(
    build_dir: Path, tmp_path: Path
) -> None:
    plain = Synthesised("prod", tmp_path / "plain", build_dir)
    said_off = Synthesised("prod", tmp_path / "off", build_dir, edge="false")
    assert plain.template == said_off.template
    text = json.dumps(plain.template)
    for trace in ("CloudFront", "CLICK_TOKEN", "ClickToken", "EDGE_", "ExportsOutput"):
        assert trace not in text
    assert "StreamSpecification" not in plain.table("links")["Properties"]
    assert [path.name for path in (tmp_path / "plain").glob("*.template.json")] == [
        "Linkage-prod.template.json"
    ]


def test_with_it_the_network_gains_a_stream_a_key_and_what_the_edge_imports(
    with_edge: Synthesised, build_dir: Path, tmp_path: Path
) -> None:
    plain = Synthesised(
        "prod",
        tmp_path,
        build_dir,
        links_domain="go.example.com",
        certificate_arn=CERTIFICATE.format("eu-west-1"),
        alarm_email="operator@example.com",
    )
    before, after = plain.template["Resources"], with_edge.template["Resources"]
    assert before.keys() <= after.keys()
    (added,) = after.keys() - before.keys()
    assert after[added]["Type"] == "AWS::SecretsManager::Secret"
    changed = {key for key in before if before[key] != after[key]}
    assert {after[key]["Type"] for key in changed} == {
        "AWS::DynamoDB::GlobalTable",
        "AWS::Lambda::Function",
    }
    assert with_edge.table("links")["Properties"]["StreamSpecification"] == {
        "StreamViewType": "NEW_IMAGE"
    }
    new = after.keys() & changed
    assert len(new) == 4


def test_the_secret_of_click_tokens_is_in_no_template_and_the_same_in_both_stacks(
    with_edge: Synthesised, edge: Synthesised
) -> None:
    reads = with_edge.function("record_conversion")["Environment"]["Variables"]
    signs = edge.function("publish_links")["Environment"]["Variables"]
    first, secret, last = reads["CLICK_TOKEN_KEYS"]["Fn::Join"][1]
    assert (first, last) == ('{"1":"{{resolve:secretsmanager:', ':SecretString:::}}"}')
    imported = signs["CLICK_TOKEN_KEYS"]["Fn::Join"][1]
    assert (imported[0], imported[2]) == (first, last)
    exports = {
        output["Export"]["Name"]: output["Value"]
        for output in with_edge.template["Outputs"].values()
        if "Export" in output
    }
    assert exports[imported[1]["Fn::ImportValue"]] == secret


def test_keys_are_rotated_by_listing_them_and_outlive_the_edge(
    build_dir: Path, tmp_path: Path
) -> None:
    two = Synthesised("prod", tmp_path / "two", build_dir, edge="true", click_token_keys="1,2")
    kept = Synthesised("prod", tmp_path / "kept", build_dir, click_token_keys="1,2")
    for synthesised in (two, kept):
        variables = synthesised.function("record_conversion")["Environment"]["Variables"]
        parts = variables["CLICK_TOKEN_KEYS"]["Fn::Join"][1]
        text = "".join(part if isinstance(part, str) else "…" for part in parts)
        assert text.count("{{resolve:secretsmanager:…") == 2
        assert list(json.loads(text)) == ["1", "2"]


@pytest.mark.parametrize("key_ids", ["1,1", "a", "1,", "12345", "1 2"])
def test_key_ids_that_cannot_be_any_are_refused(
    build_dir: Path, tmp_path: Path, key_ids: str
) -> None:
    with pytest.raises(StageSettingsError, match="such as 1,2"):
        make_app("prod", tmp_path, build_dir, edge="true", click_token_keys=key_ids)


def test_a_domain_at_the_edge_needs_a_certificate_that_cloudfront_takes(
    build_dir: Path, tmp_path: Path
) -> None:
    named = {"links_domain": "go.example.com", "certificate_arn": CERTIFICATE.format("eu-west-1")}
    with pytest.raises(StageSettingsError, match="edge_certificate_arn go together"):
        make_app("prod", tmp_path, build_dir, edge="true", **named)
    named["edge_certificate_arn"] = CERTIFICATE.format("eu-west-1")
    with pytest.raises(StageSettingsError, match="must be in us-east-1"):
        make_app("prod", tmp_path, build_dir, edge="true", **named)
    with pytest.raises(StageSettingsError, match="local emulator"):
        make_app("local", tmp_path, build_dir, edge="true")


def test_without_a_domain_the_distribution_has_its_own_name(
    build_dir: Path, tmp_path: Path
) -> None:
    unnamed = Synthesised("dev", tmp_path, build_dir, edge="true").stack("Linkage-dev-edge")
    assert "Aliases" not in config(unnamed)
    assert "EdgeDomainName" in unnamed.template["Outputs"]
    assert unnamed.validation_reports == []


def test_the_rules_have_nothing_against_it_that_has_no_reason(
    with_edge: Synthesised, edge: Synthesised
) -> None:
    assert with_edge.validation_reports == []
    reasons = [
        reason
        for entries in edge.metadata.values()
        for entry in entries
        if entry["type"] == "aws:cdk:acknowledged-rules"
        for reason in entry["data"].values()
    ]
    assert reasons
    assert all(len(reason.split()) >= 10 for reason in reasons)


def test_the_function_is_the_one_that_is_tested_and_reads_the_store(edge: Synthesised) -> None:
    (function,) = edge.properties("CloudFront::Function")
    (store,) = edge.of_type("CloudFront::KeyValueStore")
    assert function["FunctionCode"] == (ROOT / "infra/edge/redirect.js").read_text()
    assert function["FunctionConfig"]["Runtime"] == "cloudfront-js-2.0"
    assert function["FunctionConfig"]["KeyValueStoreAssociations"] == [
        {"KeyValueStoreARN": {"Fn::GetAtt": [store, "Arn"]}}
    ]
    (association,) = behavior(edge)["FunctionAssociations"]
    assert association["EventType"] == "viewer-request"


def test_what_the_function_does_not_answer_goes_to_the_links_api_uncached(
    with_edge: Synthesised, edge: Synthesised
) -> None:
    caching_disabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    assert behavior(edge)["CachePolicyId"] == caching_disabled
    assert behavior(edge)["AllowedMethods"] == ["GET", "HEAD"]
    assert behavior(edge)["ViewerProtocolPolicy"] == "redirect-to-https"
    (origin,) = config(edge)["Origins"]
    assert origin["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"
    imported, rest, *_ = origin["DomainName"]["Fn::Join"][1]
    exported = [
        output["Value"]
        for output in with_edge.template["Outputs"].values()
        if output.get("Export", {}).get("Name") == imported["Fn::ImportValue"]
    ]
    (api_id,) = exported
    assert with_edge.template["Resources"][api_id["Ref"]]["Type"] == "AWS::ApiGatewayV2::Api"
    assert rest == ".execute-api."


def test_the_links_api_is_told_who_asks_and_all_else_that_it_reads_but_no_host(
    with_edge: Synthesised, edge: Synthesised, build_dir: Path, tmp_path: Path
) -> None:
    country = {"country_header": "CloudFront-Viewer-Country"}
    told = Synthesised("prod", tmp_path, build_dir, edge="true", **country)
    address = "cloudfront-viewer-address"
    for network, stack, more in (
        (with_edge, edge, set()),
        (told, told.stack("Linkage-prod-edge"), {"cloudfront-viewer-country"}),
    ):
        variables = network.function("record_click")["Environment"]["Variables"]
        assert variables["VIEWER_ADDRESS_HEADER"] == address
        ((policy_id, policy),) = stack.of_type("CloudFront::OriginRequestPolicy").items()
        assert behavior(stack)["OriginRequestPolicyId"] == {"Ref": policy_id}
        sent = policy["Properties"]["OriginRequestPolicyConfig"]
        assert sent["HeadersConfig"]["HeaderBehavior"] == "whitelist"
        headers = sent["HeadersConfig"]["Headers"]
        read = {"user-agent", "sec-gpc", "dnt", *_PURPOSE_HEADERS}
        assert len(headers) <= 10  # CloudFront's limit
        assert set(headers) == read | {address} | more
        assert sent["QueryStringsConfig"] == {"QueryStringBehavior": "all"}
        assert sent["CookiesConfig"] == {"CookieBehavior": "none"}


def test_without_the_edge_who_calls_is_who_asks(prod: Synthesised) -> None:
    assert "VIEWER_ADDRESS_HEADER" not in prod.function("record_click")["Environment"]["Variables"]


def test_its_name_has_modern_tls_only(edge: Synthesised) -> None:
    assert config(edge)["Aliases"] == ["go.example.com"]
    certificate = config(edge)["ViewerCertificate"]
    assert certificate["MinimumProtocolVersion"] == "TLSv1.2_2021"


def test_the_log_with_its_addresses_is_gone_after_seven_days(edge: Synthesised) -> None:
    ((bucket_id, bucket),) = edge.of_type("S3::Bucket").items()
    (rule,) = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] == 7
    assert rule["Status"] == "Enabled"
    assert bucket["DeletionPolicy"] == "Delete"
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    assert "VersioningConfiguration" not in bucket["Properties"]
    logging = config(edge)["Logging"]
    assert logging["Bucket"] == {"Fn::GetAtt": [bucket_id, "RegionalDomainName"]}
    assert logging["IncludeCookies"] is False


def test_a_delivered_log_wakes_the_function_that_counts_it(edge: Synthesised) -> None:
    ((bucket_id, bucket),) = edge.of_type("S3::Bucket").items()
    (rule,) = edge.properties("Events::Rule")
    assert bucket["Properties"]["NotificationConfiguration"] == {
        "EventBridgeConfiguration": {"EventBridgeEnabled": True}
    }
    assert rule["EventPattern"]["detail"] == {"bucket": {"name": [{"Ref": bucket_id}]}}
    (target,) = rule["Targets"]
    assert edge.function_name(target["Arn"]) == "count_edge_clicks"


def test_changes_of_links_are_published_one_batch_after_the_other(edge: Synthesised) -> None:
    (mapping,) = edge.properties("Lambda::EventSourceMapping")
    assert edge.function_name(mapping["FunctionName"]) == "publish_links"
    assert mapping["ParallelizationFactor"] == 1
    assert mapping["BatchSize"] <= 50  # what one call to the store takes
    assert mapping["MaximumBatchingWindowInSeconds"] <= 2
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["MaximumRetryAttempts"] == 5
    (pattern,) = mapping["FilterCriteria"]["Filters"]
    assert json.loads(pattern["Pattern"]) == {"eventName": ["INSERT", "MODIFY"]}


ACCESS = {
    "publish_links": {
        *(f"dynamodb:{action}" for action in READ | {"Scan", "UpdateItem"}),
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
        "cloudfront-keyvaluestore:DescribeKeyValueStore",
        "cloudfront-keyvaluestore:GetKey",
        "cloudfront-keyvaluestore:UpdateKeys",
        "s3:ListBucket",
        "s3:PutObject",
    },
    "count_edge_clicks": {
        *(f"dynamodb:{action}" for action in READ),
        "dynamodb:PutItem",
        "s3:GetObject",
    },
}


@pytest.mark.parametrize("name", EDGE_FUNCTIONS)
def test_a_role_may_do_what_is_listed_and_nothing_to_everything(
    edge: Synthesised, name: str
) -> None:
    statements = list(edge.statements(name))
    assert {action for action, _ in statements} - LOGGING == ACCESS[name]
    for action, resource in statements:
        assert "*" not in action
        if action != "dynamodb:ListStreams":
            assert resource != "*"
        if "*" in json.dumps(resource):
            assert action.startswith(("s3:", "dynamodb:ListStreams"))


def test_only_one_table_is_written_and_only_by_new_items(edge: Synthesised) -> None:
    written = {
        json.dumps(resource)
        for name in EDGE_FUNCTIONS
        for action, resource in edge.statements(name)
        if action == "dynamodb:PutItem"
    }
    (statistics,) = written
    assert "Statistics" in json.loads(statistics)["Fn::ImportValue"]


def test_whoever_publishes_reads_hosts_of_members_alone_and_writes_changes_of_hosts_alone(
    edge: Synthesised,
) -> None:
    assert edge.conditions("publish_links", "UpdateItem") == [
        {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["hosts#*"]}}
    ]
    of_members = [
        (action, resource)
        for action, resource in edge.statements("publish_links")
        if "Members" in json.dumps(resource)
    ]
    assert [action for action, _ in of_members] == ["dynamodb:BatchGetItem"]
    (condition,) = edge.conditions("publish_links", "BatchGetItem")
    hosts = {"dynamodb:Attributes": ["member_id", "hosts"]}
    assert condition["ForAllValues:StringEquals"] == hosts


def test_the_network_tells_the_edge_of_changed_hosts_only_where_there_is_one(
    with_edge: Synthesised, prod: Synthesised
) -> None:
    told = [
        each.function("manage_network")["Environment"]["Variables"] for each in (with_edge, prod)
    ]
    assert [each.get("EDGE") for each in told] == ["on", None]


@pytest.mark.parametrize("name", EDGE_FUNCTIONS)
def test_its_functions_are_like_all_others(edge: Synthesised, name: str) -> None:
    function = edge.function(name)
    assert function["Runtime"] == "python3.13"
    assert function["Architectures"] == ["arm64"]
    assert function["LoggingConfig"]["LogFormat"] == "JSON"
    assert set(edge.layers_of(name)) <= {"vendor", "core", "edge"}


def test_only_the_publisher_gets_the_layer_that_signs_for_the_store(edge: Synthesised) -> None:
    assert "edge" in edge.layers_of("publish_links")
    assert "edge" not in edge.layers_of("count_edge_clicks")


def test_no_layer_is_imported_since_it_could_then_never_be_replaced(
    with_edge: Synthesised,
) -> None:
    exported = [
        output["Value"] for output in with_edge.template["Outputs"].values() if "Export" in output
    ]
    assert exported
    assert not [value for value in exported if "Layer" in json.dumps(value)]


def test_what_fails_is_noticed_and_somebody_is_told(edge: Synthesised) -> None:
    alarms = edge.properties("CloudWatch::Alarm")
    assert {alarm["MetricName"] for alarm in alarms} == {
        "Errors",
        "Throttles",
        "IteratorAge",
        "OnFailureDestinationDeliveredEventCount",
        "DroppedEventCount",
        "EdgeStoreFull",
        "EdgeLogStrange",
    }
    assert all(alarm["AlarmActions"] for alarm in alarms)
    assert all(alarm["AlarmDescription"].endswith(".") for alarm in alarms)


def test_the_cost_model_has_the_alarms_and_secrets_the_edge_adds(
    edge: Synthesised, with_edge: Synthesised
) -> None:
    counted = Units.read().counted
    assert len(edge.properties("CloudWatch::Alarm")) == counted["fixed_edge"]["alarms"]
    secrets = counted["fixed"]["secrets"] + counted["fixed_edge"]["secrets"]
    assert len(with_edge.properties("SecretsManager::Secret")) == secrets


def test_the_command_line_finds_the_publisher(edge: Synthesised) -> None:
    assert "PublishLinksFunctionName" in edge.template["Outputs"]


@pytest.mark.skipif(not LAYER.exists(), reason="the layer is built by make edge alone")
def test_the_layer_is_compiled_and_for_arm64() -> None:
    (library,) = LAYER.rglob("*.so")
    assert struct.unpack_from("<H", library.read_bytes(), 18) == (ELF_AARCH64,)
    for module in LAYER.rglob("*.py"):
        assert Path(importlib.util.cache_from_source(str(module))).exists()


def test_the_lock_of_the_layer_has_hashes_and_no_address() -> None:
    lock = (ROOT / "layers" / "edge" / "requirements.txt").read_text()
    assert lock.count("--hash=sha256:") > 10
    assert "://" not in lock
