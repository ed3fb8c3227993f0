"""`make dashboards-preview`: pictures of every dashboard in three states, of real data.

    PYTHONPATH=tests python -m dashboards.preview [--again] [--draw-only] [--minutes 8]

Bridges, Kafka, receivers and Prometheus as in the tests; then every query of every panel, whose answers a page of Grafana's
own components draws in a headless browser (grafana/preview). --again asks the Prometheus data of the last run anew;
--draw-only draws its answers. Pictures: .cache/dashboards/preview/*.png.
"""

import argparse
import functools
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dashboards.asking import FILES, ROOT, Prometheus, document, filled_in, panels
from dashboards.lab import Lab
from kafka_broker import KafkaBroker
from loopback import free_port
from support import processes

TOOLS = ROOT / ".cache/dashboards"
FOLDER = TOOLS / "preview"
STATES = ("healthy", "receiver-down", "consumer-stopped")
EVERY = 2.0  # seconds between scrapes
RATE_INTERVAL = f"{4 * EVERY:g}s"


def play(minutes: float) -> dict[str, float]:
    """All three states at once, each in its namespace: well for 3/5 of the time, then ill. -> begin and end of it."""
    shutil.rmtree(FOLDER / "lab", ignore_errors=True)
    (FOLDER / "lab").mkdir(parents=True)
    broker = KafkaBroker(FOLDER / "lab/broker")
    broker.start()
    try:
        with Lab(FOLDER / "lab", broker.bootstrap, EVERY) as lab:
            scenes = [lab.scene(state).begin() for state in STATES]
            begin = time.time()
            print(f"well for {minutes * 0.6:.1f} minutes")
            time.sleep(minutes * 36)
            scenes[1].receiver_down()
            scenes[2].stop_bridges()
            print(f"ill for {minutes * 0.4:.1f} minutes")
            time.sleep(minutes * 24)
            return {"begin": begin, "end": time.time()}
    finally:
        broker.stop()


@contextmanager
def asked_again() -> Iterator[Prometheus]:
    """The Prometheus of the last run, on its data alone."""
    port, config = free_port(), FOLDER / "lab/nothing.yaml"
    config.write_text("global: {}\n")
    command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={FOLDER}/lab/tsdb"]
    process = processes.start([*command, f"--web.listen-address=127.0.0.1:{port}"], stderr=subprocess.DEVNULL)
    try:
        prometheus = Prometheus(f"http://127.0.0.1:{port}")
        prometheus.wait_ready()
        yield prometheus
        prometheus.close()
    finally:
        process.terminate()
        process.wait(20)


def answers(prometheus: Prometheus, dashboard: dict[str, Any], state: str, begin: float, end: float) -> dict[str, Any]:
    """What the page draws: the dashboard, and Prometheus' answer to each of its queries."""
    fill = functools.partial(filled_in, values={"namespace": state}, rate_interval=RATE_INTERVAL, shown=end - begin)
    step = EVERY
    data: dict[str, Any] = {}
    for panel in panels(dashboard):
        for target in panel["targets"]:
            expr = fill(target["expr"])
            found = prometheus.instant(expr, end) if target["instant"] else prometheus.range(expr, begin, end, step)
            data.setdefault(str(panel["id"]), {})[target["refId"]] = found
    notes = [
        {**annotation, "result": prometheus.range(fill(annotation["expr"]), begin, end, step)}
        for annotation in dashboard["annotations"]["list"]
    ]
    return {
        "dashboard": dashboard,
        "state": state,
        "data": data,
        "notes": notes,
        "begin": begin,
        "end": end,
        "step": step,
    }


def ask(times: dict[str, float]) -> None:
    """Every answer into a file, but for the first minute, which is that of the start."""
    (FOLDER / "data").mkdir(exist_ok=True)
    with asked_again() as prometheus:
        for path in FILES:
            for state in STATES:
                found = answers(prometheus, document(path), state, times["begin"] + 75, times["end"])
                (FOLDER / f"data/{path.stem}-{state}.json").write_text(json.dumps(found))


def draw() -> int:
    """The page, built anew, and its pictures. -> exit code."""
    command = [str(ROOT / "tools/dashboards.sh"), "draw", str(FOLDER)]
    return processes.run(command, check=False, timeout=900).returncode


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make dashboards-preview")
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--again", action="store_true", help="ask the last run's Prometheus data anew")
    parser.add_argument("--draw-only", action="store_true", help="draw the answers there are")
    options = parser.parse_args(arguments)
    times = FOLDER / "times.json"
    if not (options.again or options.draw_only):
        times.write_text(json.dumps(play(options.minutes)))
    if not options.draw_only:
        ask(json.loads(times.read_text()))
    return draw()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
