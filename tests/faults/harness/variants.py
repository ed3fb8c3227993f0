"""Ways to run the bridge that keep its promises by other means than the defaults do."""

from dataclasses import dataclass, field

from faults.harness.members import Settings, merged

WINDOW = 50  # POSTs


@dataclass(frozen=True)
class Variant:
    """`static`: members are static ones, each of a slot of its own, which a successor takes over."""

    name: str
    settings: Settings = field(default_factory=dict)
    static: bool = False

    def of(self, slot: int) -> Settings:
        """The settings of the member in a slot."""
        own = {"kafka": {"group_instance_id": f"slot-{slot}"}} if self.static else {}
        return merged(self.settings, own)

    def title(self, name: str) -> str:
        """The name of a case."""
        return f"{name}, {self.name}" if self.name else name


USUAL = Variant("")
PLAIN = Variant("delivery.transactions: false", {"delivery": {"transactions": False}})
STATIC = Variant("static members", static=True)
CLOSE = Variant(f"delivery.max_unconfirmed: {WINDOW}", {"delivery": {"max_unconfirmed": WINDOW}})
VARIANTS = {"plain commits": PLAIN, "static members": STATIC, "max_unconfirmed": CLOSE}
