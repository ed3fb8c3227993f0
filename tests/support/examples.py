"""How many examples a property test tries: a sample by default, all of them with TESTS=all, as CI has it."""

import os

#: Whether every test is to run, with all its examples.
ALL = os.environ.get("TESTS") == "all"
_SHARE = 8  # `make test` is for a first look and for every change: it must not take minutes to compute


def examples(most: int) -> int:
    """`most`, or a part of it."""
    return most if ALL else max(most // _SHARE, 15)
