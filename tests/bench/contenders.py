"""Who is compared, and how each is started: the bridge with its defaults, the peers in order, an afternoon's work."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.machine import GO, HERE, built_peer
from loopback import free_port
from support import processes

#: Peers and their configurations. All keep order: in each partition, one POST at a time.
PEERS = {"bento-fallback": "bento", "bento-batched": "bento", "connect-ordered": "connect"}
BRIDGES = {
    "bridge": {},  # compiled, as the image has it
    "bridge-interpreted": {},
    "bridge-256": {"http": {"max_in_flight": 256}},
    "bridge-no-linger": {"kafka": {"poll_linger": 0}},
}
AFTERNOON = {"afternoon-one": "one", "afternoon-many": "many"}
#: What `make` has compiled (tools/compile.sh); without it every bridge is interpreted.
COMPILED = HERE.parents[1] / ".cache/compiled"
STOP = 15.0  # seconds to stop on SIGTERM


class Place(NamedTuple):
    """Where a contender works."""

    bootstrap: str
    topic: str
    group: str
    url: str
    folder: Path


def available(names: list[str]) -> list[str]:
    """Those that can be run here; of the others it is said why not."""
    programs = {program: built_peer(program) for program in {PEERS[name] for name in names if name in PEERS}}
    for program in (program for program, path in programs.items() if path is None):
        print(f"LEFT OUT: {program}: Go, or {GO[program]}, is not to be had here", file=sys.stderr, flush=True)
    return [name for name in names if name not in PEERS or programs[PEERS[name]]]


def _bridge(name: str, place: Place) -> list[str]:
    settings: dict[str, dict[str, object]] = {
        "kafka": {
            "bootstrap_servers": place.bootstrap,
            "topics": place.topic,
            "group_id": place.group,
            "auto_offset_reset": "earliest",
        },
        "notifications": {"url": place.url, "interval": 0},
        "mapping": {"profile": str(HERE / "campaigns.yaml")},
        "state": {"replication_factor": 1},
        "admin": {"host": "127.0.0.1", "port": free_port()},
    }
    for section, values in BRIDGES[name].items():
        settings[section] = {**settings.get(section, {}), **values}
    config = place.folder / "bridge.yaml"
    config.write_text(json.dumps(settings))  # JSON is YAML
    return [sys.executable, "-m", "bridge", "run", "-c", str(config)]


def _command(name: str, place: Place) -> list[str]:
    if name in BRIDGES:
        return _bridge(name, place)
    if name in AFTERNOON:
        return [sys.executable, "-m", "bench.afternoon", AFTERNOON[name]]
    config = str(HERE / "peers" / f"{name}.yaml")
    return [str(built_peer(PEERS[name])), *(["run"] if PEERS[name] == "connect" else ["-c"]), config]


@contextmanager
def running(name: str, place: Place) -> Iterator[processes.Process[bytes]]:
    """The contender's process; stopped in the end, by force if it does not stop by itself."""
    place.folder.mkdir(parents=True)
    environ = {
        **{key: value for key, value in os.environ.items() if not key.startswith("BRIDGE_")},
        "BOOTSTRAP": place.bootstrap,
        "TOPIC": place.topic,
        "GROUP": place.group,
        "URL": place.url,
        "METRICS_PORT": str(free_port()),
        "PYTHONPATH": ":".join(
            map(str, [*([COMPILED] if name != "bridge-interpreted" else []), HERE.parents[1], HERE.parent])
        ),
    }
    with (place.folder / "log").open("wb") as log:
        command = _command(name, place)
        process = processes.start(command, env=environ, cwd=place.folder, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
