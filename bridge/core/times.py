"""When an event occurred, as milliseconds since the epoch, from what platforms write."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Context, Decimal
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from bridge.core.outcome import Invalid, InvalidEvent

#: The beginning of the year 2000: what is before it is a platform's zero, no moment.
_BEGIN_MS = 946_684_800_000
#: The end of the year 9999, as far as ISO-8601 and Python's calendar go.
_END_MS = 253_402_300_800_000
_ZERO = ord("0")
_TOO_LATE = 10**19  # nanoseconds of the year 2286
# Its own context: independent of what a thread has set. 19 digits, 9 decimals, times 1000.
_EXACT = Context(prec=40)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FRACTION = r"(?:[.,]\d{1,9})?"
_OFFSET = r"(?P<offset> ?(?:Z|[+-]\d\d(?::?\d\d)?))?(?:\[(?P<id>[A-Za-z0-9_+/:-]{1,64})\])?"
_ISO = re.compile(rf"(?P<local>\d{{4}}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d{_FRACTION})?){_OFFSET}", re.ASCII | re.IGNORECASE)
_COMPACT = re.compile(rf"(?P<local>\d{{8}}T\d{{4}}(?:\d\d{_FRACTION})?){_OFFSET}", re.ASCII | re.IGNORECASE)
_DATE = re.compile(r"\d{4}-?\d\d-?\d\d", re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_RFC_1123 = re.compile(
    rf"(?:[a-z]{{3}}, ?)?(\d{{1,2}}) ({'|'.join(_MONTHS)}) (\d{{4}}) (\d\d):(\d\d)(?::(\d\d))? (?:(GMT|UTC|UT|Z)|([+-])(\d\d):?(\d\d))",
    re.ASCII | re.IGNORECASE,
)
_NUMBER = re.compile(r"\d{1,19}(?:\.\d{0,9})?", re.ASCII)


class TimeFormat(StrEnum):
    """How a time is written.

    `auto`: a number is seconds below 1e11 (the year 5138), milliseconds below 1e14, microseconds below 1e17, else
    nanoseconds; any other text as `iso`, which also takes the compact form, a zone's id in brackets and RFC 1123.
    `date`: a date alone, which is its midnight; also all that `iso` takes.
    """

    AUTO = "auto"
    ISO = "iso"
    DATE = "date"
    EPOCH_S = "epoch_s"
    EPOCH_MS = "epoch_ms"
    EPOCH_US = "epoch_us"
    EPOCH_NS = "epoch_ns"


WRITTEN = (TimeFormat.AUTO, TimeFormat.ISO, TimeFormat.DATE)
_PER_SECOND = {
    TimeFormat.EPOCH_S: 1,
    TimeFormat.EPOCH_MS: 10**3,
    TimeFormat.EPOCH_US: 10**6,
    TimeFormat.EPOCH_NS: 10**9,
}


@lru_cache(maxsize=256)
def zone_of(name: str) -> tzinfo | None:
    """The time zone of this IANA name, if it is known here."""
    if name.upper() in {"UTC", "Z"}:
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return None


def time_ms(value: object, field: str, form: TimeFormat = TimeFormat.AUTO, zone: tzinfo = UTC) -> int:
    """Milliseconds since the epoch, rounded down. Numbers may be strings; `zone` is that of a time without an offset.

    Raises InvalidEvent: bad_time, wrong_type.
    """
    if type(value) is str and len(value) == 24 and form in WRITTEN and (usual := _usual_ms(value)) is not None:
        return usual
    if type(value) is not int and type(value) is not float and type(value) is not str:
        raise InvalidEvent(Invalid.WRONG_TYPE, field, "neither a text nor a number")
    written = value.strip(" ") if type(value) is str and len(value) <= 200 else value
    if type(written) is str and form in WRITTEN and not (form is TimeFormat.AUTO and _NUMBER.fullmatch(written)):
        moment = _written_ms(written, field, form, zone)
    elif form in WRITTEN[1:]:
        raise InvalidEvent(Invalid.BAD_TIME, field, "no written date and time")
    else:
        moment = _epoch_ms(written, field, form)
    if not _BEGIN_MS <= moment < _END_MS:
        raise InvalidEvent(Invalid.BAD_TIME, field, "outside 2000 to 9999")
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
    """Of `YYYY-MM-DDTHH:mm:ss` in UTC, from 2000 on; None: it is no such time. Many events share one."""
    try:
        moment = _written_ms(text, "", TimeFormat.ISO, UTC) if text[16] == ":" and text[10] in "Tt " else -1
    except InvalidEvent:
        return None
    return moment if moment >= _BEGIN_MS else None


def _written_ms(text: str, field: str, form: TimeFormat, zone: tzinfo) -> int:
    try:
        moment = _moment(text, form, zone)
        since = None if moment is None else moment - _EPOCH
    except (ValueError, OverflowError) as error:
        raise InvalidEvent(Invalid.BAD_TIME, field, str(error)[:100]) from None
    if since is None:
        raise InvalidEvent(Invalid.BAD_TIME, field, "neither a date and time that is read here, nor a number")
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000


def _moment(text: str, form: TimeFormat, zone: tzinfo) -> datetime | None:
    """None: it is not written as a date and time. Raises ValueError: there is no such moment."""
    found = _ISO.fullmatch(text) or _COMPACT.fullmatch(text)
    if found is None:
        if form is TimeFormat.DATE and _DATE.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=zone)
        return _rfc_1123(text)
    local, offset, name = found["local"].upper(), found["offset"], found["id"]
    if offset is not None:  # it decides; what the zone is called says no more
        return datetime.fromisoformat(local + offset.strip().upper())
    named = zone if name is None else zone_of(name)
    if named is None:
        raise ValueError("a time zone that is not known here")
    # Of an hour that occurs twice the first; a time that is skipped as the clock would have gone on.
    return datetime.fromisoformat(local).replace(tzinfo=named)


def _rfc_1123(text: str) -> datetime | None:
    found = _RFC_1123.fullmatch(text)
    if found is None:
        return None
    day, month, year, hour, minute, second, _, sign, hours, minutes = found.groups()
    offset = UTC
    if sign is not None:
        ahead = timedelta(hours=int(hours), minutes=int(minutes))
        offset = timezone(ahead if sign == "+" else -ahead)
    number = _MONTHS.index(month.lower()) + 1
    return datetime(int(year), number, int(day), int(hour), int(minute), int(second or 0), tzinfo=offset)


def _epoch_ms(value: float | str, field: str, form: TimeFormat) -> int:
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise InvalidEvent(Invalid.BAD_TIME, field, "no number since the epoch")
    # The shortest text of a float is what the producer wrote; its binary value may be a hair below it.
    number = value if isinstance(value, int) else Decimal(str(value))
    if (isinstance(number, Decimal) and not number.is_finite()) or not 0 <= number < _TOO_LATE:
        raise InvalidEvent(Invalid.BAD_TIME, field, "outside 2000 to 9999")
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
