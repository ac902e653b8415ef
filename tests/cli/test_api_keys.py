"""Keys made, named and revoked with AWS credentials, and the way out of four eyes: all recorded."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from typer.testing import CliRunner, Result

from linkage.domain.people.api_keys import Key, key_id_in, opens
from linkage.domain.people.audit import Record
from linkage.domain.terms.network import NetworkSettings
from linkage.tables import api_keys as keys_table
from linkage.tables.audit import list_records
from linkage.tables.members import put_member
from linkage.tables.settings import current_settings, publish_settings
from linkage_cli.errors import ExitCode
from linkage_cli.main import app
from tests.aws_tables import TABLES
from tests.cli.standin_stack import standin_stacks
from tests.domain.examples import MEMBER, operator
from tests.faults.standin import Standin
from tests.in_memory import empty_network

STAGES = ("prod", "dev")
BY = "cli:arn:aws:sts::123456789012:"


@pytest.fixture
def standin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Standin]:
    outputs = {f"{noun.capitalize()}TableName": noun for noun in TABLES}
    standin_stacks(monkeypatch, {f"Linkage-{stage}": outputs for stage in STAGES})
    with empty_network() as made:
        put_member(replace(MEMBER, member_id="mem_1", roles=("vendor",)))
        yield made


def linkage(*arguments: str, stage: str | None = "prod") -> Result:
    where = ["--stage", stage] if stage else []
    return CliRunner().invoke(app, [*arguments, *where])


def create(*arguments: str, stage: str | None = "prod") -> Result:
    return linkage("keys", "create", *arguments, stage=stage)


def stored() -> list[Key]:
    return keys_table.list_keys(100, None).data


def recorded(subject: str) -> list[Record]:
    return list_records(100, None, subject=subject).data


@pytest.mark.parametrize(("stage", "prefix"), [("prod", "lk_live_"), ("dev", "lk_test_")])
def test_the_secret_is_shown_once_and_opens_the_stored_key(
    standin: Standin, stage: str, prefix: str
) -> None:
    result = create("operator", "--person", " Rudo MOYO", stage=stage)
    assert result.exit_code == 0, result.output
    said, secret = result.stdout.splitlines()
    assert result.stderr == f"Linkage-{stage} in account 123456789012, eu-west-1\n"
    assert "Its secret is shown this once" in said
    assert secret.startswith(prefix)
    (key,) = stored()
    assert (key.key_id, key.role, key.member_id) == (key_id_in(secret, stage), "operator", None)
    assert key.person == "rudo moyo"
    assert opens(key, secret)
    assert secret not in str([table.saved() for table in standin.tables.values()])
    (record,) = recorded(f"key#{key.key_id}")
    assert (record.action, record.by_person) == ("key.created", "")
    assert record.by_key.startswith(BY)


def test_a_vendors_key_belongs_to_its_member(standin: Standin) -> None:
    assert create("vendor", "--member", "mem_1").exit_code == 0
    (key,) = stored()
    assert (key.role, key.member_id, key.person) == ("vendor", "mem_1", "")


@pytest.mark.parametrize(
    ("arguments", "stage", "said"),
    [
        (("operator", "--person", "Rudo"), "nowhere", "There is no stack Linkage-nowhere"),
        (("operator", "--person", "Rudo"), None, "Say which network"),
        (("operator",), "prod", "Say whose hands the operator's key is in: --person NAME."),
        (("operator", "--person", "\u200b"), "prod", "person must be a name"),
        (("operator", "--person", " "), "prod", "person must have between 1 and 60 characters"),
        (("vendor",), "prod", "Say whose key it is: --member mem_…"),
        (("vendor", "--member", "mem_2"), "prod", "There is no member mem_2"),
        (("affiliate", "--member", "mem_1"), "prod", "it can have no affiliate key"),
        (("operator", "--member", "mem_1"), "prod", "belongs to no member"),
    ],
)
def test_a_key_that_cannot_be_made_is_a_sentence(
    standin: Standin, arguments: tuple[str, ...], stage: str | None, said: str
) -> None:
    result = create(*arguments, stage=stage)
    assert result.exit_code == ExitCode.refused
    assert said in result.output
    assert stored() == []


def test_an_older_stack_without_the_table_says_to_deploy(
    standin: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    standin_stacks(monkeypatch, {"Linkage-prod": {"KeysTableName": "keys"}})
    result = create("operator", "--person", "Rudo")
    assert "no output AuditTableName" in result.output
    assert "npx cdk deploy -c stage=prod" in result.output


def test_a_key_made_before_keys_had_persons_is_named_once(standin: Standin) -> None:
    keys_table.put_key(operator("key_old"))
    for _ in range(2):
        result = linkage("keys", "name", "key_old", "--person", "Rudo")
        assert (result.exit_code, result.stdout) == (0, "key_old is rudo's.\n")
    (record,) = recorded("key#key_old")
    assert (record.action, record.before, record.after) == (
        "key.named",
        {"person": None},
        {"person": "rudo"},
    )
    assert record.by_key.startswith(BY)
    other = linkage("keys", "name", "key_old", "--person", "Zuva")
    assert other.exit_code == ExitCode.refused
    assert "key_old is rudo's, and stays so" in other.output
    unknown = linkage("keys", "name", "key_none", "--person", "Zuva")
    assert unknown.exit_code == ExitCode.refused
    assert unknown.output.endswith("There is no such key.\n")


def test_a_key_is_revoked_whosever_it_is(standin: Standin) -> None:
    keys_table.put_key(operator("key_rudo", person="rudo"))
    for _ in range(2):
        assert linkage("keys", "revoke", "key_rudo").exit_code == 0
    assert keys_table.get_key("key_rudo").revoked_at is not None
    (record,) = recorded("key#key_rudo")
    assert record.action == "key.revoked"
    assert linkage("keys", "revoke", "key_none").exit_code == ExitCode.refused


def test_four_eyes_are_turned_off_when_the_second_person_is_lost(standin: Standin) -> None:
    publish_settings(NetworkSettings(version=1, name="Builders", four_eyes=True))
    result = linkage("network", "four-eyes", "off", "--why", "Rudo has left, and his key with him")
    assert result.stdout == "Four eyes are off from version 2 on.\n"
    assert current_settings() == NetworkSettings(version=2, name="Builders")
    (record,) = recorded("network")
    assert record.why == "Rudo has left, and his key with him"
    assert record.by_key.startswith(BY)
    assert record.before == {"version": 1, "four_eyes": True}
    again = linkage("network", "four-eyes", "off", "--why", "again")
    assert again.stdout == "Four eyes were off already.\n"
    assert len(recorded("network")) == 1
    assert linkage("network", "four-eyes", "off").exit_code == 2
    assert linkage("network", "four-eyes", "off", "--why", " ").exit_code == ExitCode.refused


def test_records_are_listed_in_words(standin: Standin) -> None:
    publish_settings(NetworkSettings(version=1, four_eyes=True))
    linkage("network", "four-eyes", "off", "--why", "Rudo has left")
    (record,) = recorded("network")
    for arguments in (("--subject", "network"), ("--day", record.at[:10])):
        said = linkage("audit", "list", *arguments).stdout.splitlines()
        assert said[0] == f"{record.at} network.published network by {record.by_key}"
        assert "    four_eyes: true → false" in said
        assert said[-1] == "    why: Rudo has left"
    assert linkage("audit", "list").exit_code == ExitCode.refused
    assert linkage("audit", "list", "--day", "2020-01-01").stdout == ""
