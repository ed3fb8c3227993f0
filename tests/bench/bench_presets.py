"""CPU of mapping a record, by preset: from its bytes to the event in its lane. Printed, with no mark to pass.

`make bench-parts ARGS=-k presets`.
"""

import time
from collections.abc import Iterator

import pytest
from golden.cases import cases, steps

from bridge.core.group import Policy
from bridge.core.mapping.mapper import Mapper
from bridge.core.outcome import InvalidEvent, Skip
from bridge.core.profile import compile_profile
from bridge.core.record import Record
from bridge.core.route import Route
from bridge.profiles import preset_names, preset_text

ROUNDS, TIMES = 100, 10


def valid(name: str, mapper: Mapper) -> Iterator[Record]:
    """Records of the preset's golden cases that become events."""
    for of, case in cases():
        for step in steps(case) if of == name else ():
            try:
                if not isinstance(mapper.read(step.record), Skip):
                    yield step.record
            except InvalidEvent:
                continue


def micros(mapper: Mapper, records: list[Record]) -> float:
    """Of the cheapest round."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.thread_time()
        for _ in range(TIMES):
            for record in records:
                mapper.read(record)
        best = min(best, (time.thread_time() - began) / TIMES / len(records) * 1e6)
    return best


def test_cpu_of_presets() -> None:
    print("\n| preset | records | bytes | us CPU |\n| --- | --- | --- | --- |")
    for name in preset_names():
        profile = compile_profile(preset_text(name), name)
        mapper = Mapper(Route(profile, Policy({}, "x")), {}, max_future_ms=300_000)
        records = list(valid(name, mapper))
        if not records:
            pytest.fail(f"{name}: no golden case makes an event")
        size = sum(len(record.value or b"") for record in records) / len(records)
        print(f"| {name} | {len(records)} | {size:.0f} | {micros(mapper, records):.1f} |")
