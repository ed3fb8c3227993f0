"""What is written in an afternoon instead of the bridge: kafka-python and httpx, one POST at a time, or 32 in flight.

python -m bench.afternoon one|many     BOOTSTRAP, TOPIC, GROUP and URL are in the environment
"""

import asyncio
import json
import os
import sys
import zlib
from datetime import datetime
from typing import Any

import httpx
from kafka import KafkaConsumer

WORKERS = 32
STATE = {"loaded": 4, "started": 5, "stopped": 4, "mode_changed": 5, "statistics": 5}
ACTION = {"loaded": 7, "started": 9, "stopped": 10, "mode_changed": 11, "statistics": 0}
MODE = {"predictive": 1, "progressive": 2, "preview": 3, "power": 6}
OPTIMIZE = {"busy": 1, "overdial": 2, "wait": 3}


def notification(event: dict[str, Any]) -> dict[str, Any]:
    """The document of an event (tests/bench/workload.py)."""
    group, figures, kind = event["group"], event["figures"], event["event"]
    return {
        "GSW_USER_EVENT": "CampaignGroupState",
        "GSW_DATE_TIME": f"{datetime.fromisoformat(event['at']).timestamp():.3f}",
        "GSW_TENANT_NAME": event["tenant"]["name"],
        "GSW_TENANT_CCID": event["tenant"]["ccid"],
        "GSW_CAMPAIGN_GROUP_NAME": group["name"],
        "GSW_CAMPAIGN_GROUP_GUID": group["guid"],
        "GSW_CAMPAIGN_GROUP_DBID": group["dbid"],
        "GSW_GROUP_NAME": event["agents"],
        "GSW_CAMPAIGN_NAME": event["campaign"],
        "GSW_QUEUE_NAME": event["queue"],
        "GSW_DIAL_MODE": MODE[event["mode"]],
        "GSW_OPTIMIZE_BY": OPTIMIZE[event["optimize"]],
        "GSW_OPTIMIZE_GOAL": event["goal"],
        "GSW_CAMPAIGN_GROUP_STATE": STATE[kind],
        "GSW_CAMPAIGN_GROUP_ACTION": ACTION[kind],
        "GSW_CAMPAIGN_GROUP_ACTOR": 1 if ACTION[kind] else 0,
        "GSW_STAT_BUSY_FACTOR": figures["busy_factor"],
        "GSW_STAT_HIT_RATIO": figures["hit_ratio"],
        "GSW_STAT_OVERDIAL_RATE": figures["overdial_rate"],
        "GSW_STAT_TIME_TO_COMPLETE": figures["seconds_left"],
    }


def consumer() -> KafkaConsumer:
    return KafkaConsumer(
        os.environ["TOPIC"],
        bootstrap_servers=os.environ["BOOTSTRAP"],
        group_id=os.environ["GROUP"],
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )


def one() -> None:
    """One POST at a time."""
    source = consumer()
    with httpx.Client(timeout=5) as client:
        while True:
            for records in source.poll(timeout_ms=500, max_records=500).values():
                for record in records:
                    client.post(os.environ["URL"], json=notification(json.loads(record.value)))
                source.commit()


async def many() -> None:
    """32 in flight; a group's events always go to the same worker."""
    source, loop = consumer(), asyncio.get_running_loop()
    queues: list[asyncio.Queue[Any]] = [asyncio.Queue() for _ in range(WORKERS)]
    async with httpx.AsyncClient(timeout=30) as client:

        async def work(queue: asyncio.Queue[Any]) -> None:
            while True:
                document = await queue.get()
                await client.post(os.environ["URL"], json=document)
                queue.task_done()

        workers = [asyncio.create_task(work(queue)) for queue in queues]
        while not any(worker.done() for worker in workers):
            batch = await loop.run_in_executor(None, lambda: source.poll(timeout_ms=500, max_records=500))
            for record in (record for records in batch.values() for record in records):
                queues[zlib.crc32(record.key) % WORKERS].put_nowait(notification(json.loads(record.value)))
            for queue in queues:
                await queue.join()
            if batch:
                await loop.run_in_executor(None, source.commit)


if __name__ == "__main__":
    one() if sys.argv[1] == "one" else asyncio.run(many())
