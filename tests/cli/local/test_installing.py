"""Installing on machines as they are: one at a time, with a right word for what fails."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from linkage_cli.local import deployment

ROOT = Path(__file__).resolve().parents[3]
TOOLS = ("requirements", "Makefile")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with nothing in it but what installs, in a folder whose name has a space."""
    folder = tmp_path / "a clone"
    folder.mkdir()
    for name in TOOLS:
        (folder / name).symlink_to(ROOT / name)
    return folder


def run(clone: Path, *command: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=clone,
        env={"PATH": os.environ["PATH"], **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("npm error code EACCES\nnpm error path /root/.npm", "cannot be written"),
        ("error: failed to create `/x`: Read-only file system (os error 30)", "cannot be written"),
        ("OSError: [Errno 28] No space left on device", "The disk is full."),
        ("npm error code ENOSPC", "The disk is full."),
        ("npm error code SELF_SIGNED_CERT_IN_CHAIN", "export SSL_CERT_FILE="),
        ("invalid peer certificate: UnknownIssuer", "export SSL_CERT_FILE="),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", "export SSL_CERT_FILE="),
        ("npm error code EINTEGRITY", "not what the lock file names"),
        ("error: Hash mismatch for `boto3==1.43`", "not what the lock file names"),
        ("npm error code ENOTFOUND", "The registry cannot be reached."),
        ("npm error code ECONNREFUSED", "HTTPS_PROXY is http://proxy.example:3128."),
        ("dns error: failed to lookup address information", "The registry cannot be reached."),
        ("error sending request for url: operation timed out", "The registry cannot be reached."),
        ("npm error code E401\nnpm error Unable to authenticate", "wants to know who you are"),
        ("Failed to fetch: `https://pypi`\n  HTTP 401 Unauthorized", "wants to know who you are"),
        ("Tunnel failed: 407 Proxy Authentication Required", "wants to know who you are"),
        ("npm error code E404\nnpm error 404 Not Found", "a mirror that is behind"),
        ("Failed to fetch: `https://m/uv`\n  HTTP 404 Not Found", "a mirror that is behind"),
        ("ERROR: No matching distribution found for uv==0.13.9", "can it be reached"),
        ("Failed to establish a new connection\nNo matching distribution", "cannot be reached"),
        ("Could not find a suitable TLS CA certificate bundle, invalid path: /x", "cannot be read"),
        ("Warning: Ignoring extra certs from `/x`, load failed: Permission denied", "PIP_CERT"),
        ("ensurepip is not available", "apt install python3-venv"),
        ("/usr/bin/python3: No module named venv", "apt install python3-venv"),
        ("OSError: [Errno 28] No space left on device: ensurepip", "The disk is full."),
        ("FATAL ERROR: JavaScript heap out of memory", "memory ran out"),
        ("Segmentation fault", "The lines above are its own."),
    ],
)
@pytest.mark.parametrize("language", ["C", "tr_TR.UTF-8"])
def test_a_tool_that_fails_is_shown_with_what_to_do(
    clone: Path, said: str, advice: str, language: str
) -> None:
    many = "\n".join(f"line {number}" for number in range(40))
    script = f"cat <<'EOF'\n{many}\n{said}\nEOF\nexit 7"
    done = run(
        clone,
        "requirements/run-tool",
        "npm",
        "sh",
        "-c",
        script,
        LANG=language,
        HTTPS_PROXY="http://proxy.example:3128",
    )
    assert done.returncode == 7
    lines = done.stdout.splitlines()
    assert lines[0] == "npm failed. The end of what it said:"
    assert len(lines) == 17
    assert said.splitlines()[-1] in done.stdout
    assert advice in lines[-1]
    assert lines[-1].endswith("All it said is in .linkage/logs/npm.log.")
    assert "line 1\n" in (clone / ".linkage/logs/npm.log").read_text()


