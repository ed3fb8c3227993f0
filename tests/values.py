"""Copies of the bridge's small classes."""

from dataclasses import fields
from typing import Any, TypeVar

T = TypeVar("T")


def fields_of(value: Any) -> list[str]:
    """Of what is in it. Of a class that mypyc made, dataclasses.fields() takes __slots__ for one."""
    return [field.name for field in fields(value) if field.name != "__slots__"]


def changed(value: T, /, **changes: Any) -> T:
    """A copy with other values."""
    return type(value)(**{name: getattr(value, name) for name in fields_of(value)} | changes)
