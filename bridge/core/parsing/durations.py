"""Lengths of time as platforms write them, in seconds."""

import re
from decimal import Context, Decimal

from bridge.core.numbers import decimal

_EXACT = Context(prec=40)
_NUMBER = r"(\d{1,15}(?:[.,]\d{1,9})?)"
#: [days.]hours:minutes:seconds, or minutes:seconds.
_CLOCK = re.compile(r"(?:(?:(\d{1,6})[. ])?(\d{1,6}):)?(\d{1,6}):(\d\d(?:[.,]\d{1,9})?)", re.ASCII)
#: ISO-8601. Months and years have no length in seconds.
_ISO = re.compile(
    rf"P(?:{_NUMBER}W)?(?:{_NUMBER}D)?(?:T(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?", re.ASCII | re.IGNORECASE
)
_WORD = re.compile(rf"{_NUMBER} ?([a-z]{{1,12}})\.?,? ?(?:and )?", re.ASCII | re.IGNORECASE)
_CLOCK_UNITS = (86_400, 3_600, 60, 1)
_ISO_UNITS = (604_800, *_CLOCK_UNITS)
_SPELLINGS = (
    (Decimal("0.001"), "ms msec msecs millisecond milliseconds"),
    (Decimal(1), "s sec secs second seconds"),
    (Decimal(60), "m min mins minute minutes"),
    (Decimal(3_600), "h hr hrs hour hours"),
    (Decimal(86_400), "d day days"),
    (Decimal(604_800), "w week weeks"),
)
_UNITS = {word: length for length, words in _SPELLINGS for word in words.split()}


def seconds(value: object, field: str) -> Decimal:
    """Seconds of a duration: `01:10:00`, `PT1H10M`, `70 min`, `1h 10m`; a number, also in a text, is of seconds.

    Raises InvalidEvent: wrong_type, negative, bad_number.
    """
    if type(value) is not str or len(value) > 100:
        return decimal(value, field)
    written = value.strip()
    if found := _CLOCK.fullmatch(written):
        return _sum(found.groups(), _CLOCK_UNITS)
    if (found := _ISO.fullmatch(written)) and any(found.groups()):
        return _sum(found.groups(), _ISO_UNITS)
    counted = _counted(written)
    return decimal(written, field) if counted is None else counted


def _sum(parts: tuple[str | None, ...], units: tuple[int, ...]) -> Decimal:
    total = Decimal(0)
    for part, unit in zip(parts, units, strict=True):
        if part is not None:
            total = _EXACT.add(total, _EXACT.multiply(_exact(part), Decimal(unit)))
    return total


def _counted(written: str) -> Decimal | None:
    """`1 hour 10 min`; None: it is no such text."""
    total, place = Decimal(0), 0
    while place < len(written):
        found = _WORD.match(written, place)
        unit = _UNITS.get(found[2].lower()) if found else None
        if found is None or unit is None:
            return None
        total = _EXACT.add(total, _EXACT.multiply(_exact(found[1]), unit))
        place = found.end()
    return total if written else None


def _exact(part: str) -> Decimal:
    return Decimal(part.replace(",", "."))
