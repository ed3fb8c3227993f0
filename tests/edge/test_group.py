"""The assignor, the watchdog, and what the answers to commits mean; without a broker."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition, errors
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.structs import MemberState

from bridge.core.outcome import Commit
from bridge.core.record import Partition
from bridge.edge.assignor import Assignor
from bridge.edge.group import Listener, Watchdog
from bridge.edge.offsets import judged

PARTITIONS = [TopicPartition("t", 0), TopicPartition("t", 1)]
CLUSTER = SimpleNamespace(topics=lambda: {"t"}, partitions_for_topic=lambda _topic: {0, 1})


def claims(assignor: Any) -> Any:
    """What a member with this assignor tells the leader when it joins."""
    return assignor.metadata({"t"})


def given_while_owned(live: Any, stale: Any) -> set[int]:
    """Partitions that the leader gives to the stale member at once, although the live one has both."""
    members = [SimpleNamespace(member_id=name, metadata=claims(m)) for name, m in (("a", live), ("b", stale))]
    assignment = live.assign(CLUSTER, members)["b"]
    return {number for _topic, numbers in assignment.assigned_partitions for number in numbers}


def owning(assignor: Any) -> Any:
    assignor.member_assignment = PARTITIONS
    return assignor


def test_after_a_loss_the_stock_assignor_claims_what_it_lost_and_the_leader_makes_two_owners() -> None:
    assert given_while_owned(owning(CooperativeStickyAssignor()), owning(CooperativeStickyAssignor()))


def test_after_a_loss_our_assignor_claims_nothing_and_waits_until_the_owner_has_let_go() -> None:
    class Owner:
        told: frozenset[Partition] = frozenset()

        def lost(self, partitions: frozenset[Partition]) -> None:
            self.told = partitions

    async def lose(assignor: Assignor, owner: Any) -> None:
        consumer: Any = None
        listener = Listener(consumer, assignor, owner, asyncio.get_running_loop(), errors.append)
        await listener.on_partitions_lost(set(PARTITIONS))
        await asyncio.sleep(0)

    errors: list[BaseException] = []
    stale, owner = owning(Assignor()), Owner()
    asyncio.run(lose(stale, owner))
    assert errors == []
    assert claims(stale).owned_partitions == []
    assert given_while_owned(owning(Assignor()), stale) == set()
    assert owner.told == {Partition("t", 0), Partition("t", 1)}


def test_a_defect_in_a_revoke_is_told_and_does_not_keep_the_partitions_from_their_next_owner() -> None:
    class Owner:
        async def revoked(self, _partitions: frozenset[Partition]) -> None:
            raise ZeroDivisionError

    async def revoke() -> None:
        told = asyncio.Event()

        def failed(error: BaseException) -> None:
            errors.append(error)
            told.set()

        consumer: Any = SimpleNamespace(commit_async=lambda _offsets: None)
        owner: Any = Owner()
        waiting = Listener(consumer, Assignor(), owner, asyncio.get_running_loop(), failed).on_partitions_revoked(
            set(PARTITIONS)
        )
        waiting.send(None)  # as kafka-python's loop does, until the owner has let go
        await told.wait()
        with pytest.raises(StopIteration):
            waiting.send(None)

    errors: list[BaseException] = []
    asyncio.run(asyncio.wait_for(revoke(), 5))
    assert [type(error) for error in errors] == [ZeroDivisionError]


class Member:
    """Enough of a consumer for the watchdog."""

    state = MemberState.UNJOINED

    def group_metadata(self) -> SimpleNamespace:
        return SimpleNamespace(state=self.state)


def test_a_member_out_of_its_group_for_longer_than_the_patience_is_stuck() -> None:
    member, now = Member(), 100.0
    watchdog = Watchdog(member, 10, lambda: now)
    now = 110.0
    assert not watchdog.stuck()
    now = 110.1
    assert watchdog.stuck()
    assert not watchdog.stable


@pytest.mark.parametrize("state", [MemberState.UNJOINED, MemberState.REBALANCING])
def test_the_patience_begins_anew_whenever_the_member_was_stable(state: MemberState) -> None:
    member, now = Member(), 0.0
    watchdog = Watchdog(member, 10, lambda: now)
    for now in (9.0, 18.0, 27.0):  # noqa: B007 (the watchdog's clock)
        member.state = MemberState.STABLE
        assert not watchdog.stuck()
        member.state = state
        assert not watchdog.stuck()
    now = 36.0
    assert not watchdog.stuck()
    now = 37.1
    assert watchdog.stuck()


@pytest.mark.parametrize(
    ("value", "result"),
    [
        (None, Commit.DONE),
        ("coordinator-1", Commit.RETRIABLE),  # the look-up's answer, not the commit's
        (True, Commit.RETRIABLE),
        (errors.NodeNotReadyError("coordinator"), Commit.RETRIABLE),
        (errors.KafkaConnectionError("away"), Commit.RETRIABLE),
        (errors.KafkaTimeoutError("late"), Commit.RETRIABLE),
        (errors.NotCoordinatorError(), Commit.RETRIABLE),
        (errors.RebalanceInProgressError(), Commit.RETRIABLE),
        (errors.CommitFailedError(errors.IllegalGenerationError()), Commit.LOST),
        (errors.FencedInstanceIdError(), Commit.LOST),
        (errors.OffsetMetadataTooLargeError(), Commit.REFUSED),
        (errors.GroupAuthorizationFailedError(), Commit.REFUSED),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_a_commit_is_done_only_if_its_answer_is_none(value: object, result: Commit) -> None:
    found, text = judged(value)
    assert found is result
    assert (text == "") is (result is Commit.DONE)
