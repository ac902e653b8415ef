"""How commands end: one sentence and a stable exit code for whatever a user can cause."""

import errno
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError
from typer.testing import CliRunner

from linkage.domain.errors import NotFoundError
from linkage_cli import api_client
from linkage_cli.command_line import aws_errors, commands
from linkage_cli.errors import CommandError, ExitCode
from linkage_cli.orders.staging import Staging
from tests.cli.orders.importing import imported, write
from tests.cli.standin_api import KEY, StandinApi, standin_api

ROOT = Path(__file__).resolve().parents[2]
LINKAGE = [sys.executable, "-m", "linkage_cli.entry"]
ORDERS = "order_id,customer_id,amount_usd\n" + "".join(f"{n},c{n},1\n" for n in range(300))


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandinApi]:
    monkeypatch.setattr(api_client, "BACKOFF_MAX_S", 0.0)
    with standin_api() as state:
        yield state


def ended(error: BaseException) -> Any:
    """What becomes of a command that raises this."""
    app = commands("A test.")

    @app.callback()
    def group() -> None:
        """A test."""

    @app.command()
    def fail() -> None:
        raise error

    return CliRunner().invoke(app, ["fail"])


def _of_aws() -> CommandError:
    try:
        with aws_errors("The key was not created", "Try again."):
            raise NoCredentialsError
    except CommandError as error:
        return error


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (CommandError("Say what."), ExitCode.refused, "Say what."),
        (NotFoundError("key"), ExitCode.refused, "There is no such key."),
        (_of_aws(), ExitCode.unreachable, "The key was not created: Unable to locate credentials"),
        (NoCredentialsError(), ExitCode.unreachable, "AWS could not be asked, or refused: Unable"),
        (FileNotFoundError(2, "No such file", "x.csv"), ExitCode.file, "x.csv cannot be read or"),
        (OSError(28, "No space left on device"), ExitCode.file, "no space left on device"),
        (KeyboardInterrupt(), ExitCode.interrupted, "Interrupted."),
        (BrokenPipeError(), ExitCode.pipe_closed, ""),
        (ZeroDivisionError("x"), ExitCode.bug, "This is a bug in Linkage"),
    ],
)
def test_an_error_is_a_sentence_and_an_exit_code(
    error: BaseException, code: ExitCode, said: str
) -> None:
    result = ended(error)
    assert result.exit_code == code
    assert said in result.output
    assert ("Traceback" in result.output) is (code is ExitCode.bug)


def test_no_command_ends_its_own_way() -> None:
    for path in (ROOT / "cli" / "linkage_cli").rglob("*.py"):
        if path.name in {"preflight.py", "emulator_process.py", "guarded.py", "dev.py"}:
            continue  # they run outside the command line, or bring down what they started
        assert "sys.exit" not in path.read_text(), path.name
        assert "typer.Typer(" not in path.read_text() or path.name == "command_line.py", path.name


def test_the_handbook_lists_every_exit_code() -> None:
    handbook = (ROOT / "docs" / "operating.md").read_text()
    listed = re.findall(r"^\| (\d+) \|", handbook.partition("## Exit codes")[2], re.MULTILINE)
    assert [int(code) for code in listed] == sorted(int(code) for code in ExitCode)


def run(
    *arguments: str, stdout: Any = subprocess.PIPE, **more: Any
) -> subprocess.CompletedProcess[str]:
    done: subprocess.CompletedProcess[str] = subprocess.run(
        [*LINKAGE, *arguments],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
        **more,
    )
    return done


def test_a_full_disk_at_the_other_end_of_the_output_is_a_sentence() -> None:
    with open("/dev/full", "w") as full:
        done = run("cost", "--clicks", "1M", stdout=full)
    assert done.returncode == ExitCode.file
    assert (
        done.stderr
        == "What the command prints cannot be read or written: no space left on device.\n"
    )


def test_a_reader_that_goes_away_ends_the_command_quietly() -> None:
    read, write_end = os.pipe()
    os.close(read)
    with os.fdopen(write_end, "w") as closed:
        done = run("cost", "--clicks", "1M", stdout=closed)
    assert (done.returncode, done.stderr) == (ExitCode.pipe_closed, "")


def test_a_package_on_pythonpath_shadows_none_of_the_commands_own(tmp_path: Path) -> None:
    for name in ("rich", "typer", "boto3"):
        write(tmp_path / f"{name}.py", "raise SystemExit('shadowed')")
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = run("cost", "--clicks", "1M", env=env, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_wrong_option_is_told_with_the_usage() -> None:
    done = run("cost", "--no-such-option")
    assert done.returncode == ExitCode.usage


# What interrupts an import


HEARS_CTRL_C = """
import signal
from linkage_cli.entry import main
signal.signal(signal.SIGINT, signal.default_int_handler)
main()
"""
"""What was started in the background of a script ignores it, and so would its children."""


def importing(api: StandinApi, file: Path | str, **more: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HEARS_CTRL_C, "orders", "import", str(file)]
    command += ["--api-url", api.url, "--key", KEY, "--program", "prg_1", "--yes", "--jobs", "2"]
    return subprocess.Popen(
        command,
        stdin=more.get("stdin", subprocess.DEVNULL),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=more.get("cwd"),
    )


def wait_for_reports(api: StandinApi, number: int) -> None:
    deadline = time.monotonic() + 30
    while len(api.known) < number:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_import_that_is_interrupted_says_how_far_it_came_and_goes_on_next_time(
    api: StandinApi, tmp_path: Path
) -> None:
    api.seconds_each = 0.01
    file = write(tmp_path / "orders.csv", ORDERS)
    process = importing(api, file)
    wait_for_reports(api, 20)
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=30)
    assert process.returncode == ExitCode.interrupted
    assert "Traceback" not in errors
    new = int(re.search(r"(\d+) new", said)[1])  # type: ignore[index]
    assert len(api.known) == new < 300
    assert f"Interrupted: {300 - new} orders were not sent. Run the same command again" in said
    api.seconds_each = 0.0
    assert f"{300 - new} new, {new} already there, 0 failed" in imported(api, file, "--yes").output


