"""`ocs-bridge groups`: the table of campaign groups, asked of running bridges or read from the state topic."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import httpx
import msgspec
import typer

from bridge.commands.options import Config, fail, kept_settings, settings_of
from bridge.commands.text import NAME, detail, table
from bridge.core.listing import MAX_LIMIT, Listed, Page, Periods, listed
from bridge.core.outcome import StateTopicError, Unavailable
from bridge.core.saved import BadState, load
from bridge.edge import state_records
from bridge.edge.kafka_options import Unreachable
from bridge.edge.log import safe_url
from bridge.settings import AdminSettings

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
TIMEOUT = 10.0  # seconds for an answer of the bridge
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 (nothing is bound here)


@app.command()
def groups(
    group: Annotated[
        str | None, typer.Argument(help="One campaign group, by its key or its name, with all that is known of it.")
    ] = None,
    admin: Annotated[
        list[str] | None,
        typer.Option(
            "--admin",
            help="A running bridge, host:9464 or its URL; once for each replica. Default: the one of the settings.",
        ),
    ] = None,
    from_topic: Annotated[bool, typer.Option("--from-topic", help="Read the state topic, no bridge is asked.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, one campaign group a line.")] = False,
    config: Config = None,
) -> None:
    """List the campaign groups that running bridges know, or that the state topic has: state, mode, statistics, next notification."""
    try:
        found = _from_topic(config, group) if from_topic else _from_bridges(admin or [_default(config)], group)
    except (Unreachable, Unavailable, StateTopicError, httpx.InvalidURL) as error:
        fail(str(error))
    if group is not None and not found:
        fail(f"no campaign group with the key or the name {group} is known here")
    if as_json:
        for one in found:
            typer.echo(msgspec.json.encode(one))
        return
    now = datetime.now(UTC)
    if group is not None:
        typer.echo("\n".join(detail(one, now) for one in found), nl=False)
    else:
        typer.echo(table(found, now) if found else "no campaign groups are known\n", nl=False)


def _default(config: Path | None) -> str:
    admin = AdminSettings() if config is None else settings_of(config).admin
    return f"http://{EVERYWHERE.get(admin.host, admin.host)}:{admin.port}"


def _from_bridges(urls: list[str], group: str | None) -> list[Listed]:
    """All groups, or the one with this key; where there is none, those with this name."""
    found: list[Listed] = []
    for query in [{}] if group is None else [{"key": group}, {"name": group}]:
        for url in urls:
            base = url if "://" in url else f"http://{url}"
            with httpx.Client(base_url=base, timeout=TIMEOUT, trust_env=False) as client:
                found += [one for page in _pages(client, query) for one in page.groups]
        if found:
            break
    return sorted(found, key=_place)


def _place(one: Listed) -> tuple[str, int]:
    return one.key, one.partition


def _pages(client: httpx.Client, query: Mapping[str, str]) -> Iterator[Page]:
    after = ""
    while True:
        page = _page(client, {"limit": str(MAX_LIMIT), "after": after, **query})
        yield page
        if page.next is None:
            return
        after = page.next


def _page(client: httpx.Client, query: Mapping[str, str]) -> Page:
    where = f"{safe_url(str(client.base_url)).rstrip('/')}/groups"
    try:
        answer = client.get("/groups", params=query)
        return msgspec.json.decode(answer.content, type=Page)
    except httpx.HTTPError as error:
        hint = "name a running bridge with --admin, or read the state topic with --from-topic"
        raise Unavailable(f"no answer from {where} ({str(error) or type(error).__name__}); {hint}") from None
    except msgspec.DecodeError:
        raise Unavailable(f"{where} answers {answer.status_code}, and no table of campaign groups") from None


def _from_topic(config: Path | None, group: str | None) -> list[Listed]:
    settings = kept_settings(config)
    found, bad = [], 0
    for number, name, value in state_records.latest(settings.kafka, settings.state_topic):
        try:
            known = load(name, value or b"", number)
        except BadState:
            bad += 1
        else:
            found.append(listed(known, Periods(known.enabled, known.interval)))
    if bad:
        typer.echo(f"{bad} records of {settings.state_topic} are no campaign groups", err=True)
    if group is not None:
        found = [one for one in found if one.key == group] or [one for one in found if one.names.get(NAME) == group]
    return sorted(found, key=_place)
