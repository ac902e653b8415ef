"""`linkage dev`: what it writes for other programs, and what it refuses in a sentence."""

import os
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from linkage_cli import main
from linkage_cli.errors import CommandError, DeployError
from linkage_cli.local import dev
from linkage_cli.local.emulator import port_from


def test_the_port_is_4566_unless_moved() -> None:
    assert port_from({}) == 4566
    assert port_from({"GATEWAY_PORT": ""}) == 4566
    assert port_from({"GATEWAY_PORT": "4600"}) == 4600


@pytest.mark.parametrize("text", ["abc", "0", "65536", "-1", "4566.0", " 4566", "٤٥٦٦"])
def test_a_port_that_is_none_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(CommandError, match="GATEWAY_PORT=4567 make dev"):
        port_from({"GATEWAY_PORT": text})


def test_a_file_is_written_whole_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "local.json"
    path.write_text("old")
    dev.write_atomically(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_the_local_file_has_exactly_what_other_programs_read() -> None:
    network: Any = SimpleNamespace(api_url="http://a", links_url="http://l")
    seeded = {"keys": {"operator": "k"}, "demo": {"vendor_id": "mem_1"}, "more": 1}
    assert dev.describe(network, seeded) == {
        "api_url": "http://a",
        "links_url": "http://l",
        "keys": {"operator": "k"},
        "demo": {"vendor_id": "mem_1"},
    }


@pytest.fixture
def local_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `.linkage/local.json` that an earlier run left."""
    path = tmp_path / "local.json"
    path.write_text("from an earlier run")
    monkeypatch.setattr(dev, "HOUSE", tmp_path)
    monkeypatch.setattr(dev, "LOCAL_FILE", path)
    monkeypatch.setattr(dev, "LOCK_FILE", tmp_path / "dev.lock")
    return path


def test_a_second_run_in_the_clone_is_refused_and_spares_the_first_ones_file(
    local_file: Path,
) -> None:
    with dev.the_only_run():
        local_file.write_text("of the first run")
        result = CliRunner().invoke(main.app, ["dev"])
        assert result.exit_code == 1
        assert "Another `make dev` runs in this clone already." in result.output
        assert local_file.read_text() == "of the first run"


def test_a_failed_deployment_is_one_sentence_and_leaves_no_local_file(
    local_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def failing(*_: Any, **__: Any) -> Iterator[None]:
        assert not local_file.exists()
        raise DeployError("cdk deploy failed.")
        yield

    monkeypatch.setattr(dev, "local_network", failing)
    result = CliRunner().invoke(main.app, ["dev"])
    assert result.exit_code == 1
    assert "cdk deploy failed." in result.output
    assert "Traceback" not in result.output
    assert not local_file.exists()


@pytest.mark.parametrize("number", dev.STOP_SIGNALS)
def test_each_stop_signal_ends_the_run_and_removes_the_local_file(
    number: signal.Signals,
    local_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    stopped = []

    @contextmanager
    def up(*_: Any, **__: Any) -> Iterator[Any]:
        try:
            yield SimpleNamespace(api_url="http://a", links_url="http://l", outputs={})
        finally:
            assert "Stopping …" in capfd.readouterr().out  # said before anything is ended
            os.kill(os.getpid(), number)  # a second one cannot interrupt the cleaning up
            stopped.append(True)

    def stay(_: Any) -> None:
        assert local_file.exists()
        os.kill(os.getpid(), number)
        signal.pause()

    monkeypatch.setattr(dev, "local_network", up)
    monkeypatch.setattr(dev.seed, "seed", lambda _: {"keys": {}, "demo": {}})
    monkeypatch.setattr(dev.seed, "tutorial", lambda _: "the tutorial")
    monkeypatch.setattr(dev, "stay_while_up", stay)
    before = signal.getsignal(number)
    result = CliRunner().invoke(main.app, ["dev"])
    assert "the tutorial" in result.output
    assert result.output.endswith("Stopped.\n")
    assert result.exit_code == 0
    assert stopped == [True]
    assert not local_file.exists()
    assert signal.getsignal(number) == before