@pytest.mark.parametrize(
    ("proxy", "shown_as"),
    [
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        ("http://ann:secret@proxy.example:3128", "http://…@proxy.example:3128"),
        ("http://ann:se@cret@proxy.example", "http://…@proxy.example"),
        ("ann:secret@proxy.example:3128", "…@proxy.example:3128"),
        ("", "not set"),
    ],
)
def test_a_proxys_password_is_not_shown(clone: Path, proxy: str, shown_as: str) -> None:
    failing = ("sh", "-c", "echo ENOTFOUND; exit 1")
    done = run(clone, "requirements/run-tool", "npm", *failing, HTTPS_PROXY=proxy)
    assert f"HTTPS_PROXY is {shown_as}. " in done.stdout
    assert "secret" not in done.stdout


def test_a_tool_that_was_killed_is_said_to_be(clone: Path) -> None:
    done = run(clone, "requirements/run-tool", "npm", "sh", "-c", "kill -KILL $$")
    assert done.returncode == 128 + signal.SIGKILL
    assert "It was ended from outside, or memory ran out." in done.stdout


def interrupted(clone: Path, *command: str) -> tuple[int, str]:
    """How a command ends, and what it says, when Ctrl-C is pressed after a second."""
    # What was started in the background of a script ignores Ctrl-C, and so would this.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    running = subprocess.Popen(
        command,
        cwd=clone,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    signal.signal(signal.SIGINT, before)
    time.sleep(1)
    os.killpg(running.pid, signal.SIGINT)
    said = running.communicate(timeout=30)[0]
    return running.returncode, said


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_tool_that_ctrl_c_ends_is_not_blamed(clone: Path, shell: str) -> None:
    """Also one that answers the signal with a status, as npm does; bash would go on."""
    tool = ("sh", "-c", "trap 'exit 1' INT; while :; do sleep 0.05; done")
    ended = interrupted(clone, shell, "requirements/run-tool", "npm", *tool)
    assert ended == (-signal.SIGINT, "")


def test_a_tool_that_succeeds_says_nothing(clone: Path) -> None:
    done = run(clone, "requirements/run-tool", "x", "sh", "-c", "echo much")
    assert (done.returncode, done.stdout) == (0, "")


def locked(clone: Path, script: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        ["requirements/with-lock", "sh", "-c", script],
        cwd=clone,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_of_many_at_once_one_installs_and_the_others_wait(clone: Path) -> None:
    script = "echo in >> log; sleep 0.1; echo out >> log"
    running = [locked(clone, script) for _ in range(7)]
    said = [each.communicate(timeout=60)[0] for each in running]
    assert (clone / "log").read_text().split() == ["in", "out"] * 7
    waited = "Another make installs into this clone: waiting for it\n"
    assert set(said) == {"", waited}
    assert said.count("") >= 1


def test_the_lock_goes_with_whoever_had_it(clone: Path) -> None:
    first = locked(clone, "exec sleep 60")
    while not (clone / ".linkage/install.lock").exists():
        time.sleep(0.01)
    time.sleep(0.3)
    second = locked(clone, "echo mine")
    time.sleep(0.3)
    assert second.poll() is None
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=30)
    assert second.communicate(timeout=30)[0].endswith("mine\n")


def test_ctrl_c_while_waiting_is_no_error(clone: Path) -> None:
    first = locked(clone, "echo in; exec sleep 60")
    assert first.stdout
    assert first.stdout.readline() == "in\n"
    status, said = interrupted(clone, "requirements/with-lock", "true")
    first.kill()
    first.communicate(timeout=30)
    assert status == -signal.SIGINT
    assert said == "Another make installs into this clone: waiting for it\n"


