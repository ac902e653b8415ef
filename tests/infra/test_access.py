"""Least privilege, table by table: what each role may do, written out."""

import json

import pytest

from tests.infra.synthesis import FUNCTIONS, Synthesised

READ = {"GetItem", "BatchGetItem", "Query", "ConditionCheckItem"}
WRITE = READ | {"PutItem", "UpdateItem"}

ACCESS: dict[str, dict[str, set[str]]] = {
    "check_links": {},
    "record_click": {"links": {"GetItem"}, "members": {"GetItem"}, "clicks": {"PutItem"}},
    "record_conversion": {
        "keys": READ,
        "settings": READ,
        "programs": READ,
        "members": READ,
        "coupons": READ,
        "clicks": READ,
        "customers": WRITE,
        "conversions": WRITE,
        "tallies": WRITE,
        "proposals": WRITE,
        "audit": WRITE,
    },
    "decide_proposals": {
        "keys": WRITE,
        "settings": WRITE,
        "members": WRITE,
        "programs": READ,
        "customers": WRITE,
        "conversions": WRITE,
        "tallies": WRITE,
        "ledger": WRITE,
        "proposals": WRITE,
        "audit": WRITE,
    },
    "record_customer": {
        "keys": READ,
        "members": READ,
        "conversions": READ,
        "customers": WRITE,
        "audit": WRITE,
    },
    "count_clicks": {"statistics": {"PutItem"}},
    "fold_clicks": {
        "settings": READ,
        "programs": READ,
        "members": READ,
        "coupons": READ,
        "clicks": READ,
        "statistics": WRITE,
        "customers": WRITE,
        "conversions": WRITE,
        "tallies": WRITE,
    },
    "confirm_conversions": {
        "settings": READ,
        "programs": READ,
        "members": READ,
        "customers": WRITE,
        "conversions": WRITE,
        "tallies": WRITE,
    },
    "compute_commissions": {
        "settings": READ,
        "programs": READ,
        "conversions": WRITE,
        "tallies": WRITE,
        "ledger": WRITE,
    },
    "sweep_conversions": {
        "settings": READ,
        "programs": READ,
        "conversions": WRITE,
        "tallies": WRITE,
        "ledger": WRITE,
    },
    "batch_payouts": {
        "keys": READ,
        "settings": READ,
        "members": READ,
        "ledger": WRITE,
        "payouts": WRITE,
        "audit": WRITE,
    },
    "hold_payouts": {"keys": READ, "ledger": WRITE, "payouts": WRITE, "audit": WRITE},
    "debit_payouts": {"settings": READ, "members": WRITE, "ledger": WRITE, "payouts": WRITE},
    "export_payouts": {
        "settings": READ,
        "members": READ,
        "ledger": WRITE,
        "payouts": WRITE,
        "audit": WRITE,
    },
    "settle_payouts": {
        "keys": READ,
        "members": READ,
        "settings": READ,
        "proposals": WRITE,
        "payouts": WRITE,
        "ledger": WRITE,
        "audit": WRITE,
    },
    "manage_network": {
        "members": WRITE,
        "programs": WRITE,
        "settings": WRITE,
        "links": WRITE,
        "coupons": WRITE,
        "keys": WRITE,
        "clicks": READ,
        "statistics": READ,
        "customers": READ,
        "conversions": READ | {"Scan"},
        "tallies": READ,
        "ledger": READ,
        "payouts": READ,
        "proposals": WRITE,
        "audit": WRITE,
    },
}

# A stream, and the bucket of what it could not handle.
FOLLOWING = {
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
    "s3:ListBucket",
    "s3:PutObject",
}

