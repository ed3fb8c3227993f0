"""OCS's own log messages."""

import io
import json
import time

import pytest

from bridge.core.facts import Facts
from bridge.core.vocabulary import Action, Actor, GroupState
from bridge.edge.log import configure, flush
from bridge.edge.metrics import Metrics
from bridge.edge.report import Report

NAMES = (None, None, "Spring@East", "guid", "101", "East", "Spring", None, "7001")


@pytest.mark.parametrize(
    ("periodic", "number", "text"),
    [
        (False, 81000, "Sending HTTP status notification CampaignGroupState for Campaign Group Spring@East to "),
        (
            True,
            81001,
            "Sending periodic HTTP status notification CampaignGroupState for Campaign Group Spring@East to ",
        ),
    ],
)
def test_a_notification_is_logged_with_the_pages_text_and_the_event_id_beside_it(
    periodic: bool, number: int, text: str
) -> None:
    stream = io.StringIO()
    configure("TRACE", "json", stream=stream)
    state, action = GroupState.Active, Action.LoadCampaign
    facts = Facts(periodic, 0, NAMES, state, action, Actor.Unknown, None, None, None, None, ())
    Report("http://user:secret@receiver:80/a?b=c", Metrics(), time.monotonic).sending(facts, "c/events/0/3/1")
    assert flush()
    (line,) = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert (line["level"], line["event"], line["message_id"]) == ("trace", "notification_sending", number)
    assert line["message"] == text + "http://receiver:80/a"
    assert line["event_id"] == "c/events/0/3/1"
