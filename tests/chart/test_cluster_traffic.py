"""Events flow while pods of the chart are replaced, drained, killed and scaled: nothing is lost, repeated or out of order.

Run by `make cluster`. Only in the home-made cluster are processes killed, and logs and memory looked at: its nodes are this machine.
"""

import itertools
import json
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from chart.cluster import LOGS, SELECTOR, PodBroker, Release, kubectl, release, values_for, wait_gone
from chart.pod_memory import MIB, PodMemory
from chart.release import Object, over
from faults.harness.commits import commits_of
from faults.harness.history import Attempt, Excuse, History, Mode
from faults.harness.oracle import judge
from faults.harness.recorder import Recorder
from faults.harness.workload import Workload
from kafka_topics import committed
from loopback import wait_until
from support import processes

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]
PARTITIONS = 6
#: In the tests' values; the chart's own is twice as much.
LIMIT = 256 * MIB


class Traffic:
    """A release of three pods, and events that flow to it. Each phase is done while they do."""

    def __init__(self, made: Release, broker: PodBroker, receiver: Recorder, workload: Workload, kafka: Object) -> None:
        self.made = made
        self.excuses: list[Excuse] = []
        self._receiver = receiver
        self._before = receiver.arrived
        self._broker = broker
        self._workload = workload
        self._kafka = kafka
        self._marks: list[tuple[str, float]] = []

    def begin(self) -> None:
        self.helm("install")
        self._workload.start(rate=100)
        wait_until(lambda: self._receiver.arrived >= self._before + 200, timeout=60, what="events flow")
        self.mark("begin")

    def helm(self, command: str, *values: str) -> None:
        changes = [word for value in values for word in ("--set", value)]
        self.made.helm("helm4", command, "", "--wait", "--timeout", "180s", *changes)

    @property
    def grace(self) -> int:
        """Seconds that the manifests give a pod to end."""
        workload = (self.made.objects("deployments") + self.made.objects("statefulsets"))[0]
        return int(workload["spec"]["template"]["spec"]["terminationGracePeriodSeconds"])

    def mark(self, phase: str) -> None:
        """What was done since the last mark."""
        self._marks.append((phase, time.time()))

    def wait_rolled(self) -> None:
        for item in self.made.objects("deployments") + self.made.objects("statefulsets"):
            name = f"{item['kind'].lower()}/{item['metadata']['name']}"
            self.made.kubectl("rollout", "status", name, "--timeout=120s")

    def end(self) -> History:
        """Wait until everything is committed, uninstall, and tell what happened."""
        self._workload.stop()
        ends: dict[int, int] = {}
        for event in self._workload.produced:
            ends[event.place.number] = max(event.offset + 1, ends.get(event.place.number, 0))

        def done() -> bool:
            time.sleep(0.5)
            known = committed(self._broker.bootstrap, self._kafka["group_id"], self._kafka["topics"])
            return all(number in known and known[number].offset >= end for number, end in ends.items())

        wait_until(done, timeout=120, what="everything produced is committed")
        seconds = self.grace + 20
        self.made.helm("helm4", "uninstall", "", "--wait")
        wait_gone(self.made, timeout=seconds)
        return History(
            mode=Mode.AT_LEAST_ONCE,
            produced=list(self._workload.produced),
            attempts=list(self._receiver.attempts())[self._before :],
            commits=commits_of(self._broker.bootstrap, self._kafka["group_id"]),
            excuses=self.excuses,
        )

    def tell(self, history: History, repeated: int) -> None:
        """The longest pause of a campaign group, in each phase; and what was repeated."""
        pauses = [
            (later.at - sooner.at, (later.at + sooner.at) / 2)  # of two phases it belongs to that of its middle
            for arrivals in by_group(history).values()
            for sooner, later in itertools.pairwise(arrivals)
        ]
        print(f"\nevents: {len(history.produced)}, POSTs: {len(history.attempts)}, repeated: {repeated}")
        for (_, since), (name, until) in itertools.pairwise(self._marks):
            within = [pause for pause, at in pauses if since <= at < until]
            print(f"  {name}: {until - since:.0f} s, longest pause of a campaign group {max(within):.1f} s")


def by_group(history: History) -> dict[str, list[Attempt]]:
    """POSTs of each campaign group, in order of arrival."""
    found: dict[str, list[Attempt]] = {}
    for attempt in sorted(history.attempts, key=lambda one: one.at):
        found.setdefault(attempt.group, []).append(attempt)
    return found


@contextmanager
def traffic(broker: PodBroker, receiver: Recorder, folder: Path, values: Object, **kafka: object) -> Iterator[Traffic]:
    """Of three pods with these values, judged at the end."""
    given = over(values_for(broker, receiver, auto_offset_reset="earliest", **kafka), {"replicaCount": 3, **values})
    settings = given["config"]["kafka"]
    with ExitStack() as stack:
        made = stack.enter_context(release(folder, given))
        workload = Workload(broker.bootstrap, settings["topics"], partitions=PARTITIONS, groups=60)
        run = Traffic(made, broker, receiver, stack.enter_context(workload), settings)
        memory = stack.enter_context(PodMemory(LIMIT))
        run.begin()
        grace = run.grace
        yield run
        history = run.end()
        verdict = judge(history)
        run.tell(history, len(verdict.repeated))
        print(f"  {memory.told()}")
        assert verdict.bad == []
        assert len(by_group(history)) == 60
        if LOGS:
            assert memory.samples > 100
            assert memory.hits == 0, "a pod was at its memory limit"
            check_ends(made, {excuse.member for excuse in run.excuses}, grace)


