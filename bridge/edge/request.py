"""What goes out before the body of a notification: the receiver's URL and the headers, checked before any POST."""

import re
from collections.abc import Mapping

import httpx

from bridge import __version__
from bridge.connections import HttpSettings

#: Headers that would change how the request is framed, or that make proxies written in Go send a POST again.
FORBIDDEN_HEADERS = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "idempotency-key",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-idempotency-key",
    }
)


def receiver(url: str, *, secure: bool) -> httpx.URL:
    """The URL, if a notification can be sent to it; `secure`: whether there is an SSL context. ValueError."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise ValueError("notifications.url is not a URL") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ValueError("notifications.url is not an http or https URL with a host")
    if parsed.userinfo:
        # The transport would drop them without a word.
        raise ValueError("notifications.url has a user or password in it")
    if parsed.scheme == "https" and not secure:
        raise ValueError("an https URL needs an SSL context")
    return parsed


def constant_headers(url: httpx.URL, http: HttpSettings, custom: Mapping[str, str], token: str | None) -> httpx.Headers:
    """All headers but the event's own. Custom ones replace the defaults of the same name. ValueError."""
    headers = httpx.Headers(
        {
            "Host": url.netloc.decode("ascii"),
            "Accept": "*/*",
            "User-Agent": http.user_agent or f"ocs-bridge/{__version__}",
            "Content-Type": "application/json",
        }
    )
    headers.update({_name(name): sendable(name, value) for name, value in custom.items()})
    if token is not None:
        headers["Authorization"] = sendable("Authorization", f"Bearer {token}")
    headers.pop(_name(http.event_id_header), None)
    return headers


def sendable(name: str, value: str) -> str:
    """The value, if it can stand in a header; checked before the hand-over, where a refusal looks like a lost POST."""
    if not (value.isascii() and value.isprintable()) or value != value.strip():
        raise ValueError(f"the value of the header {name} is not printable ASCII")
    return value


def _name(name: str) -> str:
    if name.lower() in FORBIDDEN_HEADERS:
        raise ValueError(f"the header {name} is the transport's own, or makes a proxy send a POST again")
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        raise ValueError(f"{name!r} is not a header's name")
    return name
