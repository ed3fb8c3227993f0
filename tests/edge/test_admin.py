"""The admin server, asked over real sockets."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvloop

from bridge.core.listing import Page, Query
from bridge.edge import admin, admin_protocol
from bridge.edge.admin import Admin, AdminPortError, Check

GOOD, BAD = Check("kafka", ok=True), Check("restore", ok=False, reason="partition 3 of <events> is being restored")


async def metrics(accept: str) -> tuple[str, bytes]:
    return "text/plain; version=0.0.4", f"# accept: {accept}\nup 1\n".encode()


def groups(query: Query) -> Page:
    return Page(groups=[], count=0)


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await scenario()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(bounded())


@asynccontextmanager
async def serving(**parts: Any) -> AsyncIterator[Admin]:
    healthy: dict[str, Any] = {name: lambda: [GOOD] for name in ("live", "ready", "started")}
    server = Admin("127.0.0.1", 0, **{"metrics": metrics, "groups": groups, **healthy, **parts})
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def ask(server: Admin, path: str, method: str = "GET", **options: Any) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.request(method, f"http://127.0.0.1:{server.port}{path}", **options)


async def raw(server: Admin, request: bytes) -> bytes:
    """Everything the server sends until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(request)
    try:
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def test_metrics_are_rendered_for_the_accept_header() -> None:
    async def scenario() -> None:
        async with serving() as server:
            answer = await ask(server, "/metrics", headers={"accept": "application/openmetrics-text"})

            assert answer.status_code == 200
            assert answer.headers["content-type"] == "text/plain; version=0.0.4"
            assert answer.text == "# accept: application/openmetrics-text\nup 1\n"

    run(scenario)


@pytest.mark.parametrize(("path", "part"), [("/livez", "live"), ("/readyz", "ready"), ("/startupz", "started")])
def test_each_probe_asks_its_own_checks_anew(path: str, part: str) -> None:
    checks = [GOOD]

    async def scenario() -> None:
        async with serving(**{part: lambda: checks}) as server:
            good = await ask(server, path)
            assert (good.status_code, good.text) == (200, "ok")

            checks.append(BAD)
            bad = await ask(server, path)
            assert bad.status_code == 503
            assert bad.text.splitlines() == [
                "[-]restore failed: partition 3 of <events> is being restored",
                f"{path[1:]} check failed",
            ]
            for other in {"/livez", "/readyz", "/startupz"} - {path}:
                assert (await ask(server, other)).status_code == 200

    run(scenario)


def test_verbose_lists_all_checks() -> None:
    async def scenario() -> None:
        async with serving(ready=lambda: [GOOD, BAD]) as server:
            bad, good = await ask(server, "/readyz?verbose"), await ask(server, "/livez?verbose")

            assert bad.text.splitlines()[:2] == [
                "[+]kafka ok",
                "[-]restore failed: partition 3 of <events> is being restored",
            ]
            assert good.status_code == 200
            assert good.text.splitlines() == ["[+]kafka ok", "livez check passed"]

    run(scenario)


def test_the_page_links_everything_and_shows_what_fails() -> None:
    async def scenario() -> None:
        async with serving(ready=lambda: [BAD]) as server:
            page = await ask(server, "/")

            assert page.headers["content-type"].startswith("text/html")
            assert all(f'href="/{path}' in page.text for path in ("metrics", "groups", "livez", "readyz", "startupz"))
            assert "partition 3 of &lt;events&gt; is being restored" in page.text

    run(scenario)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_only_get_and_head_are_served(method: str) -> None:
    async def scenario() -> None:
        async with serving() as server:
            assert (await ask(server, "/metrics", method)).status_code == 405
            assert (await ask(server, "/livez", method)).status_code == 405
            assert (await ask(server, "/nothing", method)).status_code == 404

    run(scenario)


def test_head_answers_without_a_body() -> None:
    async def scenario() -> None:
        async with serving() as server:
            answer = await raw(server, b"HEAD /livez HTTP/1.1\r\nhost: x\r\n\r\n")

            assert answer.startswith(b"HTTP/1.1 200")
            assert answer.endswith(b"\r\n\r\n")

    run(scenario)


def test_a_failing_renderer_is_a_500_and_the_server_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(accept: str) -> tuple[str, bytes]:
        raise RuntimeError("no metrics")

    async def scenario() -> None:
        async with serving(metrics=broken) as server:
            assert (await ask(server, "/metrics")).status_code == 500
            assert (await ask(server, "/livez")).status_code == 200

    run(scenario)
    assert "no metrics" in caplog.text


def test_a_renderer_that_hangs_is_a_503_and_probes_are_answered_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin, "RENDER_SECONDS", 0.3)

    async def hangs(accept: str) -> tuple[str, bytes]:
        await asyncio.Event().wait()
        raise AssertionError

    async def scenario() -> None:
        async with serving(metrics=hangs) as server:
            scrape = asyncio.create_task(ask(server, "/metrics"))
            assert (await ask(server, "/livez")).status_code == 200
            assert not scrape.done()
            assert (await scrape).status_code == 503

    run(scenario)