def test_what_runs_under_the_lock_has_every_signal_as_it_was(clone: Path) -> None:
    """Python ignores SIGPIPE, and what it becomes would too: then `make | head` writes on."""
    done = run(clone, "requirements/with-lock", "sh", "-c", "kill -PIPE $$; echo goes on")
    assert (done.returncode, done.stdout) == (-signal.SIGPIPE, "")


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        ("touch .linkage", "This folder cannot be written"),
        ("mkdir -p .linkage/install.lock", "that user has to run make clean"),
    ],
)
def test_a_lock_that_cannot_be_made_is_one_sentence(clone: Path, prepare: str, said: str) -> None:
    done = run(clone, "sh", "-c", f"{prepare} && exec requirements/with-lock true")
    assert done.returncode == 1
    assert said in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(
    ("said", "calls"),
    [
        ("npm error code EINTEGRITY", 2),
        ("npm error code EACCES", 2),
        ("npm error code EEXIST", 2),
        ("npm error code ENOTDIR\nnpm error path /root/.npm", 2),
        ("npm error Invalid response body: /root/.npm/_cacache/index-v5/aa", 2),
        ("npm error code ECONNREFUSED\nnpm error log: /c/.linkage/home/cache/npm/_logs/1", 1),
        ("npm error code ENOTFOUND", 1),
        ("npm error code ENOSPC", 1),
        ("npm error code SELF_SIGNED_CERT_IN_CHAIN", 1),
    ],
)
def test_npm_is_tried_again_only_where_its_cache_may_be_the_cause(
    clone: Path, said: str, calls: int
) -> None:
    tools = clone / "bin"
    tools.mkdir()
    (tools / "node").write_text("#!/bin/sh\necho v22.1.0\n")
    (tools / "npm").write_text(f"#!/bin/sh\necho \"$*\" >> calls\necho '{said}'\nexit 1\n")
    for tool in tools.iterdir():
        tool.chmod(0o755)
    stale = clone / ".linkage" / "npm-cache" / "damaged"
    stale.mkdir(parents=True)
    path = f"{tools}:{os.environ['PATH']}"
    done = run(clone, "requirements/install-node-modules", PATH=path)
    assert done.returncode == 1
    assert done.stdout.count("npm failed.") == 1
    called = (clone / "calls").read_text().splitlines()
    assert len(called) == calls
    assert all("--include=dev --bin-links" in call for call in called)
    assert ("--cache .linkage/npm-cache" in called[-1]) == (calls == 2)
    assert stale.exists() == (calls == 1)


def shown(clone: Path, *names: str, **environ: str) -> list[str]:
    """What make gives to the tools it runs as these variables."""
    recipe = "\n".join(f'\t@echo "$${{{name}:-}}"' for name in names)
    (clone / "show.mk").write_text(f"show:\n{recipe}\n")
    done = run(clone, "make", "-f", "Makefile", "-f", "show.mk", "show", **environ)
    assert done.returncode == 0, done.stdout
    return done.stdout.splitlines()


CACHES = ("UV_CACHE_DIR", "PIP_CACHE_DIR", "npm_config_cache", "XDG_CACHE_HOME")


@pytest.mark.parametrize("home", ["/proc/nonexistent", "/dev/null", ""])
def test_where_home_is_closed_caches_are_in_the_clone(clone: Path, home: str) -> None:
    environ = {"HOME": home} if home else {}
    for folder in shown(clone, *CACHES, "HOME", **environ):
        assert f"{folder}/".startswith(f"{clone.resolve()}/.linkage/home/")


def test_where_home_is_open_tools_keep_their_own_caches(clone: Path, tmp_path: Path) -> None:
    assert shown(clone, *CACHES, HOME=str(tmp_path)) == [""] * len(CACHES)


@pytest.mark.parametrize(("mode", "cache"), [(0o755, ""), (0o700, ""), (0o775, "disabled")])
def test_a_cache_where_others_could_write_is_not_used(
    clone: Path, tmp_path: Path, mode: int, cache: str
) -> None:
    """Debian's and Fedora's users have the umask 002, and jsii refuses what it makes."""
    home = tmp_path / "home"
    (home / ".cache").mkdir(parents=True)
    home.chmod(0o755)
    (home / ".cache").chmod(mode)
    assert shown(clone, "JSII_RUNTIME_PACKAGE_CACHE", HOME=str(home)) == [cache]


def test_a_cache_that_is_made_is_its_owners_alone(clone: Path, tmp_path: Path) -> None:
    before = os.umask(0o002)
    try:
        assert shown(clone, "JSII_RUNTIME_PACKAGE_CACHE", HOME=str(tmp_path)) == [""]
    finally:
        os.umask(before)
    assert (tmp_path / ".cache").stat().st_mode & 0o777 == 0o700