# Beside tables and its own log group.
OTHER_ACCESS: dict[str, set[str]] = {
    "record_click": set(),
    "record_conversion": set(),
    "record_customer": set(),
    "check_links": set(),
    "decide_proposals": set(),
    "confirm_conversions": set(),
    "count_clicks": FOLLOWING,
    "fold_clicks": set(),
    "compute_commissions": FOLLOWING,
    "sweep_conversions": set(),
    "batch_payouts": {"sqs:SendMessage", "s3:ListBucket"},
    "hold_payouts": {"s3:ListBucket"},
    "debit_payouts": {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"},
    "export_payouts": FOLLOWING | {"s3:GetObject"},
    "settle_payouts": set(),
    "manage_network": {"s3:GetObject"},
}

LOGGING = {"logs:CreateLogStream", "logs:PutLogEvents"}
DELETING = ("DeleteItem", "BatchWriteItem", "PartiQLDelete", "DeleteTable")


def _table_access(synthesised: Synthesised, name: str) -> dict[str, set[str]]:
    nouns = synthesised.nouns()
    granted: dict[str, set[str]] = {}
    for action, resource in synthesised.statements(name):
        logical_id, attribute = (
            resource.get("Fn::GetAtt", (None, None))
            if resource != "*"
            else (
                None,
                None,
            )
        )
        if logical_id in nouns and attribute == "Arn":
            granted.setdefault(nouns[logical_id], set()).add(action.removeprefix("dynamodb:"))
    return granted


def test_the_matrix_covers_every_function(prod: Synthesised) -> None:
    assert set(ACCESS) == set(OTHER_ACCESS) == set(FUNCTIONS)
    assert len(prod.of_type("Lambda::Function")) == len(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_role_may_do_to_tables_exactly_what_its_row_says(prod: Synthesised, name: str) -> None:
    assert _table_access(prod, name) == ACCESS[name]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_index_may_only_be_queried_and_only_by_name(prod: Synthesised, name: str) -> None:
    for action, resource in prod.statements(name):
        if "/index/" in json.dumps(resource):
            assert action == "dynamodb:Query"
            assert "*" not in json.dumps(resource)


def test_batch_payouts_finds_open_balances_through_their_index(prod: Synthesised) -> None:
    queried = [
        json.dumps(resource)
        for action, resource in prod.statements("batch_payouts")
        if action == "dynamodb:Query"
    ]
    assert any("/index/open" in resource for resource in queried)


@pytest.mark.parametrize("name", ["batch_payouts", "hold_payouts", "export_payouts"])
def test_whoever_moves_batches_on_lists_the_payout_files(prod: Synthesised, name: str) -> None:
    bucket = prod.template["Outputs"]["PayoutFilesBucketName"]["Value"]["Ref"]
    listed = [each for action, each in prod.statements(name) if action == "s3:ListBucket"]
    assert {"Fn::GetAtt": [bucket, "Arn"]} in listed
    assert len(listed) == (2 if name == "export_payouts" else 1), "and its failed records"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_beside_tables_and_its_log_a_role_may_do_only_what_is_listed(
    prod: Synthesised, name: str
) -> None:
    table_actions = {f"dynamodb:{action}" for action in WRITE | {"Scan"}}
    others = {action for action, _ in prod.statements(name)} - table_actions - LOGGING
    assert others == OTHER_ACCESS[name]


def test_the_redirect_reads_links_and_puts_clicks_and_can_do_nothing_else(
    prod: Synthesised,
) -> None:
    allowed = {action for action, _ in prod.statements("record_click")} - LOGGING
    assert allowed == {"dynamodb:GetItem", "dynamodb:PutItem"}


def test_of_a_member_the_redirect_may_read_the_hosts_and_nothing_else(prod: Synthesised) -> None:
    (condition,) = prod.conditions("record_click", "GetItem")
    assert condition == {
        "ForAllValues:StringEquals": {"dynamodb:Attributes": ["member_id", "hosts"]},
        "StringEqualsIfExists": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"},
    }


def test_the_redirect_is_replaced_before_the_function_that_stops_writing_hosts_into_links(
    prod: Synthesised,
) -> None:
    ids = {
        function["Properties"]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]: logical_id
        for logical_id, function in prod.of_type("Lambda::Function").items()
    }
    manages = prod.of_type("Lambda::Function")[ids["manage_network"]]
    assert ids["record_click"] in manages["DependsOn"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_role_can_delete_an_item_least_of_all_from_the_ledger(
    prod: Synthesised, name: str
) -> None:
    actions = {action for action, _ in prod.statements(name)}
    assert not [action for action in actions if action.endswith(DELETING)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_grant_is_wider_than_a_thing_it_names(prod: Synthesised, name: str) -> None:
    for action, resource in prod.statements(name):
        assert "*" not in action
        # The one action that AWS does not let anyone narrow; it reads names of streams.
        if action == "dynamodb:ListStreams":
            continue
        assert resource != "*"
        if "*" in json.dumps(resource):
            assert action in {"s3:GetObject", "s3:PutObject"}


def test_a_schedule_may_wake_its_own_function_and_nothing_more(prod: Synthesised) -> None:
    for schedule in prod.properties("Scheduler::Schedule"):
        target = schedule["Target"]
        role = target["RoleArn"]["Fn::GetAtt"][0]
        (policy,) = (p for p in prod.properties("IAM::Policy") if {"Ref": role} in p["Roles"])
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert statement["Action"] == "lambda:InvokeFunction"
        assert statement["Resource"] == target["Arn"]


def test_roles_of_the_local_stage_are_those_of_prod(prod: Synthesised, local: Synthesised) -> None:
    for name in FUNCTIONS:
        assert _table_access(local, name) == _table_access(prod, name)
