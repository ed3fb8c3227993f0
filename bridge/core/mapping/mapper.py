"""From a record to an event with its place: which profile, which campaign group, which names."""

from collections.abc import Callable, Mapping

import msgspec

from bridge.core.arrival import Arrival
from bridge.core.directory import Directory
from bridge.core.event import Event
from bridge.core.group import Names, names_of
from bridge.core.identity import group_key
from bridge.core.outcome import InvalidEvent, Skip
from bridge.core.profile import Profile
from bridge.core.reading import Found, read_record
from bridge.core.record import Record
from bridge.core.route import Route
from bridge.core.stamp import Stamp

#: What the directory says over the event, so that all profiles agree on a group's key …
IDS = ("campaign_group_guid", "campaign_group_dbid")
#: … and what it fills in for the key where the event says nothing.
TENANT = ("tenant_name", "tenant_ccid")


#: What becomes of one of several events of a record.
Part = Arrival | Skip | InvalidEvent


class Mapper:
    """Maps records by the route of their topic.

    `max_future_ms`, `max_past_ms`: how far an event's time may be ahead of its record's, and behind it (0: as far as it likes).
    `now_ms`: the time of events that neither say when they occurred nor stand in a record with a timestamp.
    """

    def __init__(
        self,
        default: Route,
        by_topic: Mapping[str, Route],
        *,
        max_future_ms: int,
        max_past_ms: int = 0,
        now_ms: Callable[[], int] = lambda: 0,
        directory: Directory | None = None,
    ) -> None:
        self.directory = directory  # replaced as a whole when its file changes
        self.replaced_times = 0
        self._default = default
        self._by_topic = dict(by_topic)
        self._max_future_ms = max_future_ms
        self._max_past_ms = max_past_ms
        self._now_ms = now_ms

    def current_directory(self) -> Directory | None:
        """The one in force."""
        return self.directory

    def profile(self, topic: str) -> Profile:
        """What reads the records of a topic."""
        return self._by_topic.get(topic, self._default).profile

    def read(self, record: Record, *, fresh: bool = True) -> Arrival | Skip | list[Part]:
        """The event in a record; a list where its profile takes several from one. Raises InvalidEvent."""
        route = self._by_topic.get(record.partition.topic, self._default)
        profile = route.profile
        found = read_record(record, profile.opening, profile.rules)
        if isinstance(found, Event):  # asked first, as to be one's very class is what is found out soonest
            return self._arrival(record, found, route, fresh=fresh)
        if isinstance(found, Skip):
            return found
        return [self._part(number, record, one, route, fresh=fresh) for number, one in enumerate(found)]

    def arrivals(self, record: Record, *, fresh: bool = True) -> list[Arrival]:
        """The events in a record, those of them that are valid. Raises InvalidEvent of the record as a whole."""
        found = self.read(record, fresh=fresh)
        parts = found if isinstance(found, list) else [found]
        return [part for part in parts if isinstance(part, Arrival)]

    def _part(self, number: int, record: Record, found: Found, route: Route, *, fresh: bool) -> Part:
        if not isinstance(found, Event):
            return found
        try:
            arrival = self._arrival(record, found, route, fresh=fresh)
        except InvalidEvent as error:
            return error
        arrival.number = arrival.stamp.part = number
        return arrival

    def _arrival(self, record: Record, event: Event, route: Route, *, fresh: bool) -> Arrival:
        row = None
        if self.directory is not None:
            event, row = _look_up(self.directory, event)
        stamp = Stamp(self._time(event, record), record.partition, record.offset)
        key = group_key(event, route.profile.key)
        return Arrival(record, key, event, stamp, route.policy, row, fresh=fresh)

    def _time(self, event: Event, record: Record) -> int:
        """The event's time, or the record's where the event's lies too far from it. Now, where neither has one."""
        time_ms, recorded_ms = event.time_ms, record.timestamp_ms
        if recorded_ms < 0:
            return time_ms if time_ms >= 0 else self._now_ms()
        ahead = time_ms - recorded_ms
        if ahead > self._max_future_ms or (self._max_past_ms and -ahead > self._max_past_ms):
            self.replaced_times += 1
            return recorded_ms
        return time_ms


def _look_up(directory: Directory, event: Event) -> tuple[Event, Names | None]:
    """The event with the ids that the directory gives its group, so that all profiles agree on the group's key."""
    row = directory.resolve(event)
    if row is None:
        return event, None
    ids = {name: text for name in IDS if (text := getattr(row, name)) is not None}
    tenant = {name: getattr(row, name) for name in TENANT if getattr(event, name) is None}
    return msgspec.structs.replace(event, **ids, **tenant), names_of(row)
