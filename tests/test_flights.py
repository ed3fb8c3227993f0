"""What is out of the bridge's hands: counted, waited for, and cut."""

import asyncio

from virtual_time import now, run, turns

from bridge.core.intake import Intake
from bridge.core.ledger import Ledger
from bridge.core.record import Partition
from bridge.core.share import Share
from bridge.flights import Flights


def intake(number: int = 0) -> Intake:
    return Intake(Partition("events", number), Ledger(0), Share(10, 1000))


class Sender:
    """Posts for a partition until it is told to end, or cut."""

    def __init__(self, flights: Flights, of: Intake) -> None:
        self.ends = asyncio.Event()
        self.cut = False
        self.task = asyncio.create_task(self._post(flights, of))

    async def _post(self, flights: Flights, of: Intake) -> None:
        flights.begin(self.task, of)
        try:
            await self.ends.wait()
        except asyncio.CancelledError:
            self.cut = True
        flights.end(self.task)


def test_landed_waits_for_the_posts_of_these_partitions_and_no_others() -> None:
    async def scenario() -> None:
        began = now()
        flights, leaving, other = Flights(), intake(0), intake(1)
        posts = [Sender(flights, leaving), Sender(flights, leaving), Sender(flights, other)]
        await turns()
        assert (len(flights), leaving.out, other.out) == (3, 2, 1)
        landed = asyncio.create_task(flights.landed([leaving], 60))
        for post in posts[:2]:
            await turns()
            assert not landed.done()
            post.ends.set()
        assert await landed
        assert now() == began
        assert (len(flights), leaving.out, other.out) == (1, 0, 1)
        posts[2].ends.set()
        await posts[2].task

    run(scenario())


def test_a_record_on_its_way_to_quarantine_is_waited_for_as_well() -> None:
    async def scenario() -> None:
        flights, leaving = Flights(), intake()
        leaving.out += 1
        landed = asyncio.create_task(flights.landed([leaving], 60))
        await turns()
        flights.wake()  # something of another partition
        await turns()
        assert not landed.done()
        leaving.out -= 1
        flights.wake()
        assert await landed

    run(scenario())


def test_landed_gives_up_after_its_seconds_and_is_at_once_where_nothing_is_out() -> None:
    async def scenario() -> None:
        flights, leaving = Flights(), intake()
        post = Sender(flights, leaving)
        await turns()
        began = now()
        assert await flights.landed([intake(1)], 7)
        assert now() == began
        assert not await flights.landed([leaving], 7)
        assert now() == began + 7
        post.ends.set()  # nobody waits any more
        await post.task
        assert await flights.landed([leaving], 7)

    run(scenario())


def test_several_may_wait_at_the_same_time() -> None:
    async def scenario() -> None:
        flights, leaving, other = Flights(), intake(0), intake(1)
        posts = [Sender(flights, leaving), Sender(flights, other)]
        await turns()
        waits = [asyncio.create_task(flights.landed(of, 60)) for of in ([leaving], [other], [leaving, other])]
        await turns()
        posts[1].ends.set()
        await turns()
        assert [wait.done() for wait in waits] == [False, True, False]
        posts[0].ends.set()
        assert await asyncio.gather(*waits) == [True, True, True]

    run(scenario())


def test_cut_ends_the_posts_of_these_partitions_and_no_others() -> None:
    async def scenario() -> None:
        flights, leaving, other = Flights(), intake(0), intake(1)
        posts = [Sender(flights, of) for of in (leaving, other, leaving)]
        await turns()
        assert flights.cut([leaving, intake(0)]) == 2
        await flights.landed([leaving], 1)
        assert [post.cut for post in posts] == [True, False, True]
        assert len(flights) == 1
        assert flights.cut([leaving]) == 0
        posts[1].ends.set()
        await posts[1].task

    run(scenario())
