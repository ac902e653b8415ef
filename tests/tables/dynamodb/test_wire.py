import random
import socket
import ssl
import string
import threading
import time
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import botocore.auth
import botocore.session
import certifi
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials

from linkage.tables.dynamodb import wire, wire_connection
from linkage.tables.dynamodb.wire import (
    Credentials,
    DynamoDB,
    DynamoDBError,
    default_endpoint,
    signed_headers,
)
from linkage.tables.dynamodb.wire_connection import trust
from tests.tables.dynamodb.standin_dynamodb import StandIn, standin_dynamodb
from tests.tables.mischief import says

CLICK = {
    "click_id": "clk_a",
    "sub": {"sub1": "möbel"},
    "hosts": ["a.example"],
    "expires_epoch_s": 1_800_000_000,
    "seen": True,
}


@pytest.fixture
def standin(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with standin_dynamodb(monkeypatch) as state:
        yield state


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    taken: list[float] = []
    monkeypatch.setattr(wire.time, "sleep", taken.append)
    return taken


def test_a_thousand_requests_are_signed_as_botocore_signs_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for seed in range(1_000):
        _compare_signatures(seed, monkeypatch)


def _compare_signatures(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    body = "".join(rng.choices(string.printable + "äß漢字\u0301😀", k=rng.randrange(300))).encode()
    if seed % 10 == 0:
        body = b""
    token = "".join(rng.choices(string.ascii_letters + "/+=", k=700)) if seed % 2 else None
    key_id = "".join(rng.choices(string.ascii_uppercase, k=20))
    secret = "".join(rng.choices(string.ascii_letters + "/+=", k=40))
    region = rng.choice(["us-east-1", "af-south-1", "us-gov-west-1", "cn-north-1", "us-iso-east-1"])
    endpoint = rng.choice([default_endpoint(region), "http://127.0.0.1:4566", "http://localhost"])
    at = datetime.fromtimestamp(rng.randrange(2**31), UTC)
    operation = rng.choice(["GetItem", "PutItem"])

    ours = signed_headers(
        operation,
        body,
        endpoint.partition("://")[2],
        region,
        Credentials(key_id, secret, token),
        at.strftime("%Y%m%dT%H%M%SZ"),
    )

    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: at)
    request = AWSRequest(
        "POST",
        endpoint + "/",
        headers={
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": f"DynamoDB_20120810.{operation}",
        },
        data=body,
    )
    signer = botocore.auth.SigV4Auth(BotocoreCredentials(key_id, secret, token), "dynamodb", region)
    signer.add_auth(request)
    assert ours["authorization"] == request.headers["Authorization"], seed
    assert ours["x-amz-date"] == request.headers["X-Amz-Date"]
    assert ours.get("x-amz-security-token") == request.headers.get("X-Amz-Security-Token")


def test_an_item_comes_back_as_it_was_put(standin: StandIn) -> None:
    client = DynamoDB()
    assert client.put_new_item("clicks", CLICK, "click_id")
    assert client.get_item("clicks", {"click_id": "clk_a"}) == CLICK
    assert standin.connections == 1


def test_an_item_that_is_not_there_is_none(standin: StandIn) -> None:
    assert DynamoDB().get_item("links", {"code": "nothing"}) is None


def test_null_and_sets_are_read_although_never_written(standin: StandIn) -> None:
    standin.put("links", {"code": {"S": "c"}, "none": {"NULL": True}, "tags": {"SS": ["a"]}})
    item = DynamoDB().get_item("links", {"code": "c"})
    assert item == {"code": "c", "none": None, "tags": ["a"]}


def test_a_value_dynamodb_has_no_type_for_is_refused_before_anything_is_sent(
    standin: StandIn,
) -> None:
    with pytest.raises(TypeError, match="float cannot be stored"):
        DynamoDB().put_new_item("clicks", {"click_id": "a", "rate": 0.1}, "click_id")
    assert standin.calls == []


def test_putting_what_is_there_already_is_no_error_and_changes_nothing(standin: StandIn) -> None:
    client = DynamoDB()
    client.put_new_item("clicks", CLICK, "click_id")
    before = dict(standin.items)
    assert not client.put_new_item("clicks", {**CLICK, "sub": {}}, "click_id")
    assert standin.items == before


def test_a_dead_kept_alive_connection_is_replaced_at_once(
    standin: StandIn, pauses: list[float]
) -> None:
    client = DynamoDB()
    client.get_item("links", {"code": "a"})
    standin.drop_next = 1
    assert client.get_item("links", {"code": "a"}) is None
    assert (standin.connections, pauses) == (2, [])


@pytest.mark.parametrize(
    "failure",
    [
        (400, "ProvisionedThroughputExceededException"),
        (400, "ThrottlingException"),
        (400, "RequestLimitExceeded"),
        (400, "TransactionConflictException"),
        (500, "InternalServerError"),
        (503, "ServiceUnavailable"),
    ],
)
def test_what_passes_is_tried_three_times_with_random_pauses(
    standin: StandIn, pauses: list[float], failure: tuple[int, str]
) -> None:
    standin.failures = [failure, failure]
    assert DynamoDB().put_new_item("clicks", CLICK, "click_id")
    assert standin.calls == ["PutItem"] * 3
    assert all(0 <= pause <= most for pause, most in zip(pauses, wire.PAUSES_S, strict=True))

    standin.failures = [failure] * 9
    with pytest.raises(DynamoDBError) as raised:
        DynamoDB().get_item("clicks", {"click_id": "clk_a"})
    assert raised.value.code == failure[1]
    assert len(standin.calls) == 6


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "ValidationException", "ResourceNotFoundException"]
)
def test_what_does_not_pass_is_tried_once(standin: StandIn, code: str) -> None:
    standin.failures = [(400, code)]
    with pytest.raises(DynamoDBError, match="as told") as raised:
        DynamoDB().get_item("links", {"code": "a"})
    assert raised.value.code == code
    assert standin.calls == ["GetItem"]


