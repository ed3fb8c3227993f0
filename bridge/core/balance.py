"""Which member of the group has which partition numbers: the topics of a number together, evenly, moving what must.

1. All partitions of a number that one member can have go to one member: a *bundle*. Only where no member subscribes to
   all topics of a number are there several bundles of it, and then never two of them at one member.
2. The members' loads, counted in bundles, are as even as the subscriptions allow: with equal subscriptions they
   differ by one at most. Partitions decide between choices that are equal in that; nothing moves for them alone.
3. What has an owner moves only to even out the loads. Once moved, it stays: the same rules find nothing more to do.

A bundle moves along a path of members, from the most loaded one that has such a path to one with two bundles fewer.
Where no path is left, nothing is more even (an optimal semi-matching: Harvey, Ladner, Lovász, Tamir 2003). What has no
owner is placed like that first, with the owned in their places; so after a move there is nothing left to even out.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec

from bridge.core.record import Partition

Members = tuple[str, ...]
Topics = tuple[str, ...]
Step = tuple[str, Members, str]  # a bundle that these may have, from one of them to another


class Bundle(msgspec.Struct, frozen=True, order=True):
    """Partitions of a number. `able`: the members, in order, that subscribe to all these topics."""

    number: int
    topics: Topics
    able: Members

    def partitions(self) -> list[Partition]:
        """What the member gets who gets the bundle."""
        return [Partition(topic, self.number) for topic in self.topics]


def bundles(existing: Mapping[str, Collection[int]], subscriptions: Mapping[str, Collection[str]]) -> list[Bundle]:
    """The bundles of all partitions that somebody subscribes to.

    `existing`: the partition numbers of each topic; `subscriptions`: the topics of each member.
    """
    topics_of: dict[int, list[str]] = defaultdict(list)
    for topic in sorted(existing):
        for number in existing[topic]:
            topics_of[number].append(topic)
    cuts: dict[Topics, list[tuple[Topics, Members]]] = {}
    found = []
    for number, topics in sorted(topics_of.items()):
        alike = tuple(topics)
        if alike not in cuts:
            cuts[alike] = list(_cut(alike, subscriptions))
        found += [Bundle(number, together, able) for together, able in cuts[alike]]
    return found


def _cut(topics: Topics, subscriptions: Mapping[str, Collection[str]]) -> Iterator[tuple[Topics, Members]]:
    """Cut the topics of a number into what one member can have, the most first; with each piece who can have it.

    What is cut depends on the subscriptions alone, not on who has what: so it is the same in the next round.
    """
    rest = topics
    while rest:
        reach = {member: tuple(t for t in rest if t in told) for member, told in subscriptions.items()}
        most = min(reach.values(), key=lambda some: (-len(some), some), default=())
        if not most:
            return  # nobody subscribes to what is left
        yield most, tuple(sorted(member for member, some in reach.items() if some == most))
        rest = tuple(topic for topic in rest if topic not in most)


def balance(wanted: Iterable[Bundle], owners: Mapping[Bundle, str], members: Iterable[str]) -> dict[Bundle, str]:
    """The member of each bundle. `owners`: of those that have one already, who is able to have it."""
    placing = _Placing(owners, members)
    fresh = [bundle for bundle in wanted if bundle not in owners]
    for bundle in fresh:  # by number: the heavy ones come first, and the light ones even out what is left
        placing.put(bundle, min(bundle.able, key=placing.load))
    placing.even_out(fresh)
    placing.even_out(list(placing.of))
    return placing.of


class _Placing:
    """Bundles at members. A move of what is at its owner costs something."""

    def __init__(self, owners: Mapping[Bundle, str], members: Iterable[str]) -> None:
        self.of: dict[Bundle, str] = {}
        self._owners = owners
        self._bundles = dict.fromkeys(sorted(members), 0)  # how many each has
        self._partitions = dict.fromkeys(self._bundles, 0)
        for bundle, owner in owners.items():
            self.put(bundle, owner)

    def load(self, member: str) -> tuple[int, int, str]:
        """What the members are ordered by."""
        return self._bundles[member], self._partitions[member], member

    def put(self, bundle: Bundle, member: str) -> None:
        """The bundle is this member's from now on."""
        before = self.of.get(bundle)
        if before is not None:
            self._bundles[before] -= 1
            self._partitions[before] -= len(bundle.topics)
        self.of[bundle] = member
        self._bundles[member] += 1
        self._partitions[member] += len(bundle.topics)

    def even_out(self, bundles: Iterable[Bundle]) -> None:
        """Move these until the loads cannot be more even."""
        movable = _Movable()
        for bundle in sorted(bundles, key=lambda b: (not self._costs(b), b.number)):
            movable.add(bundle, self.of[bundle])
        while path := self._path(movable):
            for giver, able, taker in path:
                bundle = min(movable.next(giver, able), key=lambda b: self._cost(b, giver, taker))
                movable.remove(bundle, giver)
                movable.add(bundle, taker)
                self.put(bundle, taker)

    def _costs(self, bundle: Bundle) -> bool:
        return self._owners.get(bundle) == self.of[bundle]

    def _cost(self, bundle: Bundle, giver: str, taker: str) -> tuple[bool, int]:
        uneven = abs(self._partitions[giver] - self._partitions[taker] - 2 * len(bundle.topics))
        return self._costs(bundle), uneven

    def _path(self, movable: "_Movable") -> list[Step]:
        """Steps, the last first, that end at a member with two bundles fewer than the first; none: all is even."""
        for start in sorted(movable.at, key=self.load, reverse=True):
            came = movable.reach(start)
            end = min(came, key=self.load)
            if self._bundles[end] <= self._bundles[start] - 2:
                return list(_back(end, came))
        return []


class _Movable:
    """The bundles that may move, at each member by who may have them, then by topics; the next to move at the end."""

    def __init__(self) -> None:
        self.at: dict[str, dict[Members, dict[Topics, list[Bundle]]]] = {}

    def add(self, bundle: Bundle, member: str) -> None:
        self.at.setdefault(member, {}).setdefault(bundle.able, {}).setdefault(bundle.topics, []).append(bundle)

    def remove(self, bundle: Bundle, member: str) -> None:
        """One of `next`."""
        alike = self.at[member][bundle.able]
        alike[bundle.topics].pop()
        if not alike[bundle.topics]:
            del alike[bundle.topics]
        if not alike:
            del self.at[member][bundle.able]

    def next(self, member: str, able: Members) -> list[Bundle]:
        """Of each kind the one to move first."""
        return [some[-1] for some in self.at[member][able].values()]

    def reach(self, start: str) -> dict[str, Step | None]:
        """The members that a bundle of `start` can move to, maybe by way of others, with the last step to each."""
        came: dict[str, Step | None] = {start: None}
        seen: set[Members] = set()
        queue = [start]
        for member in queue:
            for able in [able for able in self.at.get(member, {}) if able not in seen]:
                seen.add(able)
                new = [other for other in able if other not in came]
                came.update((other, (member, able, other)) for other in new)
                queue.extend(new)
        return came


def _back(end: str, came: Mapping[str, Step | None]) -> Iterator[Step]:
    step = came[end]
    while step is not None:
        yield step
        step = came[step[0]]
