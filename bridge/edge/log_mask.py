"""What must not reach a log: secrets, and the userinfo and query of URLs. Long texts are cut."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

MASKED = "***"
#: Characters of one field's text: a line stays readable, and the lines in wait stay bounded in bytes.
MAX_TEXT = 8_192
#: Levels of nesting shown: a structure that contains itself ends here.
MAX_DEPTH = 5

_SECRET_NAME = re.compile(r"passw|token|secret|authorization|credential|cookie|api_?key", re.IGNORECASE)
_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s\"'<>]+", re.IGNORECASE)


def safe_url(url: str) -> str:
    """Scheme, host, port and path: what may be shown of a URL. Its userinfo, query and fragment may hold secrets."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(not a URL)"
    place = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{place}{parts.path}" if place else parts.path


def masked(fields: Mapping[str, object], depth: int = 0) -> dict[str, object]:
    """A copy of a log line's fields that may be shown."""
    return {name: MASKED if _SECRET_NAME.search(name) else _shown(value, depth) for name, value in fields.items()}


def _shown(value: object, depth: int) -> object:
    match value:
        case str():
            text = _URL.sub(lambda url: safe_url(url[0]), value) if "://" in value else value
            return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"
        case BaseException():
            return _shown(f"{type(value).__name__}: {value}", depth)
        case Mapping() | list() | tuple() | set() | frozenset() if depth == MAX_DEPTH:
            return "…"
        case Mapping():
            return masked({str(name): inner for name, inner in value.items()}, depth + 1)
        case list() | tuple() | set() | frozenset():
            return [_shown(inner, depth + 1) for inner in value]
        case _:
            return value
