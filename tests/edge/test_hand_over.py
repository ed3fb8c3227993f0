"""What the poll thread hands over to a loop that has no time for it."""

import asyncio
import threading

from bridge.core.record import Partition, Record
from bridge.edge.hand_over import HANDED_OVER, HandOver


class Batches:
    """Counts them."""

    count = 0

    def records(self, batch: dict[Partition, list[Record]]) -> None:
        self.count += 1


def test_no_more_than_two_batches_are_on_their_way_to_the_loop() -> None:
    async def scenario() -> None:
        batches = Batches()
        to_loop = HandOver(asyncio.get_running_loop(), threading.Event())
        handed: list[int] = []
        two = threading.Event()

        def hand_over() -> None:
            for number in range(10):
                to_loop.batch({}, batches.records)
                handed.append(number)
                if len(handed) == HANDED_OVER:
                    two.set()

        thread = threading.Thread(target=hand_over)
        thread.start()
        assert two.wait(10)
        thread.join(0.3)  # the loop has no turn meanwhile
        assert len(handed) == HANDED_OVER == 2
        async with asyncio.timeout(10):
            while batches.count < 10:  # noqa: ASYNC110 (each turn takes what was handed over)
                await asyncio.sleep(0)
        thread.join()

    asyncio.run(scenario())
