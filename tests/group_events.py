"""Records of the generic profile that carry a sequence number, and what order and number they come out in."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from edge.receivers import Receiver


def change(guid: str, number: int, **fields: object) -> str:
    """A change of a campaign group; the number comes out as GSW_QUEUE_NAME."""
    names = dict.fromkeys(("tenant_name", "group_name", "campaign_name", "campaign_template_name"), "x")
    said = {"kind": "change", **names, "campaign_group_name": guid, "campaign_group_dbid": "1", "tenant_ccid": "c"}
    told = {"campaign_group_guid": guid, "queue_name": str(number), "state": "Running", "action": "StartDialing"}
    return json.dumps({**said, **told, **fields})


def changes(count: int, groups: int, first: int = 0) -> list[tuple[str, str]]:
    """(key, value) of `count` changes, each group's numbered upwards."""
    return [(f"G{n % groups}", change(f"G{n % groups}", n)) for n in range(first, first + count)]


def numbers(notifications: Iterable[Mapping[str, Any]]) -> dict[str, list[int]]:
    """Sequence numbers by group, in order of arrival."""
    found: dict[str, list[int]] = {}
    for notification in notifications:
        found.setdefault(notification["GSW_CAMPAIGN_GROUP_GUID"], []).append(int(notification["GSW_QUEUE_NAME"]))
    return found


def bodies(receiver: Receiver) -> list[dict[str, Any]]:
    """What has arrived, in order of arrival."""
    return [json.loads(request.body) for request in receiver.requests if request.complete]


def assert_each_once_in_order(notifications: list[dict[str, Any]], count: int, first: int = 0) -> None:
    """All of `changes(count, …, first)` have come, none twice, each group's in order."""
    found = numbers(notifications)
    times = Counter(n for sequence in found.values() for n in sequence)
    missing = set(range(first, first + count)) - times.keys()
    twice = {n for n, seen in times.items() if seen > 1}
    assert not missing, f"{len(missing)} missing, such as {sorted(missing)[:5]}"
    assert not twice, f"{len(twice)} came twice, such as {sorted(twice)[:5]}"
    assert len(times) == count
    assert all(sequence == sorted(sequence) for sequence in found.values())
