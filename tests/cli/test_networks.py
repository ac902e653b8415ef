"""Local is local and AWS is AWS: what stands in the shell confuses no command."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from linkage_cli import api_client, networks
from linkage_cli.errors import ExitCode
from linkage_cli.local.emulator import free_port
from linkage_cli.main import app
from tests.cli.orders.importing import imported, write
from tests.cli.standin_api import standin_api

LOCAL_COMMANDS = [
    ["keys", "create", "operator", "--person", "Rudo"],
    ["keys", "name", "key_1", "--person", "Rudo"],
    ["keys", "revoke", "key_1"],
    ["network", "four-eyes", "off", "--why", "Rudo has left"],
    ["audit", "list", "--subject", "network"],
    ["ledger", "check"],
    ["payouts", "rebook", "bat_1"],
    ["clicks", "recount", "--day", "2026-11-30"],
    ["explain", "cnv_1"],
    ["explain", "cnv_1", "--replay"],
]
"""Every command that has --local: tests below hold the list against the command line."""


@contextmanager
def listening(answers: Any) -> Iterator[tuple[str, list[Any]]]:
    """A server on 127.0.0.1 that keeps what it is asked, and gives (status, body) for it."""
    asked: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            asked.append((self.path, dict(self.headers), body))
            status, content = answers(self.headers, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_CONNECT = do_HEAD = do_POST  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def emulated(headers: Any, body: str) -> tuple[int, bytes]:
    """A stack with every output, and no table behind any of them."""
    if "DescribeStacks" in body:
        names = ("Keys", "Audit", "Settings", "Conversions", "Tallies", "Ledger", "Payouts")
        outputs = [f"{name}TableName" for name in (*names, "Programs", "Statistics", "Clicks")]
        outputs += ["PayoutFilesBucketName", "FoldClicksFunctionName"]
        listed = "".join(
            f"<member><OutputKey>{name}</OutputKey><OutputValue>x-{name}</OutputValue></member>"
            for name in outputs
        )
        return 200, (
            "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackId>arn:aws:"
            "cloudformation:us-east-1:000000000000:stack/Linkage-local/1</StackId>"
            f"<Outputs>{listed}</Outputs></member></Stacks></DescribeStacksResult>"
            "</DescribeStacksResponse>"
        ).encode()
    return 400, b'{"__type": "ResourceNotFoundException", "message": "no such table here"}'


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch) -> str:
    """A shell with a proxy, a profile, a Region, certificates and endpoints of somewhere else."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, nowhere)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_PROFILE", "somebody-elses")
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere/ca.pem")
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", nowhere)
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", nowhere)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere/config")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    return nowhere


RUN_ALL = """
import json, pathlib, sys
from typer.testing import CliRunner
from linkage_cli import networks
from linkage_cli.main import app

networks.read_local.__defaults__ = (pathlib.Path(sys.argv[1]),)
ran = [CliRunner().invoke(app, [*each, "--local"]) for each in json.loads(sys.argv[2])]
print(json.dumps([[each.exit_code, each.output] for each in ran]))
"""


def test_local_knows_nothing_of_the_shell(hostile: str, tmp_path: Path) -> None:
    """In a process of its own, because the product keeps its clients."""
    with listening(emulated) as (url, asked):
        local = write(tmp_path / "local.json", json.dumps({"api_url": f"{url}/api", "keys": {}}))
        program = [sys.executable, "-c", RUN_ALL, str(local), json.dumps(LOCAL_COMMANDS)]
        done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    for command, (code, output) in zip(LOCAL_COMMANDS, json.loads(done.stdout), strict=True):
        # It came as far as the network, which has none of the tables.
        assert code == ExitCode.unreachable, (command, output)
        assert re.search("no such table here|ResourceNotFound|400", output), (command, output)
        assert hostile not in output
        assert "somebody-elses" not in output
    assert len(asked) >= 2 * len(LOCAL_COMMANDS)
    for _, headers, _ in asked:
        assert "/us-east-1/" in headers["Authorization"]
        assert "Credential=test/" in headers["Authorization"]


def commands_with(option: str, group: Any, *names: str) -> Iterator[str]:
    """The commands of the whole command line that have this option."""
    for name, command in getattr(group, "commands", {}).items():
        yield from commands_with(option, command, *names, name)
    if any(option in getattr(each, "opts", ()) for each in group.params):
        yield " ".join(names)


def test_every_command_with_local_is_among_these() -> None:
    found = set(commands_with("--local", typer.main.get_command(app)))
    tried = {
        " ".join(word for word in each if re.fullmatch("[a-z-]+", word)) for each in LOCAL_COMMANDS
    }
    assert all(any(each.startswith(name) for each in tried) for name in found), found
    assert len(found) == len(LOCAL_COMMANDS) - 1  # one is tried in two manners


def test_one_place_makes_the_clients_of_a_command() -> None:
    """And the seed's, whose whole process is in the emulator's environment."""
    makes = re.compile(r"boto3\.(Session|client|resource)\(|session\.client\(")
    found = {
        source.name
        for source in Path(networks.__file__).parent.rglob("*.py")
        if makes.search(source.read_text())
    }
    assert found == {"networks.py", "seed.py"}


@pytest.mark.usefixtures("hostile")
def test_a_profile_that_is_not_there_is_a_sentence() -> None:
    result = CliRunner().invoke(app, ["keys", "revoke", "key_1", "--stage", "prod"])
    assert result.exit_code in {ExitCode.refused, ExitCode.unreachable}
    assert "somebody-elses" in result.output


@pytest.mark.usefixtures("hostile")
def test_orders_to_this_machine_go_by_no_proxy(tmp_path: Path) -> None:
    with standin_api() as api:
        file = write(tmp_path / "o.csv", "order_id,customer_id,amount_usd\n1,a,5\n")
        assert imported(api, file, "--yes").exit_code == 0


def test_orders_to_another_machine_go_by_the_shells_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_client, "BACKOFF_MAX_S", 0.0)
    with listening(lambda *_: (502, b"")) as (proxy, asked), standin_api() as api:
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        api.url = "http://api.builders.example"
        file = write(tmp_path / "o.csv", "order_id,customer_id,amount_usd\n1,a,5\n")
        result = imported(api, file, "--yes")
        assert "answers 502 again and again" in result.output
        assert {path for path, _, _ in asked} >= {"http://api.builders.example/v1/conversions"}
        asked.clear()
        monkeypatch.setenv("no_proxy", "builders.example")
        assert imported(api, file, "--yes").exit_code == ExitCode.unreachable
        assert asked == []


def test_where_the_shell_sends_the_calls_to_aws_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with listening(emulated) as (url, _):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        result = CliRunner().invoke(app, ["keys", "revoke", "key_1", "--stage", "prod"])
    first = result.stderr.splitlines()[0]
    assert first == f"Linkage-prod in account 000000000000, us-east-1, by AWS_ENDPOINT_URL {url}"
