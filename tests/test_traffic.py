"""The made-up traffic: plausible, repeatable, lively from the first second."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator

import msgspec
import pytest

from bridge.demo.traffic import Message, Traffic

START_MS = 1_800_000_000_000
Fields = dict[str, object]


def written(traffic: Traffic, number: int, step_ms: int = 50) -> list[Message]:
    return [traffic.next(START_MS + step_ms * at) for at in range(number)]


def events(messages: list[Message]) -> Iterator[Fields]:
    for message in messages:
        assert message.value is not None
        yield msgspec.json.decode(message.value, type=Fields)


def good(number: int = 4000, **options: int) -> list[Fields]:
    return list(events(written(Traffic(7, options.get("groups", 8), bad=0), number)))


def statistics_of(event: Fields) -> dict[str, float | None]:
    return msgspec.convert(event.get("statistics", {}), dict[str, float | None])


def test_the_same_seed_writes_the_same_records_and_another_seed_others() -> None:
    assert written(Traffic(3), 500) == written(Traffic(3), 500)
    assert written(Traffic(3), 500) != written(Traffic(4), 500)


def test_it_opens_with_the_load_and_start_of_every_group() -> None:
    opening = list(events(written(Traffic(1, 5), 10)))
    words = {"7": "LoadCampaign", "9": "StartDialing"}
    assert [words.get(str(event["action"]), event["action"]) for event in opening] == [
        "LoadCampaign",
        "StartDialing",
    ] * 5
    assert len({event["campaign_group_guid"] for event in opening}) == 5


def test_every_record_of_a_group_has_its_guid_as_key() -> None:
    messages = written(Traffic(1, bad=0), 1000)
    for message, event in zip(messages, events(messages), strict=True):
        assert message.key.decode() == event["campaign_group_guid"]
        assert len(message.key) == 32
        assert set(message.key.decode()) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


def test_most_records_are_statistics_and_a_tenth_or_less_are_changes() -> None:
    kinds = Counter(event["kind"] for event in good())
    assert set(kinds) == {"statistics", "change"}
    assert 0.05 < kinds["change"] / kinds.total() < 0.2


#: state before -> the (action, state) pairs that may follow.
TURNS = {
    0: {(7, 4)},
    1: {(8, 0)},
    4: {(9, 5), (8, 1), (8, 0)},
    5: {(10, 4), (11, 5)},
}
STATES = {"NotLoaded": 0, "WaitingUnload": 1, "Active": 4, "Running": 5}
ACTIONS = {"LoadCampaign": 7, "UnloadCampaign": 8, "StartDialing": 9, "StopDialing": 10, "SetDialingMode": 11}


def number(words: dict[str, int], value: object) -> int:
    return value if isinstance(value, int) else words[str(value)]


def test_each_group_lives_through_the_whole_cycle_and_never_takes_a_turn_that_does_not_exist() -> None:
    states: dict[object, int] = defaultdict(int)
    taken = set()
    for event in good(20_000):
        if event["kind"] == "change":
            turn = number(ACTIONS, event["action"]), number(STATES, event["state"])
            guid = event["campaign_group_guid"]
            assert turn in TURNS[states[guid]]
            taken.add((states[guid], turn))
            states[guid] = turn[1]
    assert taken == {(state, turn) for state, turns in TURNS.items() for turn in turns}


def test_a_running_group_switches_between_predictive_and_progressive_only() -> None:
    modes: dict[object, object] = {}
    switches = set()
    for event in good(20_000):
        if event["kind"] != "change" or "dial_mode" not in event:
            continue
        mode = event["dial_mode"]
        if number(ACTIONS, event["action"]) == 11 and isinstance(mode, str):
            switches.add((modes[event["campaign_group_guid"]], mode))
        modes[event["campaign_group_guid"]] = mode
    forth = {("Predict", "Progress"), ("PredictAndSeize", "ProgressAndSeize")}
    assert switches == forth | {(after, before) for before, after in forth}


def test_only_a_running_group_names_a_dial_mode_and_only_a_predictive_one_a_goal() -> None:
    for event in good(8000):
        if event["kind"] == "change":
            assert ("dial_mode" in event) == (number(STATES, event["state"]) == 5)
        predictive = event.get("dial_mode") in {"Predict", "PredictAndSeize", 1, 5}
        assert ("optimize_by" in event) == ("optimize_goal" in event) == predictive


def test_statistics_stay_plausible_and_drift_in_small_steps() -> None:
    bounds = {"busy_factor": (0.6, 0.95), "hit_ratio": (0.1, 0.5), "overdial_rate": (0.0, 0.05)}
    last: dict[tuple[object, str], float] = {}
    seen = Counter[str]()
    for event in good(20_000):
        if event["kind"] != "statistics":
            continue
        for name, (low, high) in bounds.items():
            value = statistics_of(event)[name]
            if value is None:
                continue
            before = last.setdefault((event["campaign_group_guid"], name), value)
            seen[name] += before != value
            assert low <= value <= high
            last[event["campaign_group_guid"], name] = value
    assert min(seen[name] for name in bounds) > 1000


def test_the_time_to_complete_falls_with_the_clock_until_the_campaign_ends_by_itself() -> None:
    traffic = Traffic(5, groups=1, changes=0, bad=0)
    left, last = [], None
    for at in range(40_000):
        event = next(events([traffic.next(START_MS + 1000 * at)]))
        if event["kind"] == "statistics":
            left.append(statistics_of(event)["time_to_complete"] or 0)
        elif number(ACTIONS, event["action"]) == 10:
            last = event
            break
    assert last is not None, "the campaign never ended"
    assert last["actor"] == "Unknown"
    assert left[0] > 100
    assert left[-1] < 5
    hundreds = [max(part) for part in itertools.batched(left, 100)] if hasattr(itertools, "batched") else left[::100]
    assert sum(after < before for before, after in itertools.pairwise(hundreds)) >= 0.7 * (len(hundreds) - 1)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.2])
def test_the_share_of_bad_records_is_what_was_asked_for(share: float) -> None:
    bad = 0
    for message in written(Traffic(2, bad=share), 10_000):
        try:
            event = msgspec.json.decode(message.value or b"", type=Fields)
        except msgspec.DecodeError:
            bad += 1
            continue
        hit = statistics_of(event).get("hit_ratio")
        bad += event.get("state") == "Warming up" or "campaign_group_guid" not in event or (hit is not None and hit < 0)
    assert share * 0.8 <= bad / 10_000 <= share * 1.2


def test_names_guids_and_dbids_of_many_groups_are_all_different() -> None:
    opening = list(events(written(Traffic(1, 1000), 2000)))[::2]
    for name in ("campaign_group_name", "campaign_group_guid", "campaign_group_dbid"):
        assert len({event[name] for event in opening}) == 1000
