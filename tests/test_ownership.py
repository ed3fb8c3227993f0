"""A partition that is revoked and comes back while its start is still looked up."""

import asyncio
from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

from bridge.core.ledger import Checkpoint
from bridge.core.record import Partition
from bridge.core.start import Log
from bridge.core.tally import Tally
from bridge.ownership import Limits, Ownership

PARTITION = Partition("events", 0)


class SlowOffsets:
    """Each look-up waits until the test answers it."""

    def __init__(self) -> None:
        self.asked: list[asyncio.Future[int]] = []

    async def committed(self, topic: str) -> tuple[dict[int, Checkpoint], int]:
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.asked.append(answer)
        return {0: Checkpoint(await answer, "")}, 1

    async def logs(self, partitions: Collection[Partition]) -> dict[Partition, Log]:
        return dict.fromkeys(partitions, Log(0, 1000))


async def turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_start_looked_up_before_a_revoke_is_not_taken_for_the_one_after_it() -> None:
    async def scenario() -> None:
        begun: list[tuple[Partition, int]] = []
        source: Any = SimpleNamespace(cluster_id="c", begin=lambda partition, offset: begun.append((partition, offset)))
        pipeline: Any = SimpleNamespace(
            tally=Tally(),
            release=lambda _intakes: 0,
            flights=SimpleNamespace(landed=lambda _intakes, _seconds: asyncio.sleep(0, result=True)),
            table=SimpleNamespace(drop=lambda _number: None),
        )
        checkpoints: Any = SimpleNamespace(last=lambda _intakes, _seconds: asyncio.sleep(0))
        limits = Limits(drain=1, records=10, bytes=1000, reset="latest")
        offsets = SlowOffsets()
        ownership = Ownership(pipeline, source, offsets, checkpoints, limits, lambda _task: None)

        ownership.assigned(frozenset({PARTITION}))
        await turn()
        await ownership.revoked(frozenset({PARTITION}))
        ownership.assigned(frozenset({PARTITION}))  # another member has posted up to 500 meanwhile
        await turn()
        old, new = offsets.asked
        old.set_result(100)
        await turn()
        assert begun == []
        new.set_result(500)
        await turn()
        assert begun == [(PARTITION, 500)]
        assert ownership.intakes[PARTITION].ledger.watermark == 500

    asyncio.run(scenario())
