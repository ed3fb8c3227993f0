"""The admin server: metrics for Prometheus, health for Kubernetes, the table of campaign groups, a page with links.

Starlette and uvicorn, in the bridge's own loop, so that an answer says that the loop turns; they leave signals, the log
and the process alone. Whoever can reach the port may be broken or hostile: GET and HEAD only, one scrape at a time,
pages that are short, and the limits of admin_protocol.
"""

import asyncio
import contextlib
import html
import socket
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from bridge import __version__
from bridge.edge.admin_groups import Groups, groups_route
from bridge.edge.admin_protocol import OneShortRequest

#: Seconds for a scrape, with those before it; then 503. Prometheus gives up after 10.
RENDER_SECONDS = 10.0
#: Seconds that `stop` leaves to answers under way.
STOP_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Check:
    """One condition of health: `reason` says in a sentence what is wrong (or right)."""

    name: str
    ok: bool
    reason: str = ""


Checks = Callable[[], list[Check]]
#: From the request's Accept header to (content type, body).
Metrics = Callable[[str], Awaitable[tuple[str, bytes]]]


class AdminPortError(Exception):
    """The address of the admin server can't be had."""


class Admin:
    """Serves from `start` to `stop`. `port` is the true one, also where 0 was asked for."""

    def __init__(
        self, host: str, port: int, *, metrics: Metrics, groups: Groups, live: Checks, ready: Checks, started: Checks
    ) -> None:
        self.host = host
        self.port = port
        self._metrics = metrics
        self._groups = groups
        self._probes = {"livez": live, "readyz": ready, "startupz": started}
        self._rendering = asyncio.Lock()
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen, and return when requests are answered. AdminPortError where the port can't be had."""
        listener = _listen(self.host, self.port)
        self.port = listener.getsockname()[1]
        self._server = _Server(_config(self._application()))
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]), name="admin")
        await self._server.listening.wait()

    async def stop(self) -> None:
        """Close the port; answers under way have a second. Does nothing where it was never started."""
        if self._server is None or self._serving is None:
            return
        self._server.should_exit = True
        await self._serving
        self._server = self._serving = None

    def _application(self) -> Starlette:
        probes = [Route(f"/{name}", self._probe(name, checks)) for name, checks in self._probes.items()]
        pages = [Route("/metrics", self._render), groups_route(self._groups), Route("/", self._page)]
        return Starlette(routes=[*pages, *probes])

    async def _render(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(RENDER_SECONDS), self._rendering:
                content_type, body = await self._metrics(request.headers.get("accept", ""))
        except TimeoutError:
            return PlainTextResponse(f"metrics not rendered within {RENDER_SECONDS:g} s\n", 503)
        return Response(body, media_type=None, headers={"content-type": content_type})

    def _probe(self, name: str, checks: Checks) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            results = checks()
            good = all(check.ok for check in results)
            verbose = "verbose" in request.query_params
            text = "ok" if good and not verbose else _report(name, results, verbose=verbose)
            return PlainTextResponse(text, 200 if good else 503, headers={"cache-control": "no-store"})

        return answer

    async def _page(self, _request: Request) -> Response:
        rows = [_row(name, checks()) for name, checks in self._probes.items()]
        return HTMLResponse(PAGE.format(version=html.escape(__version__), rows="\n".join(rows)))


PAGE = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>ocs-bridge</title>
<style>body {{ font: 16px sans-serif; margin: 2em; }} td {{ padding: 0.2em 1.5em 0.2em 0; }}</style></head>
<body><h1>ocs-bridge {version}</h1>
<table>
{rows}
<tr><td><a href="/metrics">metrics</a></td><td>for Prometheus</td></tr>
<tr><td><a href="/groups">groups</a></td><td>campaign groups that live here</td></tr>
</table></body></html>
"""


def _row(name: str, results: list[Check]) -> str:
    failing = "; ".join(f"{check.name}: {check.reason}" for check in results if not check.ok)
    return f'<tr><td><a href="/{name}?verbose">{name}</a></td><td>{html.escape(failing) or "ok"}</td></tr>'


def _report(name: str, results: list[Check], *, verbose: bool) -> str:
    """Checks line by line as Kubernetes' own components show them; without `verbose`, the failing ones."""
    lines = [f"[+]{check.name} ok" if check.ok else f"[-]{check.name} failed: {check.reason}" for check in results]
    shown = [line for line in lines if verbose or line.startswith("[-]")]
    verdict = "passed" if all(check.ok for check in results) else "failed"
    return "\n".join([*shown, f"{name} check {verdict}", ""])


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket; for `::` one that takes IPv4 too."""
    six = ":" in host
    try:
        return socket.create_server(
            (host, port),
            family=socket.AF_INET6 if six else socket.AF_INET,
            dualstack_ipv6=host == "::" and socket.has_dualstack_ipv6(),
        )
    except OSError as error:
        reason = error.strerror or str(error)
        raise AdminPortError(f"admin.host and admin.port: can't listen on {host} port {port}: {reason}") from error


def _config(application: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=OneShortRequest,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",  # its warnings are about what clients send: a scanner would fill the log
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


class _Server(uvicorn.Server):
    """uvicorn without its hands on the process."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """SIGTERM and SIGINT are the bridge's: it drains before it ends."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()
