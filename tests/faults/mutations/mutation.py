"""Mutations: small changes that break one rule of the bridge each, so that the tests which guard it must fail.

A file of this folder is a head, an empty line, and a diff without line numbers, as other edits move lines about:

    breaks: what the bridge does wrong with it
    invariant: 3
    case: tests/core/test_ledger.py::test_it        (a test that must fail; more may follow)
    says: what is in the failure of that test       (its assertion's, not a traceback's)

    --- bridge/core/ledger.py
     a line that stays
    -a line that goes
    +a line that comes
    @@                                              (parts two places of one file)

What stays and goes at a place must be in the file exactly once.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

FOLDER = Path(__file__).parent
SUFFIX = ".diff"

#: The invariants of the design, and what holds beside them, by the word that stands in a head.
INVARIANTS = {
    "1": "one attempt",
    "2": "order",
    "3": "ledger",
    "4": "checkpoint",
    "5": "lease",
    "6": "identity",
    "7": "bounded",
    "8": "one clock",
    "at_most_once": "covered first",
    "periodic": "no slot twice",
}


class NotApplicable(Exception):
    """A mutation does not fit the tree: it is to be written anew."""


class Case(msgspec.Struct, frozen=True):
    """A test that must fail: its pytest id, and what its assertion says then."""

    test: str
    says: str


class Place(msgspec.Struct, frozen=True):
    """Text of a file, and what replaces it."""

    path: str
    old: str
    new: str


class Mutation(msgspec.Struct, frozen=True):
    """One file of the folder."""

    name: str
    breaks: str
    invariant: str
    cases: list[Case]
    places: list[Place]

    def apply(self, root: Path) -> dict[Path, str]:
        """Change the tree at `root`; the texts that were there before, by file. NotApplicable: it is as it was."""
        before: dict[Path, str] = {}
        after: dict[Path, str] = {}
        for place in self.places:
            path = root / place.path
            if path not in before:
                before[path] = after[path] = path.read_text() if path.exists() else ""
            if (found := f"\n{after[path]}".count(f"\n{place.old}")) != 1:
                raise NotApplicable(f"mend {self.name}{SUFFIX}: found {found} times in {place.path}:\n{place.old}")
            after[path] = f"\n{after[path]}".replace(f"\n{place.old}", f"\n{place.new}")[1:]
        for path, text in after.items():
            write(path, text)
        return before


def write(path: Path, text: str) -> None:
    """Write a module, so that Python compiles it anew though size and second may be the same."""
    path.write_text(text)
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        compiled.unlink()


def mutations() -> list[Mutation]:
    """All of the folder, by invariant and name."""
    found = [parse(path.stem, path.read_text()) for path in FOLDER.glob(f"*{SUFFIX}")]
    order = list(INVARIANTS)
    return sorted(found, key=lambda one: (order.index(one.invariant), one.name))


def parse(name: str, text: str) -> Mutation:
    """Raises ValueError where the text is not as described above."""
    head, _, body = text.partition("\n\n")
    said: dict[str, list[str]] = {}
    for line in head.splitlines():
        word, _, value = line.partition(": ")
        said.setdefault(word, []).append(value)
    if said.keys() != {"breaks", "invariant", "case", "says"} or said["invariant"][0] not in INVARIANTS:
        raise ValueError(f"{name}: a head has breaks, invariant (one of {', '.join(INVARIANTS)}), case and says")
    cases = [Case(test, says) for test, says in zip(said["case"], said["says"], strict=True)]
    places = list(_places(name, body))
    if not places:
        raise ValueError(f"{name}: changes nothing")
    return Mutation(name, said["breaks"][0], said["invariant"][0], cases, places)


def _places(name: str, body: str) -> Iterator[Place]:
    path, old, new = "", "", ""
    for line in [*body.splitlines(), "@@"]:
        if line == "@@" or line.startswith("--- "):
            if old:
                yield Place(path, old, new)
            path, old, new = line[4:] or path, "", ""
        elif line[:1] in (" ", "-", "+"):
            old += "" if line[0] == "+" else f"{line[1:]}\n"
            new += "" if line[0] == "-" else f"{line[1:]}\n"
        else:
            raise ValueError(f"{name}: {line!r} begins with none of blank, - and +")
