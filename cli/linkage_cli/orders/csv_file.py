"""Reads a CSV file strictly: every row of it has its line, and no row vanishes in another."""

import csv
import io
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO

from linkage_cli.errors import CommandError, ExitCode

SEPARATORS = (",", ";", "\t", "|")
STDIN = ("-", "/dev/stdin")
SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""What files of Excel and others begin with, new and old."""
HEADER_LINES_MAX = 20
"""How far down a program's export is searched for the line that names its columns."""


class OrderFileError(CommandError):
    """The file cannot be read as a table of orders; nothing of it was reported."""

    exit_code = ExitCode.file


@dataclass(frozen=True)
class Row:
    """One row; `line` is where it begins, as an editor counts, `fault` why it is not one."""

    line: int
    cells: Sequence[str]
    fault: str | None = None


@dataclass(frozen=True)
class Header:
    """The line that names the columns, how they are separated, and where each name stands."""

    line: int
    separator: str
    names: tuple[str, ...]


class Export:
    """A file that can be read several times from its beginning, also if it came by a pipe."""

    def __init__(self, name: str, binary: BinaryIO) -> None:
        self.name, self._binary = name, binary

    @contextmanager
    def lines(self) -> Iterator[TextIO]:
        """Its text from the beginning; raises OrderFileError for what is no UTF-8 text."""
        self._binary.seek(0)
        if self._binary.read(4) in SPREADSHEETS:
            raise OrderFileError(
                f"{self.name} is a spreadsheet's own file. Save it as CSV with the encoding UTF-8."
            )
        self._binary.seek(0)
        text = io.TextIOWrapper(self._binary, encoding="utf-8-sig", newline="")
        try:
            yield text
        except UnicodeDecodeError as error:
            raise OrderFileError(
                f"{self.name} is not UTF-8 text. Export it again as CSV with the encoding UTF-8."
            ) from error
        finally:
            text.detach()

    def ends_in_mid_line(self) -> bool:
        """Whether its last line has no line break, as when a download was cut off."""
        size = self._binary.seek(0, io.SEEK_END)
        self._binary.seek(max(size - 1, 0))
        return self._binary.read(1) not in {b"\n", b"\r", b""}


@contextmanager
def opened(path: Path) -> Iterator[Export]:
    """The export at a path, or from standard input at `-`; raises OrderFileError."""
    name = "standard input" if str(path) in STDIN else str(path)
    try:
        with _binary(path) as binary:
            if binary.seekable():
                yield Export(name, binary)
                return
            with tempfile.TemporaryFile() as copy:
                _keep(binary, copy)
                yield Export(name, copy)
    except OSError as error:
        if error.filename is None:
            raise
        raise OrderFileError(f"{path} cannot be read: {error.strerror}.") from error


def _keep(binary: BinaryIO, copy: BinaryIO) -> None:
    """Copies what can be read only once; raises OrderFileError where there is no room for it."""
    try:
        shutil.copyfileobj(binary, copy)
        copy.flush()
    except OSError as error:
        raise OrderFileError(
            f"What came by the pipe cannot be kept in {tempfile.gettempdir()}: {error.strerror}. "
            "Make room there, or name another folder in TMPDIR."
        ) from error


def is_stream(path: Path) -> bool:
    """Whether nothing can be written beside what is read, because it is no file in a folder."""
    return str(path) in STDIN or (path.exists() and not path.is_file())


def _binary(path: Path) -> BinaryIO:
    return sys.stdin.buffer if str(path) == "-" else path.open("rb")


def header_of(
    export: Export, *, skip: int = 0, is_header: Callable[[Sequence[str]], bool] | None = None
) -> Header:
    """The line that names the columns: after `skip` lines, or the first that `is_header` knows.

    Raises OrderFileError if the file is empty or has no such line.
    """
    with export.lines() as text:
        for number, line in enumerate(text, 1):
            if number <= skip:
                continue
            found = _header(number, line)
            if is_header is None:
                if any(found.names) and not _names_the_separator(line):
                    return found
            elif is_header(found.names):
                return found
            elif number - skip >= HEADER_LINES_MAX:
                break
    if is_header is None:
        skipped = f" after its first {skip} lines" if skip else ""
        raise OrderFileError(f"{export.name}: the file is empty{skipped}.")
    raise OrderFileError(
        f"{export.name} has no line with the columns of that export among its first "
        f"{HEADER_LINES_MAX}. Export it again with all columns and in English, or leave --from out "
        "and name its columns."
    )


def _names_the_separator(line: str) -> bool:
    """Whether it is the line by which some programs tell a spreadsheet the separator: `sep=;`."""
    text = line.strip().strip('"')
    return len(text) == len("sep=;") and text.lower().startswith("sep=")


def _header(number: int, line: str) -> Header:
    separator = max(SEPARATORS, key=line.count)
    try:
        cells = next(csv.reader([line], delimiter=separator, skipinitialspace=True, strict=True))
    except (csv.Error, StopIteration):
        cells = []
    return Header(number, separator, tuple(cell.strip() for cell in cells))


def rows_of(export: Export, header: Header, *, line_breaks: bool = False) -> Iterator[Row]:
    """Each row after the header that is not empty; one of another width has a `fault`.

    Raises OrderFileError where a quote does not open and close as CSV has it, and, unless
    `line_breaks` allows that, where a cell seems to have swallowed the rows after it.
    """
    with export.lines() as text:
        for _ in range(header.line):
            next(text)
        taken = _Taken(text)
        reader = csv.reader(taken, delimiter=header.separator, skipinitialspace=True, strict=True)
        line = header.line + 1
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise OrderFileError(_misquoted(export.name, line, error)) from error
            if not line_breaks:
                _refuse_swallowed(export.name, line, taken.lines, header)
            if any(cell.strip() for cell in cells):
                yield _row(line, cells, len(header.names))
            line += len(taken.lines)
            taken.lines.clear()


class _Taken:
    """Lines, and those that were taken since they were last cleared."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self.lines: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._text)
        self.lines.append(line)
        return line


def _row(line: int, cells: Sequence[str], width: int) -> Row:
    trimmed = [cell.strip() for cell in cells]
    if "\0" in "".join(trimmed):
        return Row(line, trimmed, "It has a NUL character, so the file is damaged here.")
    if len(cells) == width:
        return Row(line, trimmed)
    return Row(
        line,
        trimmed,
        f"It has {len(cells)} cells, and the line that names the columns {width}. A cell with the "
        "separator in it must stand in quotes.",
    )


def _refuse_swallowed(name: str, line: int, lines: Sequence[str], header: Header) -> None:
    """Raises OrderFileError if a line within a quoted cell has as many cells as a row.

    A quote that nobody closed is closed by a later row's, and the rows between would be a text.
    """
    separators = len(header.names) - 1
    for further, text in enumerate(lines[1:], 1):
        if separators and text.count(header.separator) >= separators:
            raise OrderFileError(
                f"{name}: a quote opens in row {line} and does not close before row "
                f"{line + further}, which looks like a row of its own. Mend the quotes of row "
                f"{line}; if its cell has that line in it, add --line-breaks."
            )


def _misquoted(name: str, line: int, error: csv.Error) -> str:
    what = str(error)
    if "expected after" in what:
        why = f"row {line} has a quote that closes within a cell, or opened in a row before"
    else:
        why = f"a quote opens in row {line} and never closes"
    return (
        f'{name}: {why}. Within a cell in quotes a quote is written twice: "12"" pipe". '
        f"Nothing was reported. ({what})"
    )
