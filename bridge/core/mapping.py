"""From a record to an event with its place: which profile, which campaign group, which names."""

from collections.abc import Mapping

import msgspec

from bridge.core.arrival import Arrival
from bridge.core.directory import Directory
from bridge.core.event import Event
from bridge.core.group import Names, names_of
from bridge.core.identity import group_key
from bridge.core.outcome import Skip
from bridge.core.profile import Profile
from bridge.core.reading import read_event
from bridge.core.record import Record
from bridge.core.route import Route
from bridge.core.stamp import Stamp

#: What the directory says over the event, so that all profiles agree on a group's key …
IDS = ("campaign_group_guid", "campaign_group_dbid")
#: … and what it fills in for the key where the event says nothing.
TENANT = ("tenant_name", "tenant_ccid")


class Mapper:
    """Maps records by the route of their topic. `max_future_ms`: how far an event's time may be ahead of its record's."""

    def __init__(
        self, default: Route, by_topic: Mapping[str, Route], *, max_future_ms: int, directory: Directory | None = None
    ) -> None:
        self.directory = directory  # replaced as a whole when its file changes
        self.replaced_times = 0
        self._default = default
        self._by_topic = dict(by_topic)
        self._max_future_ms = max_future_ms

    def current_directory(self) -> Directory | None:
        """The one in force."""
        return self.directory

    def profile(self, topic: str) -> Profile:
        """What reads the records of a topic."""
        return self._by_topic.get(topic, self._default).profile

    def read(self, record: Record, *, fresh: bool = True) -> Arrival | Skip:
        """The event in a record. Raises InvalidEvent."""
        route = self._by_topic.get(record.partition.topic, self._default)
        profile = route.profile
        event = read_event(record, profile.envelopes, profile.rules)
        if not isinstance(event, Event):  # asked so, as to be one's very class is what is found out soonest
            return event
        row = None
        if self.directory is not None:
            event, row = _look_up(self.directory, event)
        stamp = Stamp(self._time(event, record), record.partition, record.offset)
        return Arrival(record, group_key(event, profile.key), event, stamp, route.policy, row, fresh=fresh)

    def _time(self, event: Event, record: Record) -> int:
        """The event's time, or the record's where the event claims to come from the future."""
        if 0 <= record.timestamp_ms < event.time_ms - self._max_future_ms:
            self.replaced_times += 1
            return record.timestamp_ms
        return event.time_ms


def _look_up(directory: Directory, event: Event) -> tuple[Event, Names | None]:
    """The event with the ids that the directory gives its group, so that all profiles agree on the group's key."""
    row = directory.resolve(event)
    if row is None:
        return event, None
    ids = {name: text for name in IDS if (text := getattr(row, name)) is not None}
    tenant = {name: getattr(row, name) for name in TENANT if getattr(event, name) is None}
    return msgspec.structs.replace(event, **ids, **tenant), names_of(row)
