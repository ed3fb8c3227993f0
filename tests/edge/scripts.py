"""What a receiver can do on a connection, well or badly: scripts for `receivers.Receiver`."""

import contextlib
import ssl
from pathlib import Path

from edge.certificates import Identity
from edge.receivers import Gone, Line, Script


def server_context(identity: Identity, *, client_ca: Path | None = None) -> ssl.SSLContext:
    """TLS for a receiver; with `client_ca`, a client needs a certificate of that authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.cert, identity.key)
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def over_tls(context: ssl.SSLContext, script: Script) -> Script:
    """The same after a TLS handshake; without one, `script` is not played."""

    def encrypted(line: Line) -> None:
        line.start_tls(context)
        script(line)

    return encrypted


def http(status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
    """The bytes of an answer with a Content-Length."""
    lines = [f"HTTP/1.1 {status} Test", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def answer(status: int = 200, headers: dict[str, str] | None = None, body: bytes = b"") -> Script:
    """A well-behaved receiver with keep-alive."""
    return answer_raw(http(status, body, headers))


def answer_raw(*parts: bytes) -> Script:
    """These bytes, each part written by itself, to every request of the connection."""

    def script(line: Line) -> None:
        while True:
            line.request()
            for part in parts:
                line.send(part)

    return script


def answer_and_close(data: bytes) -> Script:
    """These bytes, then the end of the connection."""

    def script(line: Line) -> None:
        line.request()
        line.send(data)

    return script


def answer_then(after: Script, seconds: float = 0) -> Script:
    """Answer one request with 200, keep the connection idle for `seconds`, then play `after`."""

    def script(line: Line) -> None:
        line.request()
        line.send(http(200))
        line.wait(seconds)
        after(line)

    return script


def answer_late(seconds: float, status: int = 200) -> Script:
    def script(line: Line) -> None:
        line.request()
        line.wait(seconds)
        line.send(http(status))

    return script


def answer_early(status: int) -> Script:
    """Answer after the head of the request, before its body is read; then close."""

    def script(line: Line) -> None:
        request = line.begin_request(1)
        line.send(http(status, headers={"Connection": "close"}))
        line.rest(request)

    return script


def drip(start: bytes, parts: list[bytes], interval: float) -> Script:
    """The start of the answer at once, then one part per interval (seconds)."""

    def script(line: Line) -> None:
        line.request()
        line.send(start)
        for part in parts:
            line.send(part)
            line.wait(interval)

    return script


def bytewise(data: bytes) -> list[bytes]:
    return [bytes([byte]) for byte in data]


def endless(start: bytes, part: bytes) -> Script:
    """The start, then the same part for ever."""

    def script(line: Line) -> None:
        line.request()
        line.send(start)
        while True:
            line.send(part)

    return script


def never_answer(line: Line) -> None:
    line.request()
    line.wait_for_close()


def never_read(line: Line) -> None:
    """Accept the connection and leave it alone; what the kernel has taken is read at the end."""
    with contextlib.suppress(Gone):
        line.wait()
    line.request()


def reset_on_accept(line: Line) -> None:
    line.reset()


def close_on_accept(line: Line) -> None:
    line.close()


def reset_after(size: int) -> Script:
    """Reset once `size` bytes of the request were read."""

    def script(line: Line) -> None:
        line.begin_request(size)
        line.reset()

    return script


def reset_within_body(line: Line) -> None:
    request = line.begin_request(100)
    while b"\r\n\r\n" not in request.raw:
        line.more(request, 1)
    line.more(request, 1)
    line.reset()


def reset_after_request(line: Line) -> None:
    line.request()
    line.reset()


def close_after_request(line: Line) -> None:
    line.request()


def half_close_after_request(line: Line) -> None:
    line.request()
    line.finish()
    line.wait_for_close()