def test_nothing_is_lost_while_pods_roll_are_drained_killed_and_scaled(
    pod_broker: PodBroker, receiver: Recorder, tmp_path: Path
) -> None:
    with traffic(pod_broker, receiver, tmp_path, {}, session_timeout=15) as run:
        run.helm("upgrade", "rolloutToken=2")
        run.mark("rolling upgrade of 3")
        drain(run)
        run.mark("node drained")
        if LOGS:
            kill(run)
            run.mark("pod killed")
        for replicas in (5, 2):
            run.helm("upgrade", "rolloutToken=2", f"replicaCount={replicas}")
            run.mark(f"scaled to {replicas}")


def test_static_members_keep_their_partitions_while_they_roll_and_are_killed(
    pod_broker: PodBroker, receiver: Recorder, tmp_path: Path
) -> None:
    """Each partition waits for its own pod: no campaign group is ever told of by another."""
    since = receiver.arrived
    with traffic(pod_broker, receiver, tmp_path, {"workload": {"kind": "StatefulSet"}}) as run:
        run.helm("upgrade", "rolloutToken=2")
        run.mark("rolling upgrade of 3 static members")
        if LOGS:
            kill(run)
            run.mark("static member killed")
    if LOGS:
        tell_absences(run.made)
    members: dict[str, set[str]] = {}
    for attempt in list(receiver.attempts())[since:]:
        members.setdefault(attempt.group, set()).add(attempt.member)
    assert {len(names) for names in members.values()} == {1}
    assert len({name for names in members.values() for name in names}) == 3


def drain(run: Traffic) -> None:
    """Empty the node of the first pod, and let it be used again."""
    node = run.made.pods()[0]["spec"]["nodeName"]
    options = ("--ignore-daemonsets", "--delete-emptydir-data", f"--pod-selector={SELECTOR}", "--timeout=180s")
    kubectl("drain", node, *options, timeout=200)
    assert all(pod["spec"]["nodeName"] != node for pod in run.made.pods())
    kubectl("uncordon", node)
    run.wait_rolled()


def kill(run: Traffic) -> None:
    """SIGKILL to a bridge's process, as an out-of-memory kill does. Its pod starts it again."""
    pod = run.made.pods()[0]
    podman = ["podman", *os.environ["STORAGE"].split()]
    name = f"kubelab-{pod['metadata']['uid'][:8]}-bridge-0"
    at = time.time()
    processes.run([*podman, "kill", "--signal", "KILL", name], check=True, capture_output=True, timeout=30)
    uid = pod["metadata"]["uid"]
    wait_until(lambda: restarts(run.made, uid) > 0, timeout=60, what="the killed container is started again")
    run.excuses.append(Excuse(str(pod["metadata"]["name"]), "kill -9", at, time.time()))
    run.wait_rolled()


def restarts(made: Release, uid: str) -> int:
    pod = next(pod for pod in made.pods() if pod["metadata"]["uid"] == uid)
    return int(pod["status"]["containerStatuses"][0]["restartCount"])


def check_ends(made: Release, killed: set[str], grace: int) -> None:
    """By their logs: every bridge but a killed one drained and ended by itself, in the time it has, without a traceback."""
    all_starts = 0
    stops: list[float] = []
    for log in logs_of(made):
        assert "Traceback" not in log.read_text(), log
        lines = lines_of(log)
        asked, ended = ([at for at, event in lines if event == name] for name in ("stopping", "stopped"))
        starts = sum(event == "started" for _, event in lines)
        assert len(ended) == starts - (log.name.split("_")[1] in killed), (log, starts, ended)
        stops += [end - begin for begin, end in zip(asked, ended, strict=True)]
        all_starts += starts
    assert all_starts >= 7, "three, each replaced, and one killed"
    print(f"  {len(stops)} stops by SIGTERM took {max(stops):.1f} s at most, of {grace} s that pods are given")
    assert max(stops) < grace


def tell_absences(made: Release) -> None:
    """How long pods that came back under their name were away. Of a killed one's end there is no line."""
    away, starting = [], []
    for log in logs_of(made):
        lines = lines_of(log)
        for number in range(1, len(lines)):
            at, event = lines[number]
            if event == "started":
                away += [at - lines[number - 1][0]] if lines[number - 1][1] == "stopped" else []
                starting.append(next(later for later, what in lines[number:] if what == "partitions_assigned") - at)
    print(f"  away between two processes: {min(away):.1f} to {max(away):.1f} s; from the start to the partitions: {min(starting):.1f} to {max(starting):.1f} s")  # fmt: skip


def logs_of(made: Release) -> list[Path]:
    return sorted(Path(LOGS).glob(f"{made.namespace}_*_bridge.log"))


def lines_of(log: Path) -> list[tuple[float, str]]:
    """(Seconds since the epoch, event) of each line."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [(datetime.fromisoformat(line["timestamp"]).timestamp(), line["event"]) for line in lines]
