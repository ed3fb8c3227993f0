"""What a user's directory file says about campaign groups, found by the id under which the platform knows them.

Rules:
1. A row is found by an id: its `match` (compared with the event's GUID, then its DBID, then its name), or, without
   `match`, its own GUID, DBID or name, each with the same field of the event.
2. A tenant column that row and event both have must agree: two tenants may use the same DBID.
3. No event that names its tenant in full can match two rows; a file where one could is refused. An event without
   a tenant that would match several rows matches none.
4. Look-ups are of constant cost, whatever the number of rows or of tenants that share an id.
5. What rows say of a group's notifications is found by any id of the row, also by the GUID and DBID that it gives to the
   events it matches. Several rows may give one group the same GUID, but not different intervals or switches.
"""

from collections.abc import Iterable

import msgspec

from bridge.core.event import NAMES, Event


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What the directory says of a campaign group: `event.NAMES` and `event.PERIODS`. None: not given."""

    tenant_name: str | None = None
    tenant_ccid: str | None = None
    campaign_group_name: str | None = None
    campaign_group_guid: str | None = None
    campaign_group_dbid: str | None = None
    group_name: str | None = None
    campaign_name: str | None = None
    campaign_template_name: str | None = None
    queue_name: str | None = None
    notification_interval: float | None = None
    notifications_enabled: bool | None = None


#: The fields of an event by which a row may be found, in this order.
IDS = ("campaign_group_guid", "campaign_group_dbid", "campaign_group_name")
#: What a row gives to the events that it matches instead of their own (core/mapping/mapper.py).
GIVEN = ("campaign_group_guid", "campaign_group_dbid")

#: A key of `Tenants`: what stands for a tenant column that a row has not, and for one that an event has not.
_ANY, _UNSAID = 0, 1
_Part = str | int
_PLACES = tuple((field, NAMES.index(field)) for field in IDS)
_SILENT = (None, None)  # of notifications, as most rows are
_TENANT_NAME, _TENANT_CCID = NAMES.index("tenant_name"), NAMES.index("tenant_ccid")


class Tenants:
    """The rows that share one id, by tenant."""

    __slots__ = ("_rows",)

    def __init__(self) -> None:
        self._rows: dict[tuple[_Part, _Part], Row | None] = {}  # None: several

    def add(self, row: Row) -> None:
        """File the row under each way in which an event may name its tenant, or leave it out."""
        for name in (_ANY if row.tenant_name is None else row.tenant_name, _UNSAID):
            for ccid in (_ANY if row.tenant_ccid is None else row.tenant_ccid, _UNSAID):
                self._rows[name, ccid] = None if (name, ccid) in self._rows else row

    def find(self, tenant_name: str | None, tenant_ccid: str | None) -> tuple[Row | None, bool]:
        """The one row that agrees with this tenant (None: none, or several), and whether any does."""
        names: tuple[_Part, ...] = (_UNSAID,) if tenant_name is None else (tenant_name, _ANY)
        ccids: tuple[_Part, ...] = (_UNSAID,) if tenant_ccid is None else (tenant_ccid, _ANY)
        keys = [(name, ccid) for name in names for ccid in ccids if (name, ccid) in self._rows]
        return (self._rows[keys[0]] if len(keys) == 1 else None), bool(keys)


def _agrees(row: Row, tenant_name: str | None, tenant_ccid: str | None) -> bool:
    return (row.tenant_name is None or tenant_name in (None, row.tenant_name)) and (
        row.tenant_ccid is None or tenant_ccid in (None, row.tenant_ccid)
    )


class _Index:
    """Rows by id, where one id may be that of several tenants' groups."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        # Nearly every id has one row, which then needs no index of tenants.
        self._found: dict[str, dict[str, Row | Tenants]] = {field: {} for field in IDS}

    def __bool__(self) -> bool:
        return any(self._found.values())

    def agreeing(self, field: str, text: str, row: Row) -> tuple[Row | None, bool]:
        """The one row under this id whose tenant agrees with that of `row` (None: none, or several), and whether any does."""
        there = self._found[field].get(text)
        if isinstance(there, Tenants):
            return there.find(row.tenant_name, row.tenant_ccid)
        agrees = there is not None and _agrees(there, row.tenant_name, row.tenant_ccid)
        return (there if agrees else None), agrees

    def put(self, field: str, text: str, row: Row) -> None:
        """File a row under an id."""
        there = self._found[field].setdefault(text, row)
        if there is row:
            return
        if isinstance(there, Row):
            self._found[field][text] = tenants = Tenants()
            tenants.add(there)
            there = tenants
        there.add(row)

    def find(self, field: str, text: str | None, tenant_name: str | None, tenant_ccid: str | None) -> Row | None:
        """The one row under this id that agrees with this tenant, or None."""
        there = None if text is None else self._found[field].get(text)
        if isinstance(there, Tenants):
            return there.find(tenant_name, tenant_ccid)[0]
        return there if there is not None and _agrees(there, tenant_name, tenant_ccid) else None


class Directory:
    """Rows by id. `add` while reading the file, then `resolve` and `periods_of`."""

    def __init__(self) -> None:
        self._rows = _Index()
        self._periods = _Index()  # only rows that say something of notifications: most files have none
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, row: Row, match: str | None) -> str | None:
        """Take a row; None, or what is wrong with it (then it is not taken)."""
        ids = [(field, match if match is not None else getattr(row, field)) for field in IDS]
        given = [(field, text) for field, text in ids if text is not None]
        for field, text in given:
            if self._rows.agreeing(field, text, row)[1]:
                return f"{text[:80]!r} is given twice, and no tenant tells both rows apart"
        if _periods(row) != _SILENT:
            told = [(field, text) for field in GIVEN if match is not None and (text := getattr(row, field)) is not None]
            wrong = self._add_periods(row, dict.fromkeys([*given, *told]))
            if wrong is not None:
                return wrong
        for field, text in given:
            self._rows.put(field, text, row)
        self._count += 1
        return None

    def _add_periods(self, row: Row, ids: Iterable[tuple[str, str]]) -> str | None:
        new = []
        for field, text in ids:
            there, any_does = self._periods.agreeing(field, text, row)
            if any_does and (there is None or _periods(there) != _periods(row)):
                return f"{text[:80]!r} has another notification_interval or notifications_enabled in another row"
            if not any_does:
                new.append((field, text))
        for field, text in new:
            self._periods.put(field, text, row)
        return None

    def resolve(self, event: Event) -> Row | None:
        """What the directory knows about the event's campaign group, or None."""
        return (
            self._resolve("campaign_group_guid", event.campaign_group_guid, event)
            or self._resolve("campaign_group_dbid", event.campaign_group_dbid, event)
            or self._resolve("campaign_group_name", event.campaign_group_name, event)
        )

    def _resolve(self, field: str, text: str | None, event: Event) -> Row | None:
        return self._rows.find(field, text, event.tenant_name, event.tenant_ccid)

    def periods_of(self, names: tuple[str | None, ...]) -> Row | None:
        """The row that says how a group of these names (in the order of NAMES) is notified, or None."""
        if not self._periods:
            return None
        for field, place in _PLACES:
            row = self._periods.find(field, names[place], names[_TENANT_NAME], names[_TENANT_CCID])
            if row is not None:
                return row
        return None


def _periods(row: Row) -> tuple[float | None, bool | None]:
    return row.notification_interval, row.notifications_enabled
