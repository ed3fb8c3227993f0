"""python -m grafana [--check]: write every dashboard, or say which file is not what it should be."""

import sys
from pathlib import Path

from grafana.boards import DASHBOARDS
from grafana.dashboard import exported, text

ROOT = Path(__file__).parents[1]
#: The chart has copies: Helm packs its own folder, and links do not survive every way that a repository is copied.
CHART = Path("deploy/helm/ocs-bridge/files/dashboards")


def files() -> dict[Path, str]:
    """Content by path from the root."""
    made: dict[Path, str] = {}
    for dashboard in DASHBOARDS:
        document, name = dashboard.document(), f"{dashboard.uid}.json"
        made[Path("grafana") / name] = made[CHART / name] = text(document)
        made[Path("grafana/gallery") / name] = text(exported(document))
    return made


def main(arguments: list[str]) -> int:
    """-> exit code."""
    wrong = 0
    for path, content in files().items():
        place = ROOT / path
        if "--check" not in arguments:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content, encoding="utf-8")
        elif not place.is_file() or place.read_text(encoding="utf-8") != content:
            sys.stderr.write(f"{path} is not what its source says: run make dashboards\n")
            wrong = 1
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
