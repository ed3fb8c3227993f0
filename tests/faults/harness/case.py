"""One case: a topic, a group, a producer, a receiver, bridge processes; and in the end the oracle's verdict."""

import itertools
import random
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from edge.receivers import Script
from faults.harness.commits import commits_of
from faults.harness.history import Committed, Excuse, History, Mode, Produced, begun_or_committed
from faults.harness.members import Member, Settings, merged
from faults.harness.oracle import Verdict, judge
from faults.harness.recorder import Recorder
from faults.harness.workload import Workload
from kafka.errors import KafkaError, RetriableError
from kafka_topics import committed, fresh_name, make_topic
from loopback import wait_until

MakeCase = Callable[..., "Case"]
LeaveOut = Callable[[str, str], None]

TOLD = re.compile(r"ocs_bridge_(?!.*_bucket|build|.*_created|.*_seconds)")
PACE = 0.3  # seconds between looks at what is committed


class Case:
    """`kafka`: where the test talks to the broker; `bootstrap`: where bridges do, if elsewhere (a proxy).

    `journal`: bridges log each POST that they begin, for receivers that don't see all of them. `topic`: one that is there.
    """

    def __init__(
        self,
        name: str,
        kafka: str,
        folder: Path,
        keep: Callable[[dict[str, object]], None],
        *,
        mode: Mode = Mode.AT_LEAST_ONCE,
        bootstrap: str | None = None,
        partitions: int = 4,
        groups: int = 40,
        pad: int = 0,
        settings: Settings | None = None,
        receiver: Script | None = None,
        scheme: str = "http",
        journal: bool = False,
        topic_configs: dict[str, str] | None = None,
        topic: str = "",
    ) -> None:
        self.name = name
        self.mode = mode
        self.kafka = kafka
        self.random = random.Random(name)
        self.note = ""
        self.excuses: list[Excuse] = []
        self.lost_by_kafka: set[str] = set()
        self.gaps: int | None = 0
        self.members: list[Member] = []
        self._keep = keep
        self._good = False
        self._early = False
        self.commits: Callable[[], list[Committed]] = lambda: commits_of(self.kafka, self.group)
        self._began = time.monotonic()
        self._folder = folder
        self.topic = topic or make_topic(kafka, fresh_name("faults"), partitions, **(topic_configs or {}))
        self.group = fresh_name("faults-group")
        self.receiver = Recorder(receiver, scheme=scheme)
        self.workload = Workload(kafka, self.topic, partitions=partitions, groups=groups, pad=pad)
        self._settings = merged(self._own(bootstrap or kafka, journal=journal), settings or {})
        self._numbers = itertools.count(1)

    def _own(self, bootstrap: str, *, journal: bool) -> Settings:
        delivery = {} if self.mode is Mode.AT_LEAST_ONCE else {"mode": self.mode.value}
        return {
            "kafka": {"bootstrap_servers": bootstrap, "topics": self.topic, "group_id": self.group},
            "notifications": {"url": self.receiver.url},
            "delivery": delivery,
            "log": {"level": "TRACE" if journal else "INFO"},
        }

    # Members

    def member(self, settings: Settings | None = None, *, command: Sequence[str] = (), **options: Any) -> Member:
        """Start a bridge process; not awaited."""
        name = f"member-{next(self._numbers)}"
        own = {"http": {"user_agent": name}, "kafka": {"client_id": name}}
        made = Member(name, self._folder, merged(self._settings, own, settings or {}), command=command, **options)
        self.members.append(made)
        return made

    def ready(self, count: int = 1, **options: Any) -> list[Member]:
        """Start so many, and wait until they are members."""
        started = [self.member(**options) for _ in range(count)]
        for one in started:
            one.wait_ready()
        return started

    def kill(self, member: Member) -> None:
        """SIGKILL, which excuses what it had begun and not committed."""
        at = time.time()
        self.excuses.append(Excuse(member.name, "kill -9", at, member.kill()))

    @property
    def living(self) -> list[Member]:
        return [member for member in self.members if member.process.poll() is None]

    # Progress

    def wait_arrived(self, count: int, timeout: float = 60) -> None:
        """Until so many POSTs have arrived."""
        wait_until(lambda: self.receiver.arrived >= count, timeout=timeout, what=f"{count} POSTs arrived")

    def wait_done(self, timeout: float = 60) -> None:
        """Until everything that was produced is committed."""
        last = time.monotonic()

        def done() -> bool:
            nonlocal last
            time.sleep(max(0.0, last + PACE - time.monotonic()))
            last = time.monotonic()
            return self.behind() == 0

        wait_until(done, timeout=timeout, what="everything produced is committed")

    def behind(self) -> int:
        """Offsets up to the last event of each partition that are not committed yet."""
        try:
            known = committed(self.kafka, self.group, self.topic)
        except RetriableError:  # Kafka makes its topic of commits for the first group that asks
            known = {}
        return sum(max(0, end - (known[n].offset if n in known else 0)) for n, end in self.ends().items())

    def ends(self) -> dict[int, int]:
        """After the last event, by partition number."""
        ends: dict[int, int] = {}
        for event in self.produced:
            ends[event.place.number] = max(event.offset + 1, ends.get(event.place.number, 0))
        return ends

    # The end

    def finish(self, timeout: float = 60, note: Callable[[], str] | None = None) -> Verdict:
        """Wait until all is done, stop the members in order, judge; the row is kept. AssertionError: not good."""
        self.wait_done(timeout)
        self._stop()
        self.note = note() if note else self.note
        return self.judge()

    def finish_early(self, note: str) -> Verdict:
        """Stop the members in order, whatever is left to do: the verdict is on what was begun or committed."""
        self._stop()
        self._early = True
        self.note = note
        return self.judge()

    def _stop(self) -> None:
        for member in self.living:
            member.scrape()
            assert member.stop() == 0, f"{member.name} did not stop in order"

    def history(self) -> History:
        journals = [attempt for member in self.members for attempt in member.journal()]
        attempts = [*self.receiver.attempts(), *journals]
        commits = self.commits()
        produced = begun_or_committed(self.produced, attempts, commits) if self._early else list(self.produced)
        return History(
            mode=self.mode,
            produced=produced,
            attempts=attempts,
            commits=commits,
            counts=[one for member in self.members for one in member.counts],
            excuses=self.excuses,
            final=frozenset(member.name for member in self.members if member.ended_in_order),
            lost_by_kafka=frozenset(self.lost_by_kafka),
            told_unknown=frozenset(position for member in self.members for position in member.told_unknown()),
            given_up=frozenset(identity for member in self.members for identity in member.given_up()),
            gaps=self.gaps,
        )

    def judge(self) -> Verdict:
        """The verdict on what has happened; its row is kept. AssertionError: it is not good."""
        verdict = judge(self.history())
        self._keep(
            {
                "case": self.name,
                "mode": self.mode.value,
                "events": len(self.workload.produced),
                "lost": len(verdict.lost),
                "repeated": len(verdict.repeated),
                "by a living owner": len(verdict.repeated_by_living_owner),
                "out of order": len(verdict.out_of_order),
                "verdict": "good" if not verdict.bad else "BAD: " + "; ".join(verdict.bad),
                "note": self.note,
                "seconds": round(time.monotonic() - self._began, 1),
            }
        )
        assert verdict.bad == [], "\n".join(verdict.bad)
        self._good = True
        return verdict

    @property
    def produced(self) -> list[Produced]:
        return self.workload.produced

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if not self._good:
                self._tell()
        finally:
            for member in self.members:
                member.kill()
        self.workload.__exit__(None, None, None)
        self.receiver.__exit__(kind, error, trace)

    def _tell(self) -> None:
        """For whoever asks why."""
        with suppress(KafkaError):
            print(
                "--- committed, and where the events end:", committed(self.kafka, self.group, self.topic), self.ends()
            )
        for member in self.members:
            told = [line for line in member.lines() if line["event"] != "notification_sending"]
            print(f"--- {member.output}", *told[-25:], sep="\n")
        for member in self.living:
            with suppress(OSError):
                samples = member.scrape().samples.items()
                print(
                    f"--- {member.name} now",
                    *(f"{n} {dict(o)} {v}" for (n, o), v in samples if v and TOLD.match(n)),
                    sep="\n",
                )
