"""Writes the table of settings into docs/operating.md: python -m infra.setting_table"""

from pathlib import Path

from infra.setting_forms import table

HANDBOOK = Path(__file__).resolve().parent.parent / "docs" / "operating.md"
FIRST_LINE = next(iter(table()))


def written(text: str) -> str:
    """The handbook with the table as it is now, in the place of the one it has."""
    before, _, after = text.partition(FIRST_LINE)
    rest = after.partition("\n\n")[2]
    return before + "\n".join(table()) + "\n\n" + rest


def main() -> None:
    """Writes the handbook."""
    HANDBOOK.write_text(written(HANDBOOK.read_text()))


if __name__ == "__main__":
    main()
