"""What a document of the project holds: its commands, its links, its tables."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def blocks(text: str, language: str) -> list[str]:
    """The contents of the fenced blocks in a language, in their order."""
    return [found[3].rstrip("\n") for found in _FENCE.finditer(text) if found[2] == language]


def commands(block: str) -> list[str]:
    """The commands of a shell block, each on one line; comments are none."""
    joined = re.sub(r" *\\\n *", " ", block)
    return [line.strip() for line in joined.splitlines() if line.strip() and line[0] != "#"]


def section(text: str, heading: str) -> str:
    """What stands under a heading, down to the next one of its own rank or above."""
    rank = heading.split(" ", maxsplit=1)[0]
    found = re.search(
        rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{len(rank)}}} |\Z)", text, re.MULTILINE | re.DOTALL
    )
    assert found, f"there is no heading {heading!r}"
    return found[1]


def links(text: str) -> list[str]:
    """Where the document's links lead."""
    return _LINK.findall(text)


def anchors(text: str) -> set[str]:
    """The names by which a document's headings can be linked to."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(text))
    return {name.strip().replace(" ", "-") for name in plain}


def table(text: str, first_heading: str) -> list[list[str]]:
    """The rows, without the headings, of the table whose first column has this heading."""
    lines = text.splitlines()
    heads = [at - 1 for at, line in enumerate(lines) if line.startswith("|---")]
    (start,) = (at for at in heads if lines[at].startswith(f"| {first_heading} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows
