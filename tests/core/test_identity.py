"""Which campaign group an event belongs to, and the id that a receiver recognises a repetition by."""

import pytest
from campaigns import LENIENT, change, record
from hypothesis import given
from hypothesis import strategies as st
from values import changed

from bridge.core.arrival import Arrival
from bridge.core.identity import arrival_id, event_id, group_key
from bridge.core.outcome import Invalid, InvalidEvent
from bridge.core.record import Partition, Record, names
from bridge.core.schedule import Due
from bridge.core.stamp import Stamp

TEXTS = st.none() | st.text(alphabet="a/%25F2", max_size=6)


def test_a_key_is_the_id_or_the_tenant_and_the_id() -> None:
    event = change(tenant_name="Environment", campaign_group_guid="K5J0", campaign_group_dbid="101")
    assert group_key(event, ("campaign_group_guid",)) == "K5J0"
    assert group_key(event, ("tenant_name", "campaign_group_dbid")) == "Environment/101"


def test_a_tenant_may_be_missing_but_no_id() -> None:
    event = change(campaign_group_dbid="101")
    assert group_key(event, ("tenant_name", "campaign_group_dbid")) == "/101"
    with pytest.raises(InvalidEvent) as refused:
        group_key(event, ("tenant_name", "campaign_group_guid"))
    assert (refused.value.reason, refused.value.field) == (Invalid.MISSING_FIELD, "campaign_group_guid")


@pytest.mark.parametrize(
    ("text", "key"), [("a/b", "a%2Fb"), ("a%2Fb", "a%252Fb"), ("100%", "100%25"), ("Spring@East", "Spring@East")]
)
def test_a_slash_inside_a_name_cannot_be_taken_for_the_separator(text: str, key: str) -> None:
    assert group_key(change(campaign_group_name=text), ("campaign_group_name",)) == key


@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_no_two_groups_share_a_key(a: str | None, b: str | None, c: str | None, d: str | None) -> None:
    fields = ("tenant_name", "campaign_group_guid")
    first = change(tenant_name=a, campaign_group_guid=b or "")
    second = change(tenant_name=c, campaign_group_guid=d or "")
    same = (a or "", b or "") == (c or "", d or "")
    assert (group_key(first, fields) == group_key(second, fields)) is same


def test_an_event_id_names_cluster_topic_partition_offset_and_timestamp() -> None:
    one = Record(Partition("events", 3), 42, 1_544_659_952_123, b"k", b"{}")
    assert event_id("lkc-1", one) == "lkc-1/events/3/42/1544659952123"


def test_the_id_is_the_same_for_the_same_record_and_another_for_any_other() -> None:
    one = record(7, timestamp_ms=5)
    ids = {
        event_id(cluster, found)
        for cluster in ("a", "b")
        for found in (
            one,
            changed(one, value=b"other", key=b"k", headers=(("a", b"b"),)),
            changed(one, offset=8),
            changed(one, timestamp_ms=6),
            changed(one, partition=Partition("events", 1)),
            changed(one, partition=Partition("more", 0)),
        )
    }
    assert len(ids) == 2 * 5


def test_the_id_of_a_slot_is_its_group_encoded_for_a_header_and_the_time_it_begins() -> None:
    assert event_id("cluster", Due("Env/Gr\u00fcn", 1_000, 2_000, 1_000)) == "cluster/Env/Gr%C3%BCn/1000"


def test_partitions_are_named_in_order() -> None:
    assert names([Partition("b", 1), Partition("a", 10), Partition("a", 2)]) == ["a-10", "a-2", "b-1"]


def test_an_events_own_id_fits_a_header_whatever_it_is() -> None:
    def of(said: str | None, number: int = -1) -> str:
        given = record(7, timestamp_ms=5)
        stamp = Stamp(5, given.partition, 7)
        arrival = Arrival(given, "K", change(event_id=said), stamp, LENIENT, None, fresh=True)
        arrival.number = number
        return arrival_id("lkc-1", arrival)

    assert of(None) == "lkc-1/events/0/7/5"
    assert of(None, 2) == "lkc-1/events/0/7/5/2"
    assert of("/x#1") == "/x%231"
    assert of("a\r\nb: c", 0) == "a%0D%0Ab%3A%20c/0"
    long, longer = of("ü" * 1023), of("ü" * 1024)
    assert len(long) == len(longer) == 64
    assert long != longer
