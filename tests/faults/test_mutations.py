"""The mutations: each still fits the tree, names tests that are there, and every invariant has some."""

import ast
import shutil
import sys
from pathlib import Path

import pytest
from faults.mutate import Ended
from faults.mutations.mutation import INVARIANTS, Case, Mutation, NotApplicable, mutations, parse
from support import processes

ROOT = Path(__file__).parents[2]
MUTATIONS = mutations()
HEAD = "breaks: x\ninvariant: 1\ncase: tests/a.py::test_a\nsays: two\n\n"
ON_A_BROKER = ("1", "2", "3", "4", "5")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the bridge."""
    root = tmp_path_factory.mktemp("mutated")
    shutil.copytree(ROOT / "bridge", root / "bridge", ignore=shutil.ignore_patterns("__pycache__"))
    return root


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mutation_fits_the_tree_and_leaves_it_python(mutation: Mutation, tree: Path) -> None:
    before = mutation.apply(tree)
    try:
        for path, text in before.items():
            assert ast.dump(ast.parse(path.read_text())) != ast.dump(ast.parse(text))
    finally:
        for path, text in before.items():
            path.write_text(text)


def test_the_tests_that_mutations_name_are_there() -> None:
    tests = sorted({case.test for mutation in MUTATIONS for case in mutation.cases})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "faults or not faults", *tests]
    done = processes.run(
        [*command, "-p", "no:cacheprovider"], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, [line for line in done.stdout.splitlines() if "ERROR" in line]


def test_every_invariant_has_a_mutation() -> None:
    assert {mutation.invariant for mutation in MUTATIONS} == set(INVARIANTS)


@pytest.mark.parametrize("invariant", ON_A_BROKER)
def test_one_mutation_of_it_is_found_by_a_case_with_a_fault(invariant: str) -> None:
    tests = [case.test for mutation in MUTATIONS for case in mutation.cases if mutation.invariant == invariant]
    assert any(test.startswith("tests/faults/") for test in tests)


def test_text_is_replaced_where_it_stands_once_and_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("a = 1\nif a:\n    b = 1\nc = 1\nb = 1\n")
    parse("m", HEAD + "--- m.py\n a = 1\n-if a:\n+if not a:\n@@\n-c = 1\n+c = 2\n+d = 3\n").apply(tmp_path)
    assert (tmp_path / "m.py").read_text() == "a = 1\nif not a:\n    b = 1\nc = 2\nd = 3\nb = 1\n"


@pytest.mark.parametrize("line", ["x = 1", "y = 1"], ids=["nowhere", "twice"])
def test_what_stands_nowhere_or_twice_is_no_place(tmp_path: Path, line: str) -> None:
    text = "y = 1\nz = 1\ny = 1\n"
    (tmp_path / "m.py").write_text(text)
    with pytest.raises(NotApplicable):
        parse("m", HEAD + f"--- m.py\n-z = 1\n+z = 2\n@@\n-{line}\n").apply(tmp_path)
    assert (tmp_path / "m.py").read_text() == text


@pytest.mark.parametrize(
    "text",
    [
        HEAD,
        HEAD.replace("says: two\n", "") + "--- m.py\n-a\n",
        HEAD.replace("invariant: 1", "invariant: 9") + "--- m.py\n-a\n",
        HEAD + "--- m.py\na\n",
    ],
    ids=["changes nothing", "says nothing", "of no invariant", "no diff"],
)
def test_a_file_that_is_no_mutation_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="m: "):
        parse("m", text)


@pytest.mark.parametrize(
    ("ended", "verdict"),
    [
        (Ended("failed", ["AssertionError: one", "and two"]), "found"),
        (Ended("failed", ["assert two == 3"]), "found"),
        (Ended("failed", ["AssertionError: one"]), "FAILED OTHERWISE: not by 'two'"),
        (Ended("failed", ["ImportError: two"]), "FAILED OTHERWISE: no assertion"),
        (Ended("error", ["AssertionError: two"]), "NOT JUDGED: error"),
        (Ended("passed", []), "SURVIVED"),
    ],
)
def test_only_an_assertion_that_says_what_is_expected_finds_a_mutation(ended: Ended, verdict: str) -> None:
    assert ended.verdict(Case("tests/a.py::test_a", "two")) == verdict
