"""The directory file: CSV or YAML that names campaign groups. How rows are found: directory_rows.py.

Columns and keys are `match`, `event.NAMES`, which are texts (a DBID of 0101 stays 0101), and `event.PERIODS`: a number of
seconds, and a word for true or false. Every mistake is reported with its line.
"""

import csv
import difflib
import io

from bridge.core.directory_rows import IDS, Directory, Row
from bridge.core.directory_yaml import yaml_rows
from bridge.core.event import NAMES, PERIODS
from bridge.core.limits import MAX_INTERVAL, MAX_NAME_CHARACTERS, MIN_INTERVAL
from bridge.core.numbers import decimal, interval, plain
from bridge.core.outcome import InvalidEvent
from bridge.core.words import SWITCHES, normal

__all__ = ["Directory", "DirectoryError", "Row", "parse_directory"]

COLUMNS = ("match", *NAMES, *PERIODS)
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
            try:
                wrong = self.directory.add(_row(given), match)
            except ValueError as error:
                wrong = str(error)
            if wrong is not None:
                self.complain(line, wrong)


def _row(given: dict[str, str]) -> Row:
    """Raises ValueError with what is wrong."""
    period, switch = (given.pop(column, None) for column in PERIODS)
    return Row(
        **given,
        notification_interval=None if period is None else _seconds(period),
        notifications_enabled=None if switch is None else _switch(switch),
    )


def _seconds(text: str) -> float:
    column = PERIODS[0]
    try:
        return interval(plain(decimal(text, column), column), column)
    except InvalidEvent:
        allowed = f"0 (none), or seconds from {MIN_INTERVAL} to {MAX_INTERVAL}"
        raise ValueError(f"{column} is {text[:80]!r}. Allowed: {allowed}") from None


def _switch(text: str) -> bool:
    found = SWITCHES.get(normal(text))
    if found is None:
        raise ValueError(f"{PERIODS[1]} is {text[:80]!r}. Allowed: {', '.join(map(str, SWITCHES))}")
    return found.value


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
