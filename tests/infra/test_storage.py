"""What keeps data from being lost, or from being kept where it must not be."""

from typing import Any

import pytest

from tests.infra.synthesis import FUNCTIONS, Synthesised

# noun: (keys, indexes: (partition, sort, projection), stream)
TABLES: dict[str, tuple[tuple[str, ...], dict[str, tuple[str, str, str]], str | None]] = {
    "members": (
        ("member_id",),
        {
            "listing": ("listing", "created_at", "ALL"),
            "by_destination": ("payout_destination", "member_id", "KEYS_ONLY"),
        },
        None,
    ),
    "programs": (
        ("program_id", "version"),
        {
            "listing": ("listing", "created_at", "ALL"),
            "by_vendor": ("vendor_id", "listed_at", "ALL"),
            "by_room": ("capped", "room", "KEYS_ONLY"),
        },
        None,
    ),
    "settings": (("version",), {}, None),
    "links": (
        ("code",),
        {
            "by_affiliate": ("affiliate_id", "link_id", "ALL"),
            "by_vendor": ("vendor_id", "link_id", "KEYS_ONLY"),
        },
        None,
    ),
    "coupons": (
        ("vendor_id", "code"),
        {"by_affiliate": ("affiliate_id", "created_at", "ALL")},
        None,
    ),
    "clicks": (("click_id",), {}, "NEW_IMAGE"),
    "statistics": (("of", "at"), {}, None),
    "customers": (("customer_key",), {}, None),
    "conversions": (
        ("conversion_id", "fact"),
        {
            "by_vendor": ("vendor_id", "reported_at", "KEYS_ONLY"),
            "by_affiliate": ("affiliate_id", "reported_at", "KEYS_ONLY"),
            "unposted": ("unposted", "accepted_at", "KEYS_ONLY"),
            "awaiting": ("awaiting", "confirm_at", "KEYS_ONLY"),
            "held": ("held", "held_at", "KEYS_ONLY"),
        },
        "NEW_IMAGE",
    ),
    "tallies": (("tally",), {}, None),
    "ledger": (
        ("account", "line"),
        {
            "open": ("open", "account", "KEYS_ONLY"),
            "by_operator": ("operators_word", "line", "ALL"),
        },
        None,
    ),
    "payouts": (
        ("batch_id", "item"),
        {
            "by_affiliate": ("affiliate_id", "created_at", "ALL"),
            "listing": ("listing", "created_at", "ALL"),
        },
        "NEW_IMAGE",
    ),
    "keys": (
        ("key_id",),
        {
            "listing": ("listing", "created_at", "ALL"),
            "by_member": ("member_id", "created_at", "KEYS_ONLY"),
        },
        None,
    ),
    "proposals": (("proposal_id",), {"listing": ("listing", "asked_at", "ALL")}, None),
    "audit": (("subject", "at"), {"by_day": ("day", "at", "ALL")}, None),
}


def _key_names(schema: list[dict[str, str]]) -> tuple[str, ...]:
    return tuple(key["AttributeName"] for key in schema)


def _indexes(properties: dict[str, Any]) -> dict[str, tuple[str, str, str]]:
    return {
        index["IndexName"]: (
            *_key_names(index["KeySchema"]),
            index["Projection"]["ProjectionType"],
        )
        for index in properties.get("GlobalSecondaryIndexes", [])
    }


def _replica(properties: dict[str, Any]) -> dict[str, Any]:
    (replica,) = properties["Replicas"]
    return replica


@pytest.mark.parametrize("noun", TABLES)
def test_a_table_has_the_keys_and_indexes_the_code_asks_for(prod: Synthesised, noun: str) -> None:
    properties = prod.table(noun)["Properties"]
    keys, indexes, stream = TABLES[noun]
    assert _key_names(properties["KeySchema"]) == keys
    assert _indexes(properties) == indexes
    assert properties.get("StreamSpecification", {}).get("StreamViewType") == stream
    assert {a["AttributeType"] for a in properties["AttributeDefinitions"]} == {"S"}
    assert properties["BillingMode"] == "PAY_PER_REQUEST"


