"""docs/state.md tells the format as it is."""

import json
import re
from pathlib import Path

import msgspec

from bridge.core.event import NAMES
from bridge.core.saved import MAX_BYTES, VERSION, load, save
from bridge.core.saved_format import At, Group

PAGE = (Path(__file__).parents[2] / "docs/state.md").read_text()
EXAMPLE = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0]


def test_the_table_has_every_field_of_the_record_in_its_order() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == list(Group.__struct_fields__)


def test_the_example_is_a_record_that_is_written_again_as_it_stands() -> None:
    group = load(b"Environment/Sales", EXAMPLE.encode(), 3)

    assert json.loads(save(group)) == json.loads(EXAMPLE)
    assert list(json.loads(EXAMPLE)) == list(json.loads(save(group)))
    assert set(json.loads(EXAMPLE)["names"]) < set(NAMES)


def test_an_event_is_told_as_it_is_written() -> None:
    assert list(At.__struct_fields__) == ["ms", "topic", "partition", "offset"]
    assert "`[its time, topic, partition, offset]`" in PAGE


def test_version_and_limit_are_those_of_the_code() -> None:
    assert f"version of the format: {VERSION} |" in PAGE
    assert f"at most {MAX_BYTES // 1024} KiB" in PAGE


def test_a_line_of_an_export_is_as_the_page_says() -> None:
    from bridge.commands.state import Line

    line = re.search(r'A line is `(\{"partition".*?\})`', PAGE)
    assert line
    said = msgspec.json.decode(line[1].replace("{the record}", '{"v": 1}').encode(), type=Line)
    assert (said.partition, said.key) == (3, "Environment/Sales")
