"""Copies of the bridge's small classes."""

import copy
import copyreg
from dataclasses import fields
from typing import Any, TypeVar

from bridge.core.campaign_group import CampaignGroup
from bridge.core.stamp import Stamp

T = TypeVar("T")


def fields_of(value: Any) -> list[str]:
    """Of what is in it. Of a class that mypyc made, dataclasses.fields() takes __slots__ for one."""
    return [field.name for field in fields(value) if field.name != "__slots__"]


def changed(value: T, /, **changes: Any) -> T:
    """A copy with other values."""
    return type(value)(**{name: getattr(value, name) for name in fields_of(value)} | changes)


def _made_anew(value: Any) -> tuple[type, tuple[Any, ...]]:
    return type(value), tuple(getattr(value, name) for name in fields_of(value))


# copy makes an object without arguments, which a class that mypyc made does not allow.
for _kind in (CampaignGroup, Stamp):
    copyreg.pickle(_kind, _made_anew)


def copied(value: T) -> T:
    """All of it."""
    return copy.deepcopy(value)
