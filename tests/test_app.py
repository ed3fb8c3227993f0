"""The bridge as it is put together: what a scrape shows before anything has happened."""

import asyncio
from typing import Literal

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bridge.app import build, mapper
from bridge.connections import KafkaSettings
from bridge.edge.restoring import Progress
from bridge.edge.state_topic import StateTopic
from bridge.settings import NotificationSettings, Settings, StateSettings


def scraped(store: Literal["kafka", "memory"] = "kafka") -> dict[tuple[str, str], float]:
    """Values by metric and topic, of a bridge that is not started; nothing answers at its broker's address."""

    async def scenario() -> str:
        settings = Settings(
            kafka=KafkaSettings(bootstrap_servers=["127.0.0.1:1"], topics=["states", "statistics"]),
            notifications=NotificationSettings(url="http://127.0.0.1:1"),
            state=StateSettings(store=store),
        )
        parts = build(settings, mapper(settings.mapping, None), lambda _: None)
        _, text = await parts.admin._metrics("")
        await parts.committer.close()
        return text.decode()

    families = text_string_to_metric_families(asyncio.run(scenario()))
    return {(s.name, s.labels.get("topic", "")): s.value for family in families for s in family.samples}


def test_each_topic_has_its_count_of_records_from_the_start() -> None:
    found = scraped()
    counts = {topic: n for (name, topic), n in found.items() if name == "ocs_bridge_records_consumed_total"}
    assert counts == {"states": 0, "statistics": 0}


@pytest.mark.parametrize(("store", "expected"), [("kafka", [2, 15, 12]), ("memory", [0, 0, 0])])
def test_the_progress_of_restores_is_in_the_metrics(
    store: Literal["kafka", "memory"], expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    under_way = {3: Progress(3, 10), 4: Progress(0, 5)}
    monkeypatch.setattr(StateTopic, "restoring", property(lambda _: under_way))
    found = scraped(store)
    names = ("restoring_partitions", "restoring_offsets", "restoring_offsets_left")
    assert [found[f"ocs_bridge_state_{name}", ""] for name in names] == expected
