"""What the lanes carry."""

from bridge.core.arrival import Arrival
from bridge.core.intake import Intake
from bridge.core.outcome import Invalid
from bridge.core.schedule import Due
from bridge.core.tally import Done, Fate


class Several:
    """The events of one record that holds several: it is done once all `left` are, and ends as the weightiest of them did.

    `begun`: one of them went out, to be posted or quarantined, so that the others are not handed back while it can be helped.
    `aside`: the record is quarantined for one of them. `covered`: as that of an Item. `returned`: it is handed back undone.
    """

    __slots__ = ("_fate", "aside", "begun", "covered", "left", "returned")

    def __init__(self, left: int) -> None:
        self.left = left
        self.begun = False
        self.aside = False
        self.covered = False
        self.returned = False
        self._fate: Fate | None = None

    def begin(self, intake: Intake) -> None:
        """One of them goes out."""
        intake.parts_out += 1
        if not self.begun:
            self.begun = True
            intake.begun += 1

    def ended(self, fate: Fate) -> Fate | None:
        """One of them is done; what became of the record, if that was the last."""
        if self._fate is None or _weight(fate) > _weight(self._fate):
            self._fate = fate
        self.left -= 1
        return self._fate if self.left == 0 and not self.returned else None

    def let_go(self, intake: Intake) -> None:
        """The record is done, or handed back."""
        intake.begun -= self.begun

    def hand_back(self, intake: Intake) -> bool:
        """One of them is handed back, and so the record is; whether that is news."""
        if self.returned:
            return False
        self.returned = True
        self.let_go(intake)
        return True


def _weight(fate: Fate) -> int:
    if isinstance(fate, Invalid):
        return 3
    return 2 if fate is Done.POSTED else 1 if fate is Done.ABSORBED else 0


class Item:
    """An arrival in its lane, with the partition it must be settled in.

    `posts`: it makes a notification, unless it turns out to be invalid. `covered` (at_most_once): a confirmed checkpoint
    says that its POST may have begun. `several`: the events of its record, if it is not the only one.
    """

    __slots__ = ("arrival", "covered", "intake", "posts", "several")

    def __init__(
        self, intake: Intake, arrival: Arrival, *, posts: bool = False, several: Several | None = None
    ) -> None:
        self.intake = intake
        self.arrival = arrival
        self.posts = posts
        self.covered = False
        self.several = several


class Tick:
    """A periodic notification in its group's lane, with a partition of the number that the group lives in."""

    __slots__ = ("due", "intake")

    def __init__(self, intake: Intake, due: Due) -> None:
        self.intake = intake
        self.due = due


Work = Item | Tick