def test_a_cache_that_a_tool_was_told_of_stays(clone: Path) -> None:
    told = {"UV_CACHE_DIR": "/ci/uv", "PIP_CACHE_DIR": "/ci/pip", "npm_config_cache": "/ci/npm"}
    assert shown(clone, *told, HOME="/dev/null", **told) == list(told.values())


@pytest.mark.parametrize(
    "name", ["PYENV_VERSION", "PYTHONPATH", "PYTHONHOME", "PIP_USER", "PIP_TARGET", "PIP_ROOT"]
)
def test_what_a_shell_set_for_other_work_does_not_reach_the_tools(clone: Path, name: str) -> None:
    assert shown(clone, name, **{name: "/elsewhere"}) == [""]


CERTIFICATES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")
READ_BY_TOOLS = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE")


@pytest.mark.parametrize("name", [*CERTIFICATES, "AWS_CA_BUNDLE"])
def test_a_companys_certificates_reach_every_tool(clone: Path, tmp_path: Path, name: str) -> None:
    environ = {"HOME": str(tmp_path), name: "/etc/our certs.pem"}
    asked = (*READ_BY_TOOLS, "NODE_EXTRA_CA_CERTS")
    assert shown(clone, *asked, **environ) == ["/etc/our certs.pem"] * 5


def test_a_variable_that_is_empty_counts_as_not_set(clone: Path, tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "SSL_CERT_FILE": "", "AWS_CA_BUNDLE": "/etc/a.pem"}
    assert shown(clone, "SSL_CERT_FILE", "PIP_CERT", **environ) == ["/etc/a.pem"] * 2


def test_certificates_for_node_besides_its_own_are_for_node_alone(
    clone: Path, tmp_path: Path
) -> None:
    """Often one for a server on this machine; the other tools would trust nothing else."""
    environ = {"HOME": str(tmp_path), "NODE_EXTRA_CA_CERTS": "/etc/local.pem"}
    assert shown(clone, "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", **environ) == ["", "/etc/local.pem"]


def test_what_a_tool_has_been_told_itself_stays(clone: Path, tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "SSL_CERT_FILE": "a.pem", "NODE_EXTRA_CA_CERTS": "b.pem"}
    assert shown(clone, "PIP_CERT", "NODE_EXTRA_CA_CERTS", **environ) == ["a.pem", "b.pem"]


# What was started ends with its starter


@pytest.fixture
def fake_cdk(tmp_path: Path) -> Iterator[Path]:
    """A cdk that starts another process, writes both their ids down, and goes on for a minute."""
    pids = tmp_path / "pids"
    cdk = tmp_path / "cdk"
    cdk.write_text(f"#!/bin/sh\nsleep 60 &\necho $$ $! > {pids}\nwait\n")
    cdk.chmod(0o755)
    yield cdk
    for pid in pids.read_text().split():
        if is_alive(int(pid)):
            os.kill(int(pid), signal.SIGKILL)


def is_alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


STARTER = """
import pathlib, sys
from linkage_cli.local import deployment
deployment.CDK = pathlib.Path(sys.argv[1])
deployment.run_cdk(["deploy"], 4566, pathlib.Path(sys.argv[2]), lambda _: None)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="it looks at Linux's /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_deployment_ends_with_its_starter(
    fake_cdk: Path, tmp_path: Path, how: signal.Signals
) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(fake_cdk), str(tmp_path / "log")]
    )
    pids = tmp_path / "pids"
    while not pids.exists() or len(pids.read_text().split()) < 2:
        time.sleep(0.01)
    started = [int(pid) for pid in pids.read_text().split()]
    assert all(map(is_alive, started))
    starter.send_signal(how)
    starter.wait(timeout=30)
    deadline = time.monotonic() + 10
    while any(map(is_alive, started)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(is_alive, started))


def test_a_deployments_status_and_lines_come_through_its_guard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cdk = tmp_path / "cdk"
    cdk.write_text("#!/bin/sh\necho all is lost\nexit 3\n")
    cdk.chmod(0o755)
    monkeypatch.setattr(deployment, "CDK", cdk)
    seen: list[str] = []
    with pytest.raises(deployment.DeployError, match="all is lost"):
        deployment.run_cdk(["deploy"], 4566, tmp_path / "log", seen.append)
    assert seen == ["all is lost\n"]
