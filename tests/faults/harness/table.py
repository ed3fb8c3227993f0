"""One line a case, kept in .cache/faults/, and the one table made of them."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

FOLDER = Path(__file__).parents[3] / ".cache" / "faults"
COLUMNS = ("case", "mode", "events", "lost", "repeated", "by a living owner", "out of order", "verdict", "note")
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


def markdown(found: Iterable[Row]) -> list[str]:
    """The table, as a terminal and docs/delivery.md have it."""
    cells = [COLUMNS, *(tuple(str(row.get(column, "")) for column in COLUMNS) for row in found)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(COLUMNS))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |" for line in cells]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]
