"""What the dashboards' queries cost a Prometheus with very many series.

    PYTHONPATH=tests python -m dashboards.cost [--instances 20] [--groups 500]

Synthetic series, all that the catalogue has: six hours of every instance, scraped every 30 s, and one hour of the campaign
groups (so many of *each* instance, every 60 s). Each query is run as Grafana would, over those times. Prints the
seconds and the samples that Prometheus looked at for each, most samples first, and fails when one looks at more than MOST: unlike
seconds they are the same on every machine. Takes a few minutes and 2 GB of disk.
"""

import argparse
import itertools
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

from dashboards.asking import FILES, ROOT, Asked, Prometheus, document, filled_in, queries
from loopback import free_port
from support import processes

from bridge.core.outcome import REASONS, Commit, Drop, Invalid, Result, Return, Skip
from bridge.core.vocabulary import GroupState
from bridge.edge.catalogue import CATALOGUE, PROCESS
from bridge.edge.metric import Metric, Type

FOLDER = ROOT / ".cache/dashboards/cost"
HOURS, EVERY, GROUPS_EVERY = 6, 30, 60
TENANTS = 10
#: One core of a server looks at some 20 million in a second; a page that waits for seconds is not looked at.
MOST = 20e6
VALUES = {
    "kind": ["change", "periodic"],
    "outcome": [str(result) for result in Result],
    "state": [state.name for state in GroupState],
    "result": [str(result) for result in Commit],
    "event": ["assigned", "revoked", "lost"],
    "topic": ["events"],
    "partition": ["0", "1", "2", "3"],
    "version": ["1"],
    "python": ["3"],
    "kafka_python": ["3"],
    "httpx": ["0"],
}
SETS = {
    "ocs_bridge_records_skipped_total": Skip,
    "ocs_bridge_records_quarantined_total": Invalid,
    "ocs_bridge_records_returned_total": Return,
    "ocs_bridge_ticks_dropped_total": Drop,
}


def label_sets(metric: Metric) -> list[dict[str, str]]:
    """Every label set that an instance has of it."""
    if metric.name == "ocs_bridge_posts_failed_total":
        pairs = [(str(o), str(r)) for o, reasons in REASONS.items() if o is not Result.DELIVERED for r in reasons]
        return [{"kind": k, "outcome": o, "reason": r} for k in VALUES["kind"] for o, r in pairs]
    reasons = [str(value) for value in SETS.get(metric.name, ["lease"])]
    values = [reasons if label == "reason" else VALUES[label] for label in metric.labels]
    made = [dict(zip(metric.labels, chosen, strict=True)) for chosen in itertools.product(*values)]
    if metric.type is not Type.HISTOGRAM:
        return made
    return [{**labels, "le": le} for labels in made for le in [*(f"{bound:g}" for bound in metric.buckets), "+Inf"]]


def lines(instances: int, groups: int, end: int) -> Iterator[str]:
    """The exposition, a family after the other."""
    dice = random.Random(1)
    for metric in CATALOGUE:
        name = metric.name if metric.type is not Type.HISTOGRAM else f"{metric.name}_bucket"
        kind = "counter" if metric.type is Type.COUNTER else "gauge"
        yield f"# TYPE {metric.name.removesuffix('_total')} {kind}\n"
        of_groups = metric.labels[:1] == ("<metrics.labels>",)
        sets = group_sets(metric, groups) if of_groups else label_sets(metric)
        begin, every = (end - 3600, GROUPS_EVERY) if of_groups else (end - HOURS * 3600, EVERY)
        yield from samples(name, kind, instances, sets, range(begin, end, every), dice)
    for name in ("up", *PROCESS, "scrape_duration_seconds", "scrape_samples_scraped"):
        kind = "counter" if name.endswith("_total") else "gauge"
        yield f"# TYPE {name.removesuffix('_total')} {kind}\n"
        yield from samples(name, kind, instances, [{}], range(end - HOURS * 3600, end, EVERY), dice)
    yield "# EOF\n"


def group_sets(metric: Metric, groups: int) -> list[dict[str, str]]:
    lists = ["new leads", "callbacks"] if "calling_list" in metric.labels else [""]
    return [{"campaign_group": f"Campaign {n}", **({"calling_list": one} if one else {})} for n in range(groups) for one in lists]  # fmt: skip