def test_no_repetition_starts_after_the_time_is_over(
    standin: StandIn, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "LONGEST_READ_S", 0.2)
    monkeypatch.setattr(wire.random, "uniform", lambda *_: 0.3)
    standin.failures = [(500, "InternalServerError")] * 3
    with pytest.raises(DynamoDBError):
        DynamoDB().get_item("links", {"code": "a"})
    assert (len(standin.calls), pauses) == (1, [])


def test_an_answer_that_takes_too_long_is_given_up(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire_connection, "READ_TIMEOUT_S", 0.05)
    standin.delay_s = 0.3
    client = DynamoDB()
    with pytest.raises(DynamoDBError) as raised:
        client.get_item("links", {"code": "a"})
    assert raised.value.code == "Unreachable"
    standin.delay_s = 0.0
    assert client.get_item("links", {"code": "a"}) is None


def test_a_server_that_is_down_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL_DYNAMODB", raising=False)
    with pytest.raises(DynamoDBError) as raised:
        DynamoDB().get_item("links", {"code": "a"})
    assert raised.value.code == "Unreachable"


def test_rotated_credentials_are_used_by_the_next_call(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = DynamoDB()
    for key_id, token in [("first", None), ("second", "token")]:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key_id)
        monkeypatch.setenv("AWS_SESSION_TOKEN", token or "")
        client.get_item("links", {"code": "a"})
        sent = standin.headers[-1]
        assert f"Credential={key_id}/" in sent["authorization"]
        assert sent.get("x-amz-security-token") == token
    assert standin.connections == 1


def test_small_requests_are_not_held_back(standin: StandIn) -> None:
    client = DynamoDB()
    client.get_item("links", {"code": "a"})
    assert client._connection._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_the_signing_key_of_a_day_is_computed_once() -> None:
    wire._day_key.cache_clear()
    credentials = Credentials("a", "b", None)
    for hour in range(24):
        at = time.strftime(f"20261121T{hour:02d}0000Z")
        signed_headers("GetItem", b"", "h", "us-east-1", credentials, at)
    assert wire._day_key.cache_info().misses == 1


def test_an_answer_to_nothing_is_never_taken_for_the_next_one(standin: StandIn) -> None:
    standin.put("links", {"code": {"S": "a"}})
    client = DynamoDB()
    standin.stray = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}" * 1_000
    assert client.get_item("links", {"code": "a"}) == {"code": "a"}
    assert client.get_item("links", {"code": "a"}) == {"code": "a"}
    assert standin.connections == 2


