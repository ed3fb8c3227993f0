"""When an event occurred, as milliseconds since the epoch, from what platforms write."""

import re
from datetime import UTC, datetime
from decimal import Context, Decimal
from enum import StrEnum
from functools import lru_cache

from bridge.core.outcome import Invalid, InvalidEvent

#: The end of the year 9999, as far as ISO-8601 and Python's calendar go.
_END_MS = 253_402_300_800_000
_ZERO = ord("0")
_TOO_LATE = 10**19  # nanoseconds of the year 2286
# Its own context: independent of what a thread has set. 19 digits, 9 decimals, times 1000.
_EXACT = Context(prec=40)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)? ?(?:Z|[+-]\d\d(?::?\d\d)?)?", re.ASCII | re.IGNORECASE
)
_NUMBER = re.compile(r"\d{1,19}(?:\.\d{0,9})?", re.ASCII)


class TimeFormat(StrEnum):
    """How a time is written.

    `auto`: a text with dashes is ISO, a number is seconds below 1e11 (the year 5138), milliseconds below 1e14,
    microseconds below 1e17, else nanoseconds. ISO without an offset, and `YYYY-MM-DD HH:mm:ss`, mean UTC.
    """

    AUTO = "auto"
    ISO = "iso"
    EPOCH_S = "epoch_s"
    EPOCH_MS = "epoch_ms"
    EPOCH_US = "epoch_us"
    EPOCH_NS = "epoch_ns"


_ISO_FORMS = (TimeFormat.AUTO, TimeFormat.ISO)
_PER_SECOND = {
    TimeFormat.EPOCH_S: 1,
    TimeFormat.EPOCH_MS: 10**3,
    TimeFormat.EPOCH_US: 10**6,
    TimeFormat.EPOCH_NS: 10**9,
}


def time_ms(value: object, field: str, form: TimeFormat = TimeFormat.AUTO) -> int:
    """Milliseconds since the epoch, rounded down. Numbers may be strings. Raises InvalidEvent: bad_time, wrong_type."""
    if type(value) is str and len(value) == 24 and form in _ISO_FORMS and (usual := _usual_ms(value)) is not None:
        return usual
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise InvalidEvent(Invalid.WRONG_TYPE, field, "a time is a text or a number")
    if isinstance(value, str) and form in _ISO_FORMS and _ISO.fullmatch(value):
        moment = _iso_ms(value, field)
    elif form is TimeFormat.ISO:
        raise InvalidEvent(Invalid.BAD_TIME, field, "no ISO-8601 date and time")
    else:
        moment = _epoch_ms(value, field, form)
    if not 0 <= moment < _END_MS:
        raise InvalidEvent(Invalid.BAD_TIME, field, "outside 1970 to 9999")
    return moment


def _usual_ms(text: str) -> int | None:
    """Of `2026-03-01T09:00:00.123Z`, what most platforms write, in half the time; None for any other text."""
    if text[19] != "." or text[23] != "Z":
        return None
    tens, ones, rest = ord(text[20]) - _ZERO, ord(text[21]) - _ZERO, ord(text[22]) - _ZERO
    if not (0 <= tens <= 9 and 0 <= ones <= 9 and 0 <= rest <= 9):
        return None
    second = _second_ms(text[:19])
    return None if second is None else second + tens * 100 + ones * 10 + rest


@lru_cache(maxsize=256)
def _second_ms(text: str) -> int | None:
    """Of `YYYY-MM-DDTHH:mm:ss` in UTC; None: it is no such time. Many events share one."""
    try:
        moment = _iso_ms(text, "") if text[16] == ":" and _ISO.fullmatch(text) else -1
    except InvalidEvent:
        return None
    return moment if moment >= 0 else None


def _iso_ms(text: str, field: str) -> int:
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise InvalidEvent(Invalid.BAD_TIME, field, str(error)[:100]) from None
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000


def _epoch_ms(value: float | str, field: str, form: TimeFormat) -> int:
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise InvalidEvent(Invalid.BAD_TIME, field, "neither an ISO-8601 date and time nor a number since the epoch")
    # The shortest text of a float is what the producer wrote; its binary value may be a hair below it.
    number = value if isinstance(value, int) else Decimal(str(value))
    if not 0 <= number < _TOO_LATE:
        raise InvalidEvent(Invalid.BAD_TIME, field, "outside 1970 to 9999")
    per_second = _PER_SECOND.get(form) or _guess(number)
    if isinstance(number, int):
        return number * 1000 // per_second
    return int(_EXACT.divide_int(_EXACT.multiply(number, 1000), per_second))


def _guess(number: int | Decimal) -> int:
    if number < 10**11:
        return 1
    if number < 10**14:
        return 10**3
    return 10**6 if number < 10**17 else 10**9
