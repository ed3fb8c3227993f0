"""A small receiver of notifications, for tries and tests: answers as told, checks what arrives, counts what is odd.

It knows nothing of the bridge, only of HTTP and the notification's format. A duplicate is an event id seen before; a
step back is a notification of a campaign group that is older than the one before it.
"""

import asyncio
import random
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridge.demo.check import problems

EVENT_ID_HEADER = "X-GSW-Event-Id"
#: Event ids and campaign groups that are remembered: enough for a long try, bounded all the same.
MAX_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What each POST gets: `status` after `delay` seconds; a share `fail_rate` of them 503 instead."""

    status: int = 200
    delay: float = 0.0
    fail_rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """A POST that arrived. `at`: seconds since the epoch; `body` is empty if the content is no JSON object."""

    at: float
    event_id: str
    content: bytes
    body: dict[str, object]
    problems: tuple[str, ...]
    duplicate: bool
    step_back: bool
    status: int

    @property
    def key(self) -> str:
        """The campaign group."""
        return str(self.body.get("GSW_CAMPAIGN_GROUP_GUID", ""))

    @property
    def time(self) -> float | None:
        """When the action occurred, seconds since the epoch."""
        try:
            return float(str(self.body.get("GSW_DATE_TIME")))
        except ValueError:
            return None

    @property
    def periodic(self) -> bool:
        """Whether no request caused it: the action 0 of the setting's default."""
        return self.body.get("GSW_CAMPAIGN_GROUP_ACTION") == 0


@dataclass(slots=True)
class Received:
    """Counts since the start. `delays`: seconds from action to arrival of the last changes."""

    notifications: int = 0
    periodic: int = 0
    with_problems: int = 0
    duplicates: int = 0
    steps_back: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    first_at: float | None = None
    delays: deque[float] = field(default_factory=lambda: deque(maxlen=1000))

    def add(self, arrival: Arrival) -> None:
        """Count one."""
        self.first_at = self.first_at or arrival.at
        self.notifications += 1
        self.periodic += arrival.periodic
        self.with_problems += bool(arrival.problems)
        self.duplicates += arrival.duplicate
        self.steps_back += arrival.step_back
        self.answers[arrival.status] += 1
        if not arrival.periodic and arrival.time is not None:
            self.delays.append(arrival.at - arrival.time)

    @property
    def odd(self) -> int:
        """Findings of all kinds."""
        return self.with_problems + self.duplicates + self.steps_back

    def delay(self, share: float) -> float | None:
        """The delay that `share` (0 to 1) of the last changes did not exceed."""
        ordered = sorted(self.delays)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


class Receiver:
    """The receiver as an ASGI application, `app`. `on_arrival` is called once for each POST, before its answer."""

    def __init__(self, answer: Answer = Answer(), on_arrival: Callable[[Arrival], None] = lambda _: None) -> None:
        self.received = Received()
        self._times: OrderedDict[tuple[str, bool], float] = OrderedDict()  # of the last, by group and whether periodic
        self.latest: OrderedDict[str, Arrival] = OrderedDict()  # by campaign group, in order of first arrival
        self.recent: deque[Arrival] = deque(maxlen=50)
        self.app = Starlette(
            routes=[
                Route("/{path:path}", self._post, methods=["POST"]),
                Route("/{path:path}", self._show, methods=["GET"]),
            ]
        )
        self._answer = answer
        self._on_arrival = on_arrival
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._dice = random.Random()  # noqa: S311 (which answers fail: no secret)

    async def _post(self, request: Request) -> Response:
        arrival = self._judge(await request.body(), request.headers.get(EVENT_ID_HEADER, ""))
        self.received.add(arrival)
        self.recent.append(arrival)
        self._on_arrival(arrival)
        if self._answer.delay:
            await asyncio.sleep(self._answer.delay)
        return Response(status_code=arrival.status)

    async def _show(self, _: Request) -> Response:
        counts = self.received
        return JSONResponse(
            {
                "notifications": counts.notifications,
                "periodic": counts.periodic,
                "with_problems": counts.with_problems,
                "duplicates": counts.duplicates,
                "steps_back": counts.steps_back,
                "answers": {str(status): number for status, number in counts.answers.items()},
            }
        )

    def _judge(self, content: bytes, event_id: str) -> Arrival:
        try:
            body = msgspec.json.decode(content)
            found = problems(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            body, found = {}, ("the content is no JSON",)
        arrival = Arrival(
            at=time.time(),
            event_id=event_id,
            content=content,
            body=body if isinstance(body, dict) else {},
            problems=found,
            duplicate=self._seen(event_id),
            step_back=False,
            status=503 if self._dice.random() < self._answer.fail_rate else self._answer.status,
        )
        return self._placed(arrival)

    def _seen(self, event_id: str) -> bool:
        if not event_id:
            return False
        seen = event_id in self._ids
        self._ids[event_id] = None
        if len(self._ids) > MAX_REMEMBERED:
            self._ids.popitem(last=False)
        return seen

    def _placed(self, arrival: Arrival) -> Arrival:
        """The arrival, judged against the last of its campaign group and kind, and now the group's latest.

        Changes tell when they occurred, periodic ones when they were sent: these say nothing of those.
        """
        at, place = arrival.time, (arrival.key, arrival.periodic)
        if at is not None:
            arrival = replace(arrival, step_back=at < self._times.get(place, at))
            self._times[place] = at
        self.latest[arrival.key] = arrival
        for remembered in (self.latest, self._times):
            if len(remembered) > MAX_REMEMBERED:
                remembered.popitem(last=False)
        return arrival