@pytest.mark.parametrize("item", ['{"code": {"S": "b"}}', "{}", '{"code": {"N": "1"}}', "[]"])
def test_an_item_of_another_key_is_not_believed_and_ends_the_connection(
    standin: StandIn, item: str
) -> None:
    answered = threading.Event()

    def answer(connection: socket.socket) -> None:
        connection.sendall(says("200 OK", f'{{"Item": {item}}}'.encode()))
        answered.wait(5)

    standin.mischief = answer
    client = DynamoDB()
    with pytest.raises(DynamoDBError) as raised:
        client.get_item("links", {"code": "a"})
    answered.set()
    assert raised.value.code == "Unreadable"
    standin.mischief = None
    assert client.get_item("links", {"code": "a"}) is None
    assert standin.connections == 2


@pytest.mark.parametrize(("checksum", "attempts"), [("right", 1), ("1", 3), ("x", 3)])
def test_a_body_that_does_not_match_its_checksum_is_not_believed(
    standin: StandIn, pauses: list[float], checksum: str, attempts: int
) -> None:
    body = b'{"Item": {"code": {"S": "a"}}}'
    sent = str(zlib.crc32(body)) if checksum == "right" else checksum
    head = f"HTTP/1.1 200 OK\r\nx-amz-crc32: {sent}\r\ncontent-length: {len(body)}\r\n\r\n"
    sendings: list[int] = []

    def answer(connection: socket.socket) -> None:
        sendings.append(1)
        connection.sendall(head.encode() + body)

    standin.mischief = answer
    if checksum == "right":
        assert DynamoDB().get_item("links", {"code": "a"}) == {"code": "a"}
    else:
        with pytest.raises(DynamoDBError) as raised:
            DynamoDB().get_item("links", {"code": "a"})
        assert raised.value.code == "Unreadable"
    assert len(sendings) == attempts


def test_without_credentials_there_is_one_clear_error(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(DynamoDBError, match=r"AWS_SECRET_ACCESS_KEY.* is not set") as raised:
        DynamoDB().get_item("links", {"code": "a"})
    assert (raised.value.code, standin.calls) == ("NoCredentials", [])


@pytest.mark.parametrize(
    ("region", "bundle", "roots"),
    [("af-south-1", "", "amazon"), ("us-gov-west-1", "", "amazon"), ("cn-north-1", "", "system")],
)
def test_without_an_endpoint_it_is_amazons_over_checked_tls(
    monkeypatch: pytest.MonkeyPatch, region: str, bundle: str, roots: str
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CA_BUNDLE", bundle)
    monkeypatch.setenv("AWS_REGION", region)
    connection = DynamoDB()._connection
    assert (connection._host, connection._port) == (urlsplit(default_endpoint(region)).netloc, 443)
    assert connection._context is not None
    assert connection._context.check_hostname
    assert connection._context.verify_mode == ssl.CERT_REQUIRED
    amazons = [root["serialNumber"] for root in trust(None, amazon=True).get_ca_certs()]
    trusted = [root["serialNumber"] for root in connection._context.get_ca_certs()]
    assert (trusted == amazons) == (roots == "amazon")


def test_the_shipped_roots_are_amazons_five() -> None:
    names = [
        dict(pair for (pair,) in root["subject"])
        for root in trust(None, amazon=True).get_ca_certs()
    ]
    assert sorted((name["organizationName"], name["commonName"]) for name in names) == [
        *(("Amazon", f"Amazon Root CA {number}") for number in (1, 2, 3, 4)),
        (
            "Starfield Technologies, Inc.",
            "Starfield Services Root Certificate Authority - G2",
        ),
    ]


def test_the_roots_of_a_named_file_are_trusted_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    context = trust(certifi.where(), amazon=True)
    assert len(context.get_ca_certs()) > 50


def test_every_region_of_every_partition_has_its_address() -> None:
    session = botocore.session.get_session()
    for partition in session.get_available_partitions():
        for region in session.get_available_regions("dynamodb", partition):
            client = session.create_client(
                "dynamodb", region, aws_access_key_id="a", aws_secret_access_key="b"
            )
            assert default_endpoint(region) == client.meta.endpoint_url
