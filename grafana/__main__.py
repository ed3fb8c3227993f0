"""python -m grafana [--check]: write every dashboard, or say which file is not what it should be."""

import sys
from pathlib import Path

from grafana.boards import DASHBOARDS
from grafana.dashboard import exported, text

FOLDER = Path(__file__).parent


def files() -> dict[Path, str]:
    """Content by path below grafana/."""
    made: dict[Path, str] = {}
    for dashboard in DASHBOARDS:
        document = dashboard.document()
        made[Path(f"{dashboard.uid}.json")] = text(document)
        made[Path(f"gallery/{dashboard.uid}.json")] = text(exported(document))
    return made


def main(arguments: list[str]) -> int:
    """-> exit code."""
    wrong = 0
    for path, content in files().items():
        place = FOLDER / path
        if "--check" not in arguments:
            place.write_text(content, encoding="utf-8")
        elif not place.is_file() or place.read_text(encoding="utf-8") != content:
            sys.stderr.write(f"grafana/{path} is not what its source says: run make dashboards\n")
            wrong = 1
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
