"""The table: the bridge beside its peers, on one broker, one receiver and the same events, by turns.

    make bench                      all of it (an hour); medians of 5 runs
    make bench-quick                the bridge and Bento, one short run each (a minute)
    make bench ARGS='--only bridge,bento-batched --loads full,slow'

Needs Java and Maven for the broker (as the broker tests do), a C compiler for the receiver, and Go for the peers, which are
left out where it is missing. CPU is user and system time of a contender and its children, between its first and its last
POST. Nothing is judged here but order: late, repeated and lost stand in the table.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.contenders import AFTERNOON, BRIDGES, PEERS, available
from bench.machine import Sink
from bench.runs import Lab, Row
from kafka_broker import KafkaBroker
from support.programs import BROKER, absent

#: Loads by name: groups, milliseconds until an answer, share of POSTs that fail.
BACKLOGS = {
    "full": [(200, 0, 0.0), (10_000, 0, 0.0)],
    "slow": [(200, 20, 0.0), (200, 100, 0.0), (10_000, 100, 0.0)],
    "failing": [(200, 0, 0.02)],
}
LOADS = (*BACKLOGS, "low", "idle")
DEFAULT = ("bridge", "bridge-interpreted", "bridge-256", "bridge-no-linger", *PEERS, *AFTERNOON)
QUICK = ["--only", "bridge,bento-fallback", "--loads", "full", "--events", "20000", "--repeat", "1", "--limit", "8"]


def parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(DEFAULT), help="contenders")
    parser.add_argument("--loads", default=",".join(LOADS), help=f"of {', '.join(LOADS)}")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--limit", type=float, default=15, help="seconds of a run at most")
    parser.add_argument("--rate", type=int, default=200, help="events a second of the load `low`")
    parser.add_argument("--seconds", type=float, default=15, help="of the loads `low` and `idle`")
    parser.add_argument("--quick", action="store_true", help=" ".join(QUICK))
    args = parser.parse_args(arguments)
    return parsed([*QUICK, *(a for a in arguments if a != "--quick")]) if args.quick else args


def runs(lab: Lab, args: argparse.Namespace, names: list[str]) -> Iterator[Callable[[], Row]]:
    """Contenders take turns, so that what else the machine does falls on all of them."""
    loads = args.loads.split(",")
    for _ in range(args.repeat):
        for groups, latency, failing in (one for load in loads for one in BACKLOGS.get(load, [])):
            for name in (name for name in names if name != "bridge-no-linger"):
                yield lambda n=name, g=groups, la=latency, f=failing: lab.backlog(  # type: ignore[misc]
                    n, count=args.events, groups=g, latency=la, failing=f, limit=args.limit
                )
        for name in (name for name in names if name != "bridge-256"):
            if "low" in loads:
                yield lambda n=name: lab.trickle(n, args.rate, args.seconds)  # type: ignore[misc]
            if "idle" in loads:
                yield lambda n=name: lab.idle(n, args.seconds)  # type: ignore[misc]


def table(rows: list[Row]) -> str:
    """Medians by load and contender, with the least and the most of CPU."""
    titles = "load | contender | events/s | CPU us/event | CPU of a core | MiB | p50 ms | p99 ms | late | repeated | lost | s to first POST | foreign cores | runs"
    lines = [f"| {titles} |", f"|{' --- |' * (titles.count('|') + 1)}"]
    for load in dict.fromkeys(row.load for row in rows):
        for name in dict.fromkeys(row.contender for row in rows if row.load == load):
            same = [row for row in rows if (row.load, row.contender) == (load, name)]
            lines.append(f"| {load} | {name} | {' | '.join(_cells(same))} |")
    return "\n".join(lines)


def _cells(rows: list[Row]) -> list[str]:
    def middle(field: str) -> float:
        return float(statistics.median(getattr(row, field) for row in rows))

    costs = sorted(row.cpu_us for row in rows)
    cost = f"{middle('cpu_us'):.1f} ({costs[0]:.1f}-{costs[-1]:.1f})" if costs[-1] else ""
    return [
        f"{middle('rate'):,.0f}" if middle("rate") else "",
        cost,
        f"{middle('share'):.0%}" if middle("share") > 0.1 else f"{middle('share'):.1%}",
        f"{middle('mib'):.0f}" if middle("mib") else "",
        f"{middle('p50'):.1f}" if middle("p50") else "",
        f"{middle('p99'):.1f}" if middle("p99") else "",
        *(str(max(getattr(row, field) for row in rows)) for field in ("late", "repeated", "lost")),
        f"{middle('first_post'):.1f}" if middle("first_post") else "",
        f"{middle('foreign'):.2f}",
        str(len(rows)),
    ]


def main(arguments: list[str]) -> int:
    args = parsed(arguments)
    unknown = set(args.only.split(",")) - {*BRIDGES, *PEERS, *AFTERNOON} | set(args.loads.split(",")) - set(LOADS)
    if lacking := absent(BROKER) or sorted(unknown):
        print(f"not installed, or not known: {', '.join(lacking)}", file=sys.stderr)
        return 2
    names, rows = available(args.only.split(",")), list[Row]()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        broker = KafkaBroker(Path(folder) / "broker")
        broker.start()
        try:
            with Sink() as sink:
                for run in runs(Lab(broker, sink, Path(folder)), args, names):
                    rows.append(run())
                    print(f"  {rows[-1]}", file=sys.stderr, flush=True)
        finally:
            broker.stop()
            print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
