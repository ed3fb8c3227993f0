"""One line a case, kept in .cache/faults/, and the tables made of them."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

CACHE = Path(__file__).parents[3] / ".cache"
FOLDER = CACHE / "faults"
PAGE = CACHE / "faults-table.md"
COLUMNS = ("case", "mode", "events", "lost", "repeated", "by a living owner", "out of order", "verdict", "note")
SUMMARY = ("fault in", "mode", "cases", "events", "lost", "repeated", "by a living owner", "out of order", "bad")
SUMMED = SUMMARY[3:-1]
Row = Mapping[str, object]


def keep(run: str, row: Row) -> None:
    """Append a case's row to those of this run."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / f"{run}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def rows(run: str) -> list[dict[str, object]]:
    """The rows of a run."""
    path = FOLDER / f"{run}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def summary(found: Iterable[Row]) -> list[dict[str, object]]:
    """One row for each kind of fault and mode, of the cases that ran: the table of docs/delivery.md."""
    sums: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in found:
        if "mode" not in row:
            continue  # left out
        kind = re.match(r"(\w+): ", str(row["case"]))
        total = sums[kind[1] if kind else "members", str(row["mode"])]
        total.update({"cases": 1, "bad": int(row["verdict"] != "good")})
        total.update({column: int(str(row[column])) for column in SUMMED})
    return [{"fault in": kind, "mode": mode, **sums[kind, mode]} for kind, mode in sorted(sums)]


def markdown(found: Iterable[Row], columns: Sequence[str] = COLUMNS) -> list[str]:
    """A table, as a terminal and a page have it."""
    cells = [columns, *(tuple(str(row.get(column, "")) for column in columns) for row in found)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(columns))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |" for line in cells]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]
