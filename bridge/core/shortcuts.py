"""What a converter's answer is for nearly every value, for bridge/core/mapping/event_reader.py to give without asking it."""

from enum import Enum


class Shortcut(Enum):
    """Of which values that answer is known; of all others the converter is asked."""

    NONE = "none"
    TEXT = "a text that is neither empty nor too long: itself"
    WORD = "a text that is in the converter's table: what stands there"
    NUMBER = "a number above 0 that is not too large: itself"
    WHOLE = "an integer that is not too large: itself"
    MOMENT = "a text: what the converter makes of it"
