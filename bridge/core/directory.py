"""The directory file: CSV or YAML that names campaign groups. How rows are found: directory_rows.py.

Columns and keys are `event.NAMES` and `match`. All is text: a DBID of 0101 stays 0101. Every mistake is reported with
its line.
"""

import csv
import difflib
import io

from bridge.core.directory_rows import IDS, Directory, Row
from bridge.core.directory_yaml import yaml_rows
from bridge.core.event import NAMES
from bridge.core.limits import MAX_NAME_CHARACTERS

__all__ = ["Directory", "DirectoryError", "Row", "parse_directory"]

COLUMNS = ("match", *NAMES)
MAX_ROWS = 100_000
MAX_CHARACTERS = 64 * 1024 * 1024
MAX_PROBLEMS = 50  # reported; a file with the wrong separator has one a line


class DirectoryError(Exception):
    """The file is not usable; `problems` are its mistakes (the first 50), each with source and line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def parse_directory(text: str, source: str) -> Directory:
    """Read the text of a directory file; `source` is its name: .yaml, .yml and .json are YAML, all else is CSV.

    CSV has a header line and `,` or `;` between its columns. YAML is a list of maps, or a map of `match` to map.
    Raises DirectoryError.
    """
    reading = _Reading(source)
    if len(text) > MAX_CHARACTERS:
        raise DirectoryError([f"{source} has more than {MAX_CHARACTERS} characters"])
    text = text.removeprefix("\ufeff")
    if source.lower().endswith((".yaml", ".yml", ".json")):
        _read_yaml(text, reading)
    else:
        _read_csv(text, reading)
    if reading.problems:
        raise DirectoryError(reading.problems)
    return reading.directory


class _Reading:
    """A file being read: the directory so far, and what is wrong."""

    def __init__(self, source: str) -> None:
        self.directory = Directory()
        self.problems: list[str] = []
        self._source = source
        self._rows = 0

    def complain(self, line: int, what: str) -> None:
        """Note a mistake. Raises DirectoryError when there are too many."""
        self.problems.append(f"{self._source} line {line}: {what}")
        if len(self.problems) == MAX_PROBLEMS:
            raise DirectoryError([*self.problems, f"{self._source}: reading ended after {MAX_PROBLEMS} mistakes"])

    def knows(self, line: int, column: str) -> bool:
        """Whether there is such a column; if not, that is a mistake."""
        if column in COLUMNS:
            return True
        bare = column.lower().removeprefix("gsw_")
        near = [bare] if bare in COLUMNS else difflib.get_close_matches(bare, COLUMNS, n=1, cutoff=0.75)
        near = near or [name for name in COLUMNS if bare and name.endswith(f"_{bare}")][:1]
        hint = f" Did you mean {near[0]}?" if near else f" There are: {', '.join(COLUMNS)}"
        self.complain(line, f"no such column: {column[:80]!r}.{hint}")
        return False

    def take(self, line: int, cells: dict[str, str]) -> None:
        """A row; empty cells are not there. Raises DirectoryError when there are too many rows."""
        self._rows += 1
        if self._rows > MAX_ROWS:
            raise DirectoryError([*self.problems, f"{self._source} line {line}: more than {MAX_ROWS} rows"])
        given = {column: text.strip() for column, text in cells.items() if text.strip()}
        long = [column for column, text in given.items() if len(text) > MAX_NAME_CHARACTERS]
        if long:
            self.complain(line, f"{', '.join(long)}: more than {MAX_NAME_CHARACTERS} characters")
        elif not given.keys() & {"match", *IDS}:
            self.complain(line, f"nothing to find the row by: give match, {', '.join(IDS[:-1])} or {IDS[-1]}")
        else:
            match = given.pop("match", None)
            taken = self.directory.add(Row(**given), match)
            if taken is not None:
                self.complain(line, f"{taken[:80]!r} is given twice, and no tenant tells both rows apart")


def _read_csv(text: str, reading: _Reading) -> None:
    head = text.lstrip("\r\n").partition("\n")[0]
    rows = csv.reader(
        io.StringIO(text, newline=""), delimiter=";" if head.count(";") > head.count(",") else ",", strict=True
    )
    columns: list[str] = []
    line = 1
    try:
        for cells in rows:
            if any(cell.strip() for cell in cells):
                if not columns:
                    columns = _header(cells, line, reading)
                elif len(cells) == len(columns):
                    reading.take(
                        line, {name: cell for name, cell in zip(columns, cells, strict=True) if name in COLUMNS}
                    )
                else:
                    reading.complain(line, f"{len(cells)} cells, but the header has {len(columns)}")
            line = rows.line_num + 1
    except csv.Error as error:
        reading.complain(line, f"not valid CSV: {error}")
    if not columns:
        reading.complain(1, f"the file is empty; its first line names the columns, of {', '.join(COLUMNS)}")


def _header(cells: list[str], line: int, reading: _Reading) -> list[str]:
    columns = [cell.strip() for cell in cells]
    for column in dict.fromkeys(columns):
        if reading.knows(line, column) and columns.count(column) > 1:
            reading.complain(line, f"column {column} is there twice")
    return columns


def _read_yaml(text: str, reading: _Reading) -> None:
    for line, found in yaml_rows(text):
        if isinstance(found, str):
            reading.complain(line, found)
            continue
        unknown = [column for column in found if not reading.knows(line, column)]
        if not unknown:
            reading.take(line, found)
