"""Statistics and goals: non-negative, finite numbers, scaled without the noise of binary fractions."""

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal

from bridge.core.limits import MAX_INTERVAL, MAX_NUMBER, MIN_INTERVAL
from bridge.core.outcome import Invalid, InvalidEvent

Number = int | float

# Its own context: no traps (a bad number is data) and independent of what a thread has set.
_EXACT = Context(prec=40, rounding=ROUND_HALF_EVEN, traps=[])
_TEXT = re.compile(r"[+-]?\d{1,40}(?:\.\d{0,40})?(?:[eE][+-]?\d{1,3})?", re.ASCII)


def number(value: object, field: str) -> Number:
    """A JSON number >= 0; integers stay integers. Raises InvalidEvent: wrong_type, negative, bad_number."""
    if type(value) is not int and type(value) is not float:
        raise InvalidEvent(Invalid.WRONG_TYPE, field, "not a number")
    if value < 0:
        raise InvalidEvent(Invalid.NEGATIVE, field, "below 0")
    if not value <= MAX_NUMBER:
        raise InvalidEvent(Invalid.BAD_NUMBER, field, f"above {MAX_NUMBER}")
    return value or abs(value)  # no -0.0


def decimal(value: object, field: str) -> Decimal:
    """A number >= 0, also written in a text ("3.50"), exactly. Raises as `number`."""
    if isinstance(value, Decimal):
        exact = value
    elif isinstance(value, str):
        if not _TEXT.fullmatch(value):
            raise InvalidEvent(Invalid.BAD_NUMBER, field, "a text that is no decimal number")
        exact = _EXACT.create_decimal(value)
    else:
        # The shortest text of a float is what the producer wrote: 0.7 % is 0.007, not 0.006999999999999999.
        exact = _EXACT.create_decimal(str(number(value, field)))
    if exact < 0:
        raise InvalidEvent(Invalid.NEGATIVE, field, "below 0")
    if not exact <= MAX_NUMBER:
        raise InvalidEvent(Invalid.BAD_NUMBER, field, f"above {MAX_NUMBER}")
    return exact


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


def scaled(exact: Decimal, multiply: Decimal, divide: Decimal) -> Decimal:
    """The value times `multiply`, divided by `divide`, rounded once to 40 digits at most."""
    return _EXACT.divide(_EXACT.multiply(exact, multiply), divide)


def whole(value: object, field: str, *, rounded: bool = False) -> int:
    """An integer >= 0 (80 and 80.0 are); with `rounded` the nearest one, also from a text. Raises as `number`."""
    exact = decimal(value if rounded else number(value, field), field)
    integer = exact.to_integral_value(ROUND_HALF_EVEN)
    if not rounded and exact != integer:
        raise InvalidEvent(Invalid.WRONG_TYPE, field, "not a whole number")
    return int(integer)
