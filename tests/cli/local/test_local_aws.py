"""The local run talks to this machine and to nothing else."""

import os

import pytest

from linkage_cli.errors import NotLocalError
from linkage_cli.local.local_aws import (
    environment_for,
    is_loopback,
    local_aws,
    refuse_other_networks,
)


@pytest.mark.parametrize("url", ["http://127.0.0.1:4566", "http://localhost:1", "http://[::1]:80"])
def test_this_machine_is_loopback(url: str) -> None:
    assert is_loopback(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://dynamodb.us-east-1.amazonaws.com",
        "http://127.0.0.1.example.com",
        "http://localhost@example.com",
        "http://0.0.0.0:4566",
        "http://192.168.1.7:4566",
        "127.0.0.1:4566",
        "",
    ],
)
def test_everything_else_is_not(url: str) -> None:
    assert not is_loopback(url)


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"])
def test_an_endpoint_elsewhere_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(NotLocalError, match=f"unset {name}$"):
        refuse_other_networks({name: "https://example.com"})


def test_a_local_endpoint_is_no_reason_to_refuse() -> None:
    refuse_other_networks({"AWS_ENDPOINT_URL": "http://127.0.0.1:9999", "AWS_ENDPOINT_URL_S3": ""})


def test_nothing_of_an_aws_account_reaches_the_tools() -> None:
    environment = environment_for(
        5000,
        {
            "AWS_PROFILE": "prod",
            "AWS_ACCESS_KEY_ID": "AKIAREAL",
            "AWS_SESSION_TOKEN": "real",
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
            "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
            "CDK_DEFAULT_ACCOUNT": "123456789012",
            "MAKEFLAGS": "-j4",
            "PATH": "/bin",
        },
    )
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:5000"
    assert environment["AWS_ACCESS_KEY_ID"] == "test"
    assert environment["AWS_CONFIG_FILE"] == os.devnull
    assert environment["PATH"] == "/bin"
    gone = {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"}
    gone |= {"AWS_ENDPOINT_URL_S3", "CDK_DEFAULT_ACCOUNT", "MAKEFLAGS"}
    assert not gone & environment.keys()


def test_the_process_has_its_own_environment_back_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    before = dict(os.environ)
    with local_aws(5000):
        assert "AWS_PROFILE" not in os.environ
        assert os.environ["AWS_ENDPOINT_URL"] == "http://127.0.0.1:5000"
    assert dict(os.environ) == before
