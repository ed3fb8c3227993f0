"""The cases' fixtures, and the one table at the end.

Without `-m faults`, only the cases marked `faults_ci` run (and the tests of the harness itself); `make faults` runs all.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from faults.harness import table
from faults.harness.case import Case, LeaveOut, MakeCase
from faults.harness.history import Mode
from kafka_broker import KafkaBroker

from bridge.settings import DeliverySettings

RUN = time.strftime("%Y%m%d-%H%M%S")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    ours = [item for item in items if here in item.path.parents and item.get_closest_marker("faults")]
    for item in ours:
        if "mode" in getattr(item, "fixturenames", ()) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(240))
        item.add_marker("long")
    if not config.option.markexpr:
        left_out = [item for item in ours if not _in_ci(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _in_ci(item: pytest.Item) -> bool:
    """Marked `faults_ci`, or `faults_ci(modes)` and in one of these modes: all of it takes less than four minutes."""
    mark = item.get_closest_marker("faults_ci")
    params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return mark is not None and (not mark.args or params.get("mode") in mark.args)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    rows = table.rows(RUN)
    if rows:
        terminalreporter.write_sep("=", f"faults: {len(rows)} cases")
        text = "\n".join([*table.markdown(rows), "", *table.markdown(table.summary(rows), table.SUMMARY)])
        terminalreporter.write_line(text)
        if config.option.markexpr == "faults" and not config.option.keyword:  # all of them: `make faults`
            table.PAGE.write_text(f"{text}\n", encoding="utf-8")


@pytest.fixture(params=list(Mode), ids=[mode.value for mode in Mode])
def mode(request: pytest.FixtureRequest) -> Mode:
    """Each promise the bridge can make."""
    chosen: Mode = request.param
    if chosen is not Mode.AT_LEAST_ONCE and "mode" not in DeliverySettings.model_fields:
        pytest.skip("the bridge has no delivery.mode yet")
    return chosen


@pytest.fixture
def leave_out() -> LeaveOut:
    """Say in the table that a case can't be run here, and why; skips the test."""

    def leave(name: str, why: str) -> None:
        table.keep(RUN, {"case": name, "verdict": f"left out: {why}"})
        pytest.skip(why)

    return leave


@pytest.fixture
def make_case(tmp_path: Path, broker: KafkaBroker) -> Iterator[MakeCase]:
    """A case on the broker that all share."""
    yield from _cases(tmp_path, broker)


@pytest.fixture
def make_case_on(tmp_path: Path) -> Iterator[MakeCase]:
    """A case on a broker whose address is the second argument."""
    yield from _cases(tmp_path, None)


@pytest.fixture
def make_own_case(tmp_path: Path, own_broker: KafkaBroker) -> Iterator[MakeCase]:
    """A case on a broker of its own, which it may kill or freeze."""
    yield from _cases(tmp_path, own_broker)


def _cases(folder: Path, broker: KafkaBroker | None) -> Iterator[MakeCase]:
    with ExitStack() as stack:

        def make(name: str, kafka: str = "", **options: Any) -> Case:
            address = kafka or (broker.bootstrap if broker else "")
            return stack.enter_context(Case(name, address, folder, lambda row: table.keep(RUN, row), **options))

        yield make
