"""A signal: one question about the bridge, and how Prometheus answers it."""

from dataclasses import dataclass, field, replace

from grafana.alerts import threshold

#: Stands for the selectors of every query: those of the variables.
BRIDGES = 'namespace=~"$namespace", job=~"$job", instance=~"$instance"'
GROUPS = f'{BRIDGES}, tenant=~"$tenant", campaign_group=~"$campaign_group"'
#: Grafana's thresholds mean "from here on", alerts mostly "> 0": the least that is above.
ABOVE_ZERO = 0.001


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL, in which `{@` begins the selectors of the bridges chosen, `{@@` of the campaign groups chosen.

    `legend` names its series; `column` names its value in a table.
    """

    expr: str
    legend: str = ""
    column: str = ""

    @property
    def promql(self) -> str:
        """As Grafana has it."""
        expr = self.expr.replace("{@@", f"{{{GROUPS}").replace("{@", f"{{{BRIDGES}")
        return expr.replace("[rate]", "[$__rate_interval]")


@dataclass(frozen=True, slots=True)
class Bad:
    """From `value` on it is bad; with `below`, until it.

    `name`: of the alerts' threshold that it is, if so; the chart puts the one of its values there.
    """

    value: float
    below: bool = False
    color: str = "red"
    name: str = ""


def bad(name: str, times: float = 1) -> Bad:
    """From the threshold of that name in the alerts on, or from so many times of it."""
    value = float(f"{times * threshold(name):g}")
    return Bad(value, name=f"thresholds.{name}" if times == 1 else f"{times:g} * thresholds.{name}")


def limit(name: str) -> str:
    """The threshold of that name, in PromQL: marked as in the alerts, so that the chart finds it. Ends its line."""
    return f"{threshold(name):g} # thresholds.{name}\n"


@dataclass(frozen=True, slots=True)
class Signal:
    """`title` is the question; `meaning` says what is bad and what to do; `unit` is Grafana's id of it.

    `alerts`: those that judge the same, whose runbooks are linked. `empty`: the fault without which there is no data.
    `names`: numbers that have a name and a color. `no_value` is shown without data; `unknown`: which is then neither good nor bad.
    `shades`: colors of all series whose names begin so.
    """

    title: str
    meaning: str
    unit: str
    queries: tuple[Query, ...]
    bad: Bad | None = None
    alerts: tuple[str, ...] = ()
    empty: str = ""
    decimals: int | None = None
    names: dict[int, tuple[str, str]] = field(default_factory=dict)
    colors: dict[str, str] = field(default_factory=dict)
    no_value: str = ""
    unknown: bool = False
    shades: dict[str, str] = field(default_factory=dict)

    def asked(self, title: str, **changes: object) -> "Signal":
        """The same with another title, or other parts."""
        return replace(self, title=title, **changes)  # type: ignore[arg-type]


def one(expr: str, legend: str = "") -> tuple[Query, ...]:
    """A single query."""
    return (Query(expr, legend),)