def test_an_import_that_is_killed_goes_on_next_time(api: StandinApi, tmp_path: Path) -> None:
    api.seconds_each = 0.01
    file = write(tmp_path / "orders.csv", ORDERS)
    process = importing(api, file)
    wait_for_reports(api, 20)
    process.kill()
    process.communicate(timeout=30)
    api.seconds_each = 0.0
    said = imported(api, file, "--yes").output
    assert len(api.known) == len(api.reports) == 300
    assert int(re.search(r"(\d+) already there, 0 failed", said)[1]) >= 20  # type: ignore[index]


def test_orders_come_by_a_pipe_and_what_failed_is_listed_here(
    api: StandinApi, tmp_path: Path
) -> None:
    api.refused["7"] = {"detail": "The program has ended."}
    for name in ("-", "/dev/stdin"):
        process = importing(api, name, stdin=subprocess.PIPE, cwd=tmp_path)
        said, errors = process.communicate(ORDERS, timeout=30)
        assert process.returncode == ExitCode.findings, errors
        assert "299 " in said
        assert (tmp_path / "orders.errors.csv").read_text().count("The program has ended.") == 1


def test_clicks_cannot_be_kept_for_what_comes_by_a_pipe(api: StandinApi) -> None:
    result = imported(api, "-", "--yes", "--first-click", f"{api.url}/x", input=ORDERS)
    assert (result.exit_code, api.known) == (ExitCode.refused, {})
    assert "Write them to a file first." in result.output


@pytest.mark.parametrize(
    "instead",
    [
        (200, b"<html>Please sign in</html>"),
        (200, b""),
        (201, b"[]"),
        (200, b'{"id": "cnv_1"}'),
        (201, b'{"id": "mem_1", "external_id": "0"}'),
        (302, b""),
        (403, b"<html>Forbidden</html>"),
        (404, b'{"message": "Not Found"}'),
        (400, b"Bad Request"),
        (407, b"Proxy authentication required"),
        (511, b"<html>Network authentication required</html>"),
    ],
)
def test_what_is_no_answer_of_linkage_stops_the_import(
    api: StandinApi, tmp_path: Path, instead: tuple[int, bytes]
) -> None:
    api.instead = instead
    result = imported(api, write(tmp_path / "orders.csv", ORDERS), "--yes", "--jobs", "1")
    assert result.exit_code == ExitCode.unreachable
    assert "0 new, 0 already there, 300 failed" in result.output
    assert "Look at the API's address" in result.output or "again and again" in result.output
    assert api.asked <= 8 * 20


def test_the_progress_of_a_long_import_is_a_line_now_and_then(
    api: StandinApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("linkage_cli.orders.progress.LINE_EVERY_S", 0.0)
    result = imported(api, write(tmp_path / "orders.csv", ORDERS), "--yes")
    assert re.search(r"^Reading .*orders\.csv: \d+$", result.stderr, re.MULTILINE)
    assert re.search(r"^Reporting orders: 300 of 300$", result.stderr, re.MULTILINE)


def test_the_errors_file_on_a_full_disk_is_a_sentence(
    api: StandinApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.refused["7"] = {"detail": "The program has ended."}
    file = write(tmp_path / "orders.csv", ORDERS)
    (tmp_path / "orders.csv.errors.csv").symlink_to("/dev/full")
    result = imported(api, file, "--yes")
    assert result.exit_code == ExitCode.file
    assert "cannot be written to" in result.output
    assert "299 new, 0 already there, 1 failed" in result.output


@pytest.mark.parametrize("by_pipe", [False, True])
def test_no_room_for_what_is_read_is_a_sentence(
    api: StandinApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_pipe: bool
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    def full_too(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    file = tmp_path / "orders.csv"
    if by_pipe:
        monkeypatch.setattr("shutil.copyfileobj", full_too)
        os.mkfifo(file)
        threading.Thread(target=file.write_text, args=(ORDERS,), daemon=True).start()
    else:
        monkeypatch.setattr(Staging, "settle", lambda *_, **__: full())
        write(file, ORDERS)
    result = imported(api, file, "--yes")
    assert result.exit_code == ExitCode.file
    assert "Make room" in result.output
    assert api.known == {}


def outcome_of(text: str) -> Mapping[str, Any]:
    said: dict[str, Any] = json.loads(text.splitlines()[-1])["outcome"]
    return said


def test_a_program_reads_the_outcome(api: StandinApi, tmp_path: Path) -> None:
    api.refused["7"] = {"detail": "The program has ended."}
    result = imported(api, write(tmp_path / "orders.csv", ORDERS), "--yes", "--json")
    said = outcome_of(result.stdout)
    assert (said["new"], said["already_there"], said["failed"]) == (299, 0, 1)
    assert result.exit_code == ExitCode.findings
