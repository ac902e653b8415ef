"""What CONTRIBUTING.md gives to start from works as it stands, and what it names is there."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from linkage.domain.people.members import Member
from tests.docs.markdown import DOCUMENTS, ROOT, blocks, section, table
from tests.domain.examples import operator
from tests.in_memory import empty_network

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
_PATH = re.compile(r"`((?:[\w.]+/)+[\w.]+\.(?:py|js|toml)|(?:[a-z_]+/)+)`")


@dataclass(frozen=True)
class Note:
    """The noun of the templates."""

    note_id: str
    member_id: str
    text: str
    left_at: str


@pytest.fixture
def templates(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, ModuleType]]:
    """The templates as the modules they say they are."""
    monkeypatch.setenv("NOTES_TABLE", "notes")
    nouns = ModuleType("linkage.domain.people.notes")
    vars(nouns)["Note"] = Note
    monkeypatch.setitem(sys.modules, nouns.__name__, nouns)
    made = {}
    with empty_network():
        for heading, name in (
            ("### A new table", "linkage.tables.notes"),
            ("### A new action", "linkage.flow.people.noting"),
            ("### A new route", "linkage_api.people.notes"),
        ):
            (code,) = blocks(section(CONTRIBUTING, heading), "python")
            module = ModuleType(name)
            monkeypatch.setitem(sys.modules, name, module)
            exec(compile(code, f"CONTRIBUTING.md, {heading}", "exec"), vars(module))
            made[heading.rpartition(" ")[2]] = module
        yield made


def test_the_templates_of_an_action_a_route_and_a_table_fit_together(
    templates: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Any] = []
    member = Member("mem_1", "Tendai", ("affiliate",), "approved", "2026-12-01T10:00:00.000Z")
    action: Any = templates["action"]
    monkeypatch.setattr(action, "write", written.extend)
    monkeypatch.setattr(action, "get_member", lambda _: member)
    note = action.leave_note("mem_1", "Called twice.", operator("key_1"))
    kept, recorded = written
    assert kept["Put"]["TableName"] == "notes"
    stored: Any = templates["table"]
    assert stored._note(kept["Put"]["Item"]) == note
    assert recorded["Put"]["Item"]["subject"]["S"] == "member#mem_1"
    assert templates["route"].router is not None


def test_ten_usual_changes_have_a_place() -> None:
    assert len(table(CONTRIBUTING, "a change")) >= 10


@pytest.mark.parametrize(
    "document", [*DOCUMENTS, ROOT / "CONTRIBUTING.md"], ids=lambda each: each.name
)
def test_a_path_that_a_document_names_is_there(document: Any) -> None:
    folders = (
        "",
        "layers/core/python/linkage/",
        "layers/api/python/",
        "layers/core/python/",
        "cli/",
        "cli/linkage_cli/",
    )
    own = {"domain/people/notes.py", "lib/python/"}
    missing = [
        path
        for path in _PATH.findall(document.read_text())
        if path not in own and not any((ROOT / folder / path).exists() for folder in folders)
    ]
    assert missing == []
