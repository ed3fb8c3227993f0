"""`make mutations`: breaks the bridge on purpose, rule by rule, and shows that a test finds each.

In a copy of the tree the tests that mutations name are run once as they are: all must pass. Then each mutation is made
in turn, its tests are run, and each must fail by an assertion that says what the mutation expects. One that is not found
makes the exit code 1.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from faults.mutations.mutation import INVARIANTS, Case, Mutation, mutations, write
from support import processes

ROOT = Path(__file__).parents[2]
COPIED = ("bridge", "tests", "pyproject.toml")
CACHE = ROOT / ".cache"
LOGS = CACHE / "mutations"
BROKER = Path(".cache") / "kafka"  # where Maven's answer is kept
WHOLE = 15.0  # minutes for all
ONE = 240.0  # seconds for the tests of one mutation
SLOW = ("tests/faults/", "tests/broker/", "tests/e2e/")  # folders of tests with a broker
FOUND = "found"
HOW = {"failure": "failed", "error": "error", "skipped": "skipped"}  # by what a report has within a test
WIDTH = 100  # characters of what a test said


class Ended(msgspec.Struct, frozen=True):
    """How a test ended: passed, failed, error, skipped or not run. `said`: the lines of its assertion."""

    how: str
    said: list[str]

    def verdict(self, case: Case) -> str:
        """`found`, or what is wrong with the end of a test that must fail."""
        if self.how != "failed":
            return "SURVIVED" if self.how == "passed" else f"NOT JUDGED: {self.how}"
        if not any(re.match(r"(AssertionError|assert |Failed: DID NOT RAISE)", line) for line in self.said):
            return "FAILED OTHERWISE: no assertion"
        return FOUND if any(case.says in line for line in self.said) else f"FAILED OTHERWISE: not by {case.says!r}"


NOT_RUN = Ended("not run", [])


class Row(msgspec.Struct, frozen=True):
    """One case of one mutation in the table."""

    mutation: str
    invariant: str
    case: str
    verdict: str
    said: str


@contextmanager
def copied() -> Iterator[Path]:
    """A copy of what the tests need, as it is now."""
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder:
        tree = Path(folder)
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, tree / name)
        (ROOT / BROKER).mkdir(parents=True, exist_ok=True)
        (tree / BROKER).parent.mkdir()
        (tree / BROKER).symlink_to(ROOT / BROKER)
        yield tree


def tested(tree: Path, tests: Sequence[str], log: Path, seconds: float) -> dict[str, list[Ended]]:
    """Run tests of a tree with its own bridge; how each ended, for all of its parameters if it is named without."""
    report = log.with_suffix(".xml")
    report.unlink(missing_ok=True)
    left_out = ("BRIDGE_", "COVERAGE_", "COV_", "PYTEST_", "PYTHONDONTWRITE")  # compiled once, a run costs a fifth
    environ = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    options = ["-p", "no:cacheprovider", "-m", "faults or not faults", "-o", "timeout=60", f"--junitxml={report}"]
    with log.open("wb") as output:
        process = processes.start(
            [sys.executable, "-m", "pytest", "-q", *options, "-o", "junit_logging=no", *tests],
            cwd=tree,
            env={**environ, "PYTHONPATH": str(tree)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    ended = list(_read(report)) if report.exists() else []
    return {test: _ends(test, ended) for test in tests}


def _read(report: Path) -> Iterator[tuple[str, Ended]]:
    """With its dotted name, each end of each test: one may fail, and then its fixtures too.

    pytest marks the lines of what was raised with an E; those of several together (hypothesis) have a bar.
    """
    for test in ET.parse(report).getroot().iter("testcase"):
        name = f"{test.get('classname')}.{test.get('name')}"
        bad = [part for part in test if part.tag in HOW]
        for part in bad:
            lines = (part.text or "").splitlines()
            told = (re.match(r"(?:E|\s+\|)\s+(.*)", line) for line in lines)
            yield name, Ended(HOW[part.tag], [found[1] for found in told if found])
        if not bad:
            yield name, Ended("passed", [])


def _ends(test: str, ended: Sequence[tuple[str, Ended]]) -> list[Ended]:
    path, bracket, parameters = test.partition("[")
    name = f"{path.replace('.py::', '.').replace('::', '.').replace('/', '.')}{bracket}{parameters}"
    return [one for known, one in ended if known == name or known.startswith(f"{name}[")] or [NOT_RUN]


def healthy(tree: Path, chosen: Sequence[Mutation], seconds: float) -> bool:
    """Whether all the tests pass in the tree as it is."""
    tests = sorted({case.test for mutation in chosen for case in mutation.cases})
    print(f"mutations: {len(tests)} tests without any of {len(chosen)} mutations", flush=True)
    bad = _bad(tested(tree, tests, LOGS / "none.log", seconds))
    if bad:  # on a busy machine one may fail for its times; not twice
        bad = _bad(tested(tree, sorted(bad), LOGS / "none-again.log", seconds / 2))
    for test, one in bad.items():
        print(f"  {one.how}: {test}", *one.said[:1])
    return not bad


def _bad(ended: Mapping[str, Sequence[Ended]]) -> dict[str, Ended]:
    return {test: one for test, found in ended.items() for one in found if one.how != "passed"}


def judged(tree: Path, mutation: Mutation, seconds: float) -> list[Row]:
    """Make the mutation, run its tests, and take it back."""
    before = mutation.apply(tree)
    try:
        ended = tested(tree, [case.test for case in mutation.cases], LOGS / f"{mutation.name}.log", seconds)
    finally:
        for path, text in before.items():
            write(path, text)
    return [row(mutation, case, ended[case.test]) for case in mutation.cases]


def row(mutation: Mutation, case: Case, ended: Sequence[Ended]) -> Row:
    """What is known of a case; of one with many parameters one that found it is enough."""
    best = next((one for one in ended if one.verdict(case) == FOUND), None)
    best = best or next((one for one in ended if one.how != "passed"), ended[0])
    lines = [line for line in best.said if case.says in line] or best.said or [""]
    said = lines[0][:WIDTH].replace("|", "/")
    invariant = f"{mutation.invariant} {INVARIANTS[mutation.invariant]}"
    return Row(mutation.name, invariant, case.test, best.verdict(case), said)


def table(rows: Sequence[Row]) -> str:
    """As Markdown."""
    cells = [("mutation", "invariant", "test", "found", "what it said")]
    cells += [(one.mutation, one.invariant, one.case.rpartition("::")[2], one.verdict, one.said) for one in rows]
    lines = [f"| {' | '.join(line)} |" for line in cells]
    return "\n".join([lines[0], "|---" * len(cells[0]) + "|", *lines[1:]])


def quick(mutation: Mutation) -> Mutation:
    """Without the cases that need a broker."""
    cases = [case for case in mutation.cases if not case.test.startswith(SLOW)]
    return msgspec.structs.replace(mutation, cases=cases)


def run(tree: Path, chosen: Sequence[Mutation], seconds: float) -> list[Row] | None:
    """All of them in turn; None if the tree does not pass the tests as it is."""
    deadline = time.monotonic() + seconds
    if not healthy(tree, chosen, seconds / 2):
        return None
    rows: list[Row] = []
    for number, mutation in enumerate(chosen, 1):
        left = deadline - time.monotonic()
        rows += judged(tree, mutation, max(1.0, min(ONE, left)))
        for one in rows[-len(mutation.cases) :]:
            print(f"  {number:2} {one.verdict:8} {one.mutation}: {one.case.rpartition('::')[2]}", flush=True)
    return rows


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description="Break the bridge rule by rule; each must be found by a test.")
    parser.add_argument(
        "-k", metavar="WORD", nargs="+", default=[""], help="only with one in their name, or of an invariant"
    )
    parser.add_argument("--quick", action="store_true", help="only the tests that need no broker")
    parser.add_argument("--minutes", type=float, default=WHOLE, help="for all of it; what is left is not judged then")
    options = parser.parse_args()
    chosen = [one for one in mutations() if any(word in one.name or word == one.invariant for word in options.k)]
    if options.quick:
        chosen = [one for one in map(quick, chosen) if one.cases]
    LOGS.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with copied() as tree:
        rows = run(tree, chosen, options.minutes * 60)
    if rows is None:
        print(f"mutations: the tests must pass without a mutation first; see {LOGS}/none*.log")
        return 1
    missed = {one.mutation for one in rows if one.verdict != FOUND}
    text = table(rows)
    (CACHE / "mutations-table.md").write_text(f"{text}\n")
    print(text)
    print(f"mutations: {len(chosen) - len(missed)} of {len(chosen)} found in {time.monotonic() - began:.0f} s")
    for name in sorted(missed):
        print(f"mutations: NOT FOUND: {name}; see {LOGS / name}.log")
    return 1 if missed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
