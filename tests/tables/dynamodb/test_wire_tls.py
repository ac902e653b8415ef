"""The redirect's client over TLS: one connection, and only with a certificate it trusts."""

import io
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from linkage.tables.dynamodb import wire
from linkage.tables.dynamodb.wire import DynamoDB, DynamoDBError
from tests.tables.dynamodb.standin_dynamodb import StandIn, standin_dynamodb

HEAD_BYTES = 60


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stand-in")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture
def standin(monkeypatch: pytest.MonkeyPatch, certificate: Path) -> Iterator[StandIn]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    monkeypatch.setattr(wire, "PAUSES_S", (0.0, 0.0))
    with standin_dynamodb(monkeypatch, context) as state:
        yield state


def test_calls_share_one_encrypted_connection(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch, certificate: Path
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    client = DynamoDB()
    for number in range(5):
        assert client.put_new_item("clicks", {"click_id": f"clk_{number}"}, "click_id")
        assert client.get_item("clicks", {"click_id": f"clk_{number}"}) is not None
    assert standin.connections == 1


def test_a_dead_encrypted_connection_is_replaced_at_once(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch, certificate: Path
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    client = DynamoDB()
    client.get_item("links", {"code": "a"})
    standin.drop_next = 1
    assert client.get_item("links", {"code": "a"}) is None
    assert standin.connections == 2


def test_an_answer_to_nothing_that_waits_decrypted_is_not_taken_for_the_next_one(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch, certificate: Path
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    standin.put("links", {"code": {"S": "b"}})
    asked_again = threading.Event()

    def answer(connection: socket.socket) -> None:
        # Both in one record, of which the first read takes the first alone.
        first = _answer_of("a").ljust(io.DEFAULT_BUFFER_SIZE - HEAD_BYTES)
        connection.sendall(_with_head(first) + _with_head(_answer_of("stray")))
        asked_again.wait(5)

    standin.mischief = answer
    client = DynamoDB()
    assert client.get_item("links", {"code": "a"}) == {"code": "a"}
    standin.mischief = None
    try:
        assert client.get_item("links", {"code": "b"}) == {"code": "b"}
    finally:
        asked_again.set()
    assert standin.connections == 2


def _answer_of(code: str) -> bytes:
    return json.dumps({"Item": {"code": {"S": code}}}).encode()


def _with_head(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\nx: "
    return head.ljust(HEAD_BYTES - 4, "x").encode() + b"\r\n\r\n" + body


@pytest.mark.parametrize("bundle", ["amazon", "other"])
def test_a_certificate_that_is_not_trusted_is_refused(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch, bundle: str
) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    if bundle == "amazon":
        monkeypatch.setattr(wire, "_AMAZON_DOMAIN", "0.1")
    with pytest.raises(DynamoDBError) as raised:
        DynamoDB().put_new_item("clicks", {"click_id": "a"}, "click_id")
    assert "CERTIFICATE_VERIFY_FAILED" in str(raised.value.__cause__)
    assert standin.calls == []


def test_a_certificate_of_another_name_is_refused(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch, certificate: Path
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"https://localhost:{standin.port}")
    with pytest.raises(DynamoDBError) as raised:
        DynamoDB().put_new_item("clicks", {"click_id": "a"}, "click_id")
    assert "CERTIFICATE_VERIFY_FAILED" in str(raised.value.__cause__)
    assert standin.calls == []
