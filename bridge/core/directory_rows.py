"""What a user's directory file says about campaign groups, found by the id under which the platform knows them.

Rules:
1. A row is found by an id: its `match` (compared with the event's GUID, then its DBID, then its name), or, without
   `match`, its own GUID, DBID or name, each with the same field of the event.
2. A tenant column that row and event both have must agree: two tenants may use the same DBID.
3. No event that names its tenant in full can match two rows; a file where one could is refused. An event without
   a tenant that would match several rows matches none.
4. Look-ups are of constant cost, whatever the number of rows or of tenants that share an id.
"""

import msgspec

from bridge.core.event import Event


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """The names that the directory gives a campaign group; the fields are `event.NAMES`. None: not given."""

    tenant_name: str | None = None
    tenant_ccid: str | None = None
    campaign_group_name: str | None = None
    campaign_group_guid: str | None = None
    campaign_group_dbid: str | None = None
    group_name: str | None = None
    campaign_name: str | None = None
    campaign_template_name: str | None = None
    queue_name: str | None = None


#: The fields of an event by which a row may be found, in this order.
IDS = ("campaign_group_guid", "campaign_group_dbid", "campaign_group_name")

#: A key of `Tenants`: what stands for a tenant column that a row has not, and for one that an event has not.
_ANY, _UNSAID = 0, 1
_Part = str | int


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


class Directory:
    """Rows by id. `add` while reading the file, then `resolve`."""

    def __init__(self) -> None:
        # Nearly every id has one row, which then needs no index of tenants.
        self._found: dict[str, dict[str, Row | Tenants]] = {field: {} for field in IDS}
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def add(self, row: Row, match: str | None) -> str | None:
        """Take a row; None, or the id under which another row is found by the same events (then it is not taken)."""
        ids = [(field, match if match is not None else getattr(row, field)) for field in IDS]
        given = [(field, text) for field, text in ids if text is not None]
        for field, text in given:
            if self._taken(self._found[field].get(text), row):
                return str(text)
        for field, text in given:
            self._put(self._found[field], text, row)
        self._rows += 1
        return None

    @staticmethod
    def _taken(there: Row | Tenants | None, row: Row) -> bool:
        if isinstance(there, Row):
            return _agrees(there, row.tenant_name, row.tenant_ccid)
        return there is not None and there.find(row.tenant_name, row.tenant_ccid)[1]

    @staticmethod
    def _put(found: dict[str, Row | Tenants], text: str, row: Row) -> None:
        there = found.setdefault(text, row)
        if there is row:
            return
        if isinstance(there, Row):
            found[text] = tenants = Tenants()
            tenants.add(there)
            there = tenants
        there.add(row)

    def resolve(self, event: Event) -> Row | None:
        """What the directory knows about the event's campaign group, or None."""
        return (
            self._resolve("campaign_group_guid", event.campaign_group_guid, event)
            or self._resolve("campaign_group_dbid", event.campaign_group_dbid, event)
            or self._resolve("campaign_group_name", event.campaign_group_name, event)
        )

    def _resolve(self, field: str, text: str | None, event: Event) -> Row | None:
        there = None if text is None else self._found[field].get(text)
        if isinstance(there, Tenants):
            return there.find(event.tenant_name, event.tenant_ccid)[0]
        if there is not None and _agrees(there, event.tenant_name, event.tenant_ccid):
            return there
        return None