def test_scrapes_are_rendered_one_at_a_time() -> None:
    running, most = 0, 0

    async def slow(accept: str) -> tuple[str, bytes]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1
        return "text/plain", b""

    async def scenario() -> None:
        async with serving(metrics=slow) as server:
            answers = await asyncio.gather(*(ask(server, "/metrics") for _ in range(5)))
            assert [answer.status_code for answer in answers] == [200] * 5

    run(scenario)
    assert most == 1


def test_a_port_in_use_is_an_error_that_names_the_setting() -> None:
    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            checks: Any = lambda: [GOOD]  # noqa: E731
            server = Admin("127.0.0.1", port, metrics=metrics, groups=groups, live=checks, ready=checks, started=checks)
            with pytest.raises(AdminPortError, match=rf"admin\.port.*127\.0\.0\.1 port {port}: Address already in use"):
                await server.start()
            await server.stop()

    run(scenario)


def test_an_address_that_is_not_this_machine_s_is_the_same_error() -> None:
    async def scenario() -> None:
        checks: Any = lambda: [GOOD]  # noqa: E731
        with pytest.raises(AdminPortError, match=r"192\.0\.2\.1 port 0: Cannot assign"):
            await Admin(
                "192.0.2.1", 0, metrics=metrics, groups=groups, live=checks, ready=checks, started=checks
            ).start()

    run(scenario)


def test_signals_stay_the_bridge_s_own() -> None:
    async def scenario() -> None:
        loop, seen = asyncio.get_running_loop(), asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, seen.set)
        before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
        async with serving() as server:
            assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before
            os.kill(os.getpid(), signal.SIGTERM)
            await seen.wait()
            assert (await ask(server, "/livez")).status_code == 200
        loop.remove_signal_handler(signal.SIGTERM)

    run(scenario)


def test_stop_closes_the_port_within_seconds_though_a_client_hangs() -> None:
    async def hangs(accept: str) -> tuple[str, bytes]:
        await asyncio.Event().wait()
        raise AssertionError

    async def scenario() -> None:
        async with serving(metrics=hangs) as server:
            idle_reader, idle = await asyncio.open_connection("127.0.0.1", server.port)
            scrape = asyncio.create_task(raw(server, b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n"))
            await ask(server, "/livez")
            async with asyncio.timeout(4):
                await server.stop()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", server.port)
            assert await idle_reader.read() == b""
            idle.close()
            await asyncio.wait([scrape], timeout=5)

    run(scenario)


def test_each_answer_closes_its_connection_also_when_requests_are_pipelined() -> None:
    async def scenario() -> None:
        async with serving() as server:
            answer = await raw(server, b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n" * 3)

            assert answer.count(b"HTTP/1.1 200") == 1
            assert b"connection: close" in answer

    run(scenario)


def test_a_request_that_is_no_http_is_a_400() -> None:
    async def scenario() -> None:
        async with serving() as server:
            assert (await raw(server, b"\x16\x03\x01 hello\r\n\r\n")).startswith(b"HTTP/1.1 400")

    run(scenario)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /livez HTTP/1.1\r\nx: " + b"y" * 20_000,
        b"GET /livez HTTP/1.1\r\n" + b"x: y\r\n" * 4_000,
        b"GET /" + b"x" * 20_000,
    ],
    ids=["one long header", "many headers", "long path"],
)
def test_a_head_too_large_is_a_431(head: bytes) -> None:
    async def scenario() -> None:
        async with serving() as server:
            answer = await raw(server, head)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 431")
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(head[: admin_protocol.MAX_REQUEST + 1])
            assert (await reader.readline()).startswith(b"HTTP/1.1 431")
            writer.close()

    run(scenario)


def test_a_client_too_slow_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_protocol, "MAX_SECONDS", 0.3)

    async def scenario() -> None:
        async with serving() as server:
            assert await raw(server, b"") == b""
            assert await raw(server, b"GET /livez HTTP/1.1\r\n") == b""

    run(scenario)


def test_connections_beyond_the_limit_are_closed_and_the_others_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_protocol, "MAX_CONNECTIONS", 3)

    async def scenario() -> None:
        async with serving() as server:
            idle = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(3)]
            assert await raw(server, b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n") == b""
            reader, writer = idle[0]
            writer.write(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
            assert (await reader.read()).endswith(b"ok")
            assert (await ask(server, "/livez")).status_code == 200
            for _, writer in idle:
                writer.close()

    run(scenario)


@pytest.mark.needs("ipv6")
def test_the_ipv6_wildcard_takes_ipv4_too() -> None:
    async def scenario() -> None:
        checks: Any = lambda: [GOOD]  # noqa: E731
        server = Admin("::", 0, metrics=metrics, groups=groups, live=checks, ready=checks, started=checks)
        await server.start()
        assert (await ask(server, "/livez")).status_code == 200
        await server.stop()

    run(scenario)
