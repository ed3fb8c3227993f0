"""What the lanes carry."""

from bridge.core.arrival import Arrival
from bridge.core.intake import Intake
from bridge.core.schedule import Due


class Item:
    """An arrival in its lane, with the partition it must be settled in.

    `posts`: it makes a notification, unless it turns out to be invalid. `covered` (at_most_once): a confirmed checkpoint
    says that its POST may have begun.
    """

    __slots__ = ("arrival", "covered", "intake", "posts")

    def __init__(self, intake: Intake, arrival: Arrival, *, posts: bool = False) -> None:
        self.intake = intake
        self.arrival = arrival
        self.posts = posts
        self.covered = False


class Tick:
    """A periodic notification in its group's lane, with a partition of the number that the group lives in."""

    __slots__ = ("due", "intake")

    def __init__(self, intake: Intake, due: Due) -> None:
        self.intake = intake
        self.due = due


Work = Item | Tick
