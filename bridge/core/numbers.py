"""Statistics and goals: non-negative, finite numbers, also from texts, scaled without the noise of binary fractions."""

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal

from bridge.core.limits import MAX_INTERVAL, MAX_NUMBER, MIN_INTERVAL
from bridge.core.outcome import Invalid, InvalidEvent

Number = int | float

# Its own context: no traps (a bad number is data) and independent of what a thread has set.
_EXACT = Context(prec=40, rounding=ROUND_HALF_EVEN, traps=[])
_TEXT = re.compile(r"[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,3})?", re.ASCII)
_COMMA = re.compile(r"[+-]?(?:\d{1,40}|\d{1,3}(?:\.\d{3}){1,12})(?:,\d{0,40})?", re.ASCII)


def number(value: object, field: str) -> Number:
    """A number >= 0, also in a text ("3.50"); integers stay integers. Raises InvalidEvent: wrong_type, negative, bad_number."""
    if type(value) is str:
        return plain(decimal(value, field), field)
    if type(value) is not int and type(value) is not float:
        raise InvalidEvent(Invalid.WRONG_TYPE, field, "not a number")
    if value < 0:
        raise InvalidEvent(Invalid.NEGATIVE, field, "below 0")
    if not value <= MAX_NUMBER:
        raise InvalidEvent(Invalid.BAD_NUMBER, field, f"above {MAX_NUMBER}")
    return value or abs(value)  # no -0.0


def decimal(value: object, field: str, *, comma: bool = False) -> Decimal:
    """A number >= 0, exactly. `comma`: in a text, a comma parts the fraction ("3,5", "1.234,5"). Raises as `number`."""
    if isinstance(value, Decimal):
        exact = value
    elif isinstance(value, str):
        exact = _from_text(value, field, comma=comma)
    else:
        # The shortest text of a float is what the producer wrote: 0.7 % is 0.007, not 0.006999999999999999.
        exact = _EXACT.create_decimal(str(number(value, field)))
    if exact < 0:
        raise InvalidEvent(Invalid.NEGATIVE, field, "below 0")
    if not exact <= MAX_NUMBER:
        raise InvalidEvent(Invalid.BAD_NUMBER, field, f"above {MAX_NUMBER}")
    return exact.copy_abs()


def _from_text(value: str, field: str, *, comma: bool) -> Decimal:
    written = value.strip(" ") if len(value) <= 200 else ""
    if comma:
        written = written.replace(".", "").replace(",", ".") if _COMMA.fullmatch(written) else ""
    if not _TEXT.fullmatch(written):
        raise InvalidEvent(Invalid.BAD_NUMBER, field, "a text that is no decimal number")
    return _EXACT.create_decimal(written)


def plain(exact: Decimal, field: str) -> Number:
    """The number as JSON carries it: an integer where it is one, else the nearest double. Raises bad_number."""
    if not exact <= MAX_NUMBER:
        raise InvalidEvent(Invalid.BAD_NUMBER, field, f"above {MAX_NUMBER}")
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def interval(seconds: Number, field: str) -> float:
    """Seconds between periodic notifications: 0 (none), or MIN_INTERVAL to MAX_INTERVAL. Raises bad_number."""
    if seconds == 0 or MIN_INTERVAL <= seconds <= MAX_INTERVAL:
        return float(seconds)
    raise InvalidEvent(Invalid.BAD_NUMBER, field, f"neither 0 nor from {MIN_INTERVAL} to {MAX_INTERVAL} seconds")


def ratio(numerator: Decimal, denominator: Decimal) -> Decimal | None:
    """The quotient; None when the denominator is 0."""
    return _EXACT.divide(numerator, denominator) if denominator else None


def total(parts: list[Decimal]) -> Decimal:
    """Their sum."""
    found = Decimal(0)
    for part in parts:
        found = _EXACT.add(found, part)
    return found


def difference(parts: list[Decimal]) -> Decimal:
    """The first without the others; may be below 0."""
    first, *others = parts
    return _EXACT.subtract(first, total(others))


def scaled(exact: Decimal, multiply: Decimal, divide: Decimal) -> Decimal:
    """The value times `multiply`, divided by `divide`, rounded once to 40 digits at most."""
    return _EXACT.divide(_EXACT.multiply(exact, multiply), divide)


def whole(exact: Decimal, field: str, *, rounded: bool = False) -> int:
    """An integer (80 and 80.0 are); with `rounded` the nearest one. Raises wrong_type."""
    integer = exact.to_integral_value(ROUND_HALF_EVEN)
    if not rounded and exact != integer:
        raise InvalidEvent(Invalid.WRONG_TYPE, field, "not a whole number")
    return int(integer)


def integer(value: object) -> object:
    """A whole number written with a fraction of 0 (5.0, "5.0", " 5") as the integer; anything else as it is."""
    if type(value) is float and value.is_integer():
        return int(value)
    if type(value) is str and len(value) <= 40 and _TEXT.fullmatch(written := value.strip(" ")):
        exact = _EXACT.create_decimal(written)
        return int(exact) if exact == exact.to_integral_value() and abs(exact) <= MAX_NUMBER else exact
    return value