def samples(
    name: str, kind: str, instances: int, sets: list[dict[str, str]], times: range, dice: random.Random
) -> Iterator[str]:
    """`up` is 1, counters grow, the rest walks."""
    for instance in range(instances):
        target = f'namespace="ns",job="ocs-bridge",instance="pod-{instance}:9464",pod="pod-{instance}"'
        for labels in sets:
            own = "".join(f',{label}="{value}"' for label, value in labels.items())
            if "campaign_group" in labels:
                own += f',tenant="Tenant {instance % TENANTS}"'
                own = own.replace('campaign_group="', f'campaign_group="{instance}: ')
            head, value = f"{name}{{{target}{own}}}", dice.random() * 10
            for at in times:
                value = 1 if name == "up" else value + dice.random() * (5 if kind == "counter" else 0.1)
                yield f"{head} {value:.2f} {at}\n"


def data(instances: int, groups: int, end: int) -> None:
    """Prometheus' blocks."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with (FOLDER / "series.om").open("w", buffering=1 << 20) as file:
        file.writelines(lines(instances, groups, end))
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet"]
    processes.run([*command, str(FOLDER / "series.om"), str(FOLDER / "tsdb")], check=True, stdout=subprocess.DEVNULL)
    (FOLDER / "series.om").unlink()


class Cost(NamedTuple):
    samples: int
    seconds: float
    name: str


def cost(prometheus: Prometheus, asked: Asked, tenant: str, end: int) -> Cost:
    """Seconds of a run after another: a dashboard that is looked at refreshes."""
    of_groups = "gsw_" in asked.expr
    last = end - 60
    begin = last if asked.instant else last - 3600 if of_groups else last - HOURS * 3600
    expr = filled_in(asked.expr, {"tenant": tenant}, "2m", max(last - begin, 60))
    # What is the same at every step ("@ end()") is looked at once, but counted at every step.
    changing, *once = expr.split("\nand ")
    step = max((last - begin) / asked.points, EVERY)
    samples = prometheus.samples(changing, begin, last, step)
    samples += sum(prometheus.samples(part, last, last, step) for part in once)
    began = time.monotonic()
    prometheus.samples(expr, begin, last, step)
    return Cost(samples, time.monotonic() - began, f"{asked}{' (all tenants)' if of_groups and tenant == '.*' else ''}")


def measured(end: int) -> list[Cost]:
    """Most samples first."""
    port = free_port()
    (FOLDER / "prometheus.yaml").write_text("global: {}\n")
    command = ["prometheus", f"--config.file={FOLDER}/prometheus.yaml", f"--storage.tsdb.path={FOLDER}/tsdb"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=10y"]
    process = processes.start(command, stderr=subprocess.DEVNULL)
    try:
        prometheus = Prometheus(f"http://127.0.0.1:{port}")
        prometheus.wait_ready()
        every = (asked for path in FILES for asked in queries(document(path)))
        chosen = (
            (asked, tenant) for asked in every for tenant in (["Tenant 3", ".*"] if "gsw_" in asked.expr else [".*"])
        )
        found = [cost(prometheus, asked, tenant, end) for asked, tenant in chosen]
        prometheus.close()
    finally:
        process.terminate()
        process.wait(20)
    return sorted(found, reverse=True)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="dashboards.cost")
    parser.add_argument("--instances", type=int, default=20)
    parser.add_argument("--groups", type=int, default=500, help="of each instance")
    parser.add_argument("--again", action="store_true", help="ask the data of the last run")
    options = parser.parse_args(arguments)
    stamp = FOLDER / "end"
    if not options.again:
        end = int(time.time()) // 7200 * 7200  # the end of a block
        data(options.instances, options.groups, end)
        stamp.write_text(str(end))
    found = measured(int(stamp.read_text()))
    for one in found[:25]:
        print(f"{one.samples / 1e6:8.2f} million samples {one.seconds:7.3f} s  {one.name}")
    print(f"{sum(one.samples for one in found) / 1e6:8.2f} million in all {len(found)} queries")
    return int(any(one.samples > MOST for one in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