def test_there_is_no_table_beside_those_of_the_nouns(prod: Synthesised) -> None:
    assert sorted(prod.nouns().values()) == sorted(TABLES)
    assert len(prod.of_type("DynamoDB::GlobalTable")) == len(TABLES)


@pytest.mark.parametrize("noun", TABLES)
def test_a_bad_write_can_be_undone_for_35_days(prod: Synthesised, noun: str) -> None:
    recovery = _replica(prod.table(noun)["Properties"])["PointInTimeRecoverySpecification"]
    assert recovery == {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 35}


@pytest.mark.parametrize("noun", TABLES)
def test_neither_destroying_the_stack_nor_a_slip_deletes_a_table_in_prod(
    prod: Synthesised, noun: str
) -> None:
    table = prod.table(noun)
    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
    assert _replica(table["Properties"])["DeletionProtectionEnabled"] is True


@pytest.mark.parametrize("noun", TABLES)
def test_the_local_stage_leaves_nothing_behind(local: Synthesised, noun: str) -> None:
    table = local.table(noun)
    assert table["DeletionPolicy"] == "Delete"
    assert _replica(table["Properties"])["DeletionProtectionEnabled"] is False


@pytest.mark.parametrize("stage", ["prod", "local"])
def test_only_clicks_and_their_packs_ever_expire_so_no_money_can(
    request: pytest.FixtureRequest, stage: str
) -> None:
    synthesised: Synthesised = request.getfixturevalue(stage)
    expiring = {
        noun: synthesised.table(noun)["Properties"]["TimeToLiveSpecification"]
        for noun in TABLES
        if "TimeToLiveSpecification" in synthesised.table(noun)["Properties"]
    }
    expires = {"AttributeName": "expires_epoch_s", "Enabled": True}
    assert expiring == {"clicks": expires, "statistics": expires}


def test_buckets_are_closed_encrypted_and_kept(prod: Synthesised) -> None:
    buckets = prod.of_type("S3::Bucket").values()
    assert len(buckets) == 2
    for bucket in buckets:
        properties = bucket["Properties"]
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
        (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
        assert bucket["DeletionPolicy"] == "Retain"
        assert "LifecycleConfiguration" not in properties


def test_a_payout_file_written_over_can_be_brought_back(prod: Synthesised) -> None:
    name = prod.template["Outputs"]["PayoutFilesBucketName"]["Value"]["Ref"]
    versioning = prod.template["Resources"][name]["Properties"]["VersioningConfiguration"]
    assert versioning == {"Status": "Enabled"}


def test_buckets_and_queues_refuse_plain_http(prod: Synthesised) -> None:
    policies = prod.properties("S3::BucketPolicy") + prod.properties("SQS::QueuePolicy")
    assert len(policies) == 4
    for policy in policies:
        denials = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
        assert {"Bool": {"aws:SecureTransport": "false"}} in [s["Condition"] for s in denials]


def _variables(prod: Synthesised, name: str) -> Any:
    return prod.function(name)["Environment"]["Variables"]


HASHING = ("record_click", "record_conversion", "record_customer", "confirm_conversions")
NAMING = ("record_conversion", "fold_clicks", "manage_network", "decide_proposals")


@pytest.mark.parametrize(
    ("variable", "construct", "names"),
    [
        ("HASH_SECRET", "HashSecret", (*HASHING, "fold_clicks", "decide_proposals")),
        ("ID_SECRET", "IdSecret", NAMING),
    ],
)
def test_a_key_of_hashes_is_in_no_template_outlives_the_stack_and_is_given_to_who_needs_it(
    prod: Synthesised, variable: str, construct: str, names: tuple[str, ...]
) -> None:
    ((logical_id, secret),) = (
        each for each in prod.of_type("SecretsManager::Secret").items() if construct in each[0]
    )
    assert secret["DeletionPolicy"] == "Retain"
    assert secret["Properties"]["GenerateSecretString"]["PasswordLength"] >= 32
    assert {name for name in FUNCTIONS if variable in _variables(prod, name)} == set(names)
    for name in names:
        reference = _variables(prod, name)[variable]
        resolve, ref, rest = reference["Fn::Join"][1]
        assert resolve == "{{resolve:secretsmanager:"
        assert ref == {"Ref": logical_id}
        assert rest.startswith(":SecretString")
