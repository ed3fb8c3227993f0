"""How often a campaign group is told of, and whether at all: what goes over what."""

import json
from collections.abc import Iterable

import pytest
from campaigns import LENIENT, record

from bridge.core.arrival import Arrival
from bridge.core.campaign_group import CampaignGroup
from bridge.core.directory import Directory, parse_directory
from bridge.core.event import NAMES
from bridge.core.group import names_of
from bridge.core.mapping.mapper import Mapper
from bridge.core.profile import compile_profile
from bridge.core.route import Route
from bridge.core.switches import Switches
from bridge.core.vocabulary import GroupState
from bridge.profiles import preset_text

KEY = "Environment/K5J0"


def group(state: GroupState | None = GroupState.Running, **fields: object) -> CampaignGroup:
    names = {"tenant_name": "Environment", "campaign_group_guid": "K5J0", "campaign_group_dbid": "101"}
    one = CampaignGroup(KEY, 0, names=tuple(names.get(name) for name in NAMES), state=state)
    for name, value in fields.items():
        setattr(one, name, value)
    return one


class Current:
    """A directory that can be replaced, as the mapper's is."""

    def __init__(self, text: str | None = None) -> None:
        self.now: Directory | None = None if text is None else parse_directory(text, "groups.csv")

    def __call__(self) -> Directory | None:
        return self.now


def switches(
    rows: str | Current | None = None,
    *,
    interval: float = 10.0,
    intervals: dict[str, float] | None = None,
    disabled: Iterable[str] = (),
) -> Switches:
    directory = rows if isinstance(rows, Current) else Current(rows)
    return Switches(
        interval=interval,
        intervals=intervals or {},
        disabled=list(disabled),
        periodic_states=[4, 5],
        directory=directory,
    )


ROW = "campaign_group_guid,notification_interval,notifications_enabled\nK5J0,3,\n"
ROW_OFF = "campaign_group_guid,notification_interval,notifications_enabled\nK5J0,,no\n"
ROW_ON = ROW_OFF.replace(",,no", ",,yes")


@pytest.mark.parametrize(
    ("given", "said", "expected"),
    [
        (switches(), None, 10),
        (switches(intervals={KEY: 7}), None, 7),
        (switches(intervals={"Environment/OTHER": 7}), None, 10),
        (switches(ROW, intervals={KEY: 7}), None, 3),
        (switches(ROW_ON, intervals={KEY: 7}), None, 7),
        (switches(ROW, intervals={KEY: 7}), 2.5, 2.5),
        (switches(intervals={KEY: 0}), None, 0),
        (switches(interval=0), None, 0),
        (switches(interval=0, intervals={KEY: 7}), None, 7),
        (switches(ROW.replace(",3,", ",0,")), None, 0),
        (switches(ROW, intervals={KEY: 7}), 0.0, 0),
    ],
    ids=[
        *("all", "by-key", "other-key", "row", "silent-row", "event", "key-none", "all-none", "key-over-none"),
        *("row-none", "event-none"),
    ],
)
def test_the_most_specific_interval_counts_and_none_is_one_too(
    given: Switches, said: float | None, expected: float
) -> None:
    assert given.interval(group(interval=said)) == expected


@pytest.mark.parametrize(
    ("given", "said", "expected"),
    [
        (switches(), None, True),
        (switches(disabled=[KEY]), None, False),
        (switches(disabled=["Environment/OTHER"]), None, True),
        (switches(ROW_ON, disabled=[KEY]), None, True),
        (switches(ROW_OFF), None, False),
        (switches(ROW, disabled=[KEY]), None, False),
        (switches(ROW_ON), False, False),
        (switches(ROW_OFF, disabled=[KEY]), True, True),
    ],
    ids=["all", "by-key", "other-key", "row-on", "row-off", "silent-row", "event-off", "event-on"],
)
def test_the_most_specific_switch_counts_and_without_notifications_none_are_periodic(
    given: Switches, said: bool | None, expected: bool
) -> None:
    one = group(enabled=said, interval=2.0)
    assert given.enabled(one) is expected
    assert given.interval(one) == (2.0 if expected else 0)


@pytest.mark.parametrize("state", [None, *GroupState])
def test_only_in_the_states_of_the_setting_is_a_group_told_of_periodically(state: GroupState | None) -> None:
    one = group(state, interval=2.0)
    assert switches().interval(one) == (2.0 if state in {GroupState.Active, GroupState.Running} else 0)
    assert switches().enabled(one), "its changes are told in any state"


def test_a_dormant_group_is_not_told_of_periodically() -> None:
    assert switches().interval(group(dormant=True, interval=2.0)) == 0


def test_a_new_directory_holds_at_once_and_none_says_nothing() -> None:
    current = Current()
    given = switches(current)
    one = group()
    assert given.interval(one) == 10
    current.now = parse_directory(ROW, "groups.csv")
    assert given.interval(one) == 3
    current.now = parse_directory(ROW_OFF, "groups.csv")
    assert (given.interval(one), given.enabled(one)) == (0, False)
    current.now = None
    assert given.interval(one) == 10


def test_a_group_that_a_profile_knows_by_an_id_of_its_own_is_found_under_the_one_that_its_events_were_given() -> None:
    rows = "match,campaign_group_guid,notification_interval\nours,K5J0,3\n"
    current = Current(rows)
    profile = compile_profile(preset_text("generic"), "generic.yaml")
    mapper = Mapper(Route(profile, LENIENT), {}, max_future_ms=0, directory=current.now)
    value = {"kind": "change", "state": "Running", "campaign_group_guid": "ours"}
    arrival = mapper.read(record(value=json.dumps(value).encode()))
    assert isinstance(arrival, Arrival)
    one = CampaignGroup(arrival.key, 0, names=names_of(arrival.event), state=arrival.event.state)
    assert one.key == "K5J0"
    assert switches(current).interval(one) == 3
