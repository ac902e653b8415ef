"""The demo network has two levels above its affiliate; every promise is the rules' sum."""

import subprocess
from decimal import ROUND_FLOOR, Decimal
from typing import Any

import pytest

from linkage_cli.api_client import Answer
from linkage_cli.local import seed
from linkage_cli.local.tutorial import Step, tutorial_steps

OUTPUTS = {
    "ApiUrl": "http://127.0.0.1:1",
    "KeysTableName": "keys",
    "AuditTableName": "audit",
}
LOCAL = {
    "api_url": "http://127.0.0.1:4566/_aws/execute-api/a1/$default",
    "links_url": "http://127.0.0.1:4566/_aws/execute-api/b2/$default",
    "keys": {"operator": "lk_test_o_1", "vendor": "lk_test_v_2", "affiliate": "lk_test_a_3"},
    "demo": {
        "vendor_id": "mem_v",
        "affiliate_id": "mem_a",
        "sponsor_id": "mem_s",
        "program_id": "prg_p",
        "link_code": "abcdefgh",
    },
}


class RecordingApi:
    """Answers each call with an id made of what was asked for, and keeps the calls."""

    calls: list[tuple[str, str, Any]]

    def __init__(self, _: str, key: str) -> None:
        self.key = key

    def put(self, path: str, body: Any) -> Any:
        self.calls.append((self.key, path, body))
        return body

    def post(self, path: str, body: Any = None) -> Answer:
        self.calls.append((self.key, path, body))
        body = body or {}
        name = body.get("name", "").split(" ")[0].lower()
        answer = {"id": f"id_{name}", "secret": f"secret_{body.get('role')}", "code": "abcdefgh"}
        return Answer(answer, replayed=False)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, Any]]:
    made: list[tuple[str, str, Any]] = []
    monkeypatch.setattr(RecordingApi, "calls", made, raising=False)
    monkeypatch.setattr(seed, "Api", RecordingApi)
    monkeypatch.setattr(seed, "create_key", lambda *_: ("key_1", "secret_operator"))
    return made


def test_the_seed_gives_exactly_what_the_local_file_has(calls: list[Any]) -> None:
    seeded = seed.seed(OUTPUTS)
    assert {name: set(seeded[name]) for name in seeded} == {
        name: set(LOCAL[name]) for name in ("keys", "demo")
    }
    assert seeded["demo"]["affiliate_id"] == "id_tendai"
    assert seeded["demo"]["sponsor_id"] == "id_rudo"
    assert seeded["demo"]["vendor_id"] == "id_mbare"
    assert calls


def test_the_seed_makes_two_levels_above_the_affiliate_and_approves_everyone(
    calls: list[Any],
) -> None:
    seed.seed(OUTPUTS)
    members = [body for _, path, body in calls if path == "/v1/members"]
    sponsors = {body["name"]: body.get("sponsor_id") for body in members}
    assert sponsors["Tendai Ncube"] == "id_rudo"
    assert sponsors["Rudo Moyo Architects"] == "id_chikomo"
    approvals = [path for _, path, _ in calls if path.endswith("/approval")]
    assert len(approvals) == len(members)
    assert {tuple(body["roles"]) for body in members} == {
        ("affiliate",),
        ("vendor",),
        ("affiliate", "vendor"),
    }
    hosts = [host for body in members for host in body.get("hosts", ())]
    assert hosts
    assert all(host.endswith(".example") for host in hosts)


def test_a_vendor_and_an_affiliate_make_their_own_program_and_link(calls: list[Any]) -> None:
    seed.seed(OUTPUTS)
    made = {path: key for key, path, body in calls if "vendor_id" not in (body or {})}
    assert made["/v1/programs"] == "secret_vendor"
    assert made["/v1/links"] == "secret_affiliate"


def bash(script: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", *options]
    return subprocess.run(
        command, check=False, input=script, capture_output=True, text=True, timeout=60
    )


def test_every_step_is_valid_bash_and_the_whole_tutorial_too() -> None:
    commands = [step.command for step in tutorial_steps(LOCAL)]
    _, _, pasted = seed.tutorial(LOCAL).partition("# 0. ")
    pasted = "# 0. " + pasted.rpartition("\nCtrl-C")[0]
    for command in (*commands, pasted):
        checked = bash(command, "-n")
        assert (checked.returncode, checked.stderr) == (0, ""), command


def test_every_step_after_the_names_is_one_line() -> None:
    assert [step.title for step in tutorial_steps(LOCAL)[1:] if "\n" in step.command] == []


def test_urls_keep_their_dollar_in_the_shell() -> None:
    names = tutorial_steps(LOCAL)[0].command
    shown = bash(f'{names}\necho "$API $LINK $VENDOR"')
    link = f"{LOCAL['links_url']}/abcdefgh"
    assert shown.stdout == f"{LOCAL['api_url']} {link} Authorization: Bearer lk_test_v_2\n"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("""echo '{"id": "x", "story": ["a b", "c"]}' | field story""", "a b\nc\n"),
        ("""echo '{"id": "x"}' | field id""", "x\n"),
        ("""wait_for '"n":1' echo '{"n": 1, "name": "a b"}'""", '{"n": 1, "name": "a b"}\n'),
    ],
)
def test_the_two_helpers_of_the_tutorial(command: str, said: str) -> None:
    names = tutorial_steps(LOCAL)[0].command
    shown = bash(f"{names}\n{command}")
    assert (shown.stdout, shown.stderr) == (said, "")


def test_the_sums_promised_are_those_of_the_seeded_terms() -> None:
    sale = Decimal("250.00")
    cent = Decimal("0.01")

    def part(of: Decimal, bps: int) -> Decimal:
        return (of * bps / 10_000).quantize(cent, ROUND_FLOOR)

    direct = sale * seed.SUPPLIER_PROGRAM["rewards"][0]["rate_bps"] / 10_000  # type: ignore[index]
    fee = part(direct, 2000)
    first, second = (part(direct, bps) for bps in (1000, 500))
    assert seed.NETWORK["level_rates_bps"] == [1000, 500]
    assert seed.NETWORK["network_fee_bps"] == 2000
    promised = " ".join(promise for step in tutorial_steps(LOCAL) for promise in step.expects)
    total = direct + first + second
    for amount in (direct, fee, first, second):
        assert f"{amount:.2f} USD" in promised
    assert f'"total_minor": {int(total * 100)}' in promised
    assert f"vendors owe {int((direct + fee) * 100)}" in promised
    assert f"network fees {int((fee - first - second) * 100)}" in promised
    assert f"paid out {int(total * 100)}" in promised


def test_the_tutorial_names_its_link_its_steps_and_their_promises() -> None:
    text = seed.tutorial(LOCAL)
    assert f"  {LOCAL['links_url']}/abcdefgh" in text
    for step in tutorial_steps(LOCAL):
        assert step.command in text
        assert step.says in text
        assert bool(step.says) == bool(step.expects)


def test_a_promise_is_kept_whatever_the_white_space() -> None:
    step = Step("", "", "", ('"a": 1', "b"))
    assert step.missing_in('{"a":\n1}') == ["b"]
