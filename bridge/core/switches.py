"""How often a campaign group has periodic notifications, and whether it has notifications at all.

What is said of one group goes over what is said of all, the most specific first: an event of the group, its row in the
directory file, the settings by its key, the settings for all.
"""

from collections.abc import Callable, Collection, Mapping

from bridge.core.campaign_group import CampaignGroup
from bridge.core.directory_rows import Directory, Row
from bridge.core.vocabulary import GroupState


class Switches:
    """Answers for the present: what a group, the directory or an event says next, holds from the next question on."""

    def __init__(
        self,
        *,
        interval: float,
        intervals: Mapping[str, float],
        disabled: Collection[str],
        periodic_states: Collection[int],
        directory: Callable[[], Directory | None],
    ) -> None:
        """`intervals` and `disabled` by the group's key; `directory` gives the one in force. Intervals in seconds."""
        self._interval = interval
        self._intervals = dict(intervals)
        self._disabled = frozenset(disabled)
        self._states = frozenset(GroupState(state) for state in periodic_states)
        self._directory = directory

    def interval(self, group: CampaignGroup) -> float:
        """Seconds between periodic notifications of this group as it is now; 0: it has none."""
        if group.dormant or group.state not in self._states:
            return 0.0
        row = self._row(group)
        if not self._enabled(group, row):
            return 0.0
        if group.interval is not None:
            return group.interval
        if row is not None and row.notification_interval is not None:
            return row.notification_interval
        return self._intervals.get(group.key, self._interval)

    def enabled(self, group: CampaignGroup) -> bool:
        """Whether this group has notifications at all."""
        if group.enabled is None and self._directory() is None:
            return group.key not in self._disabled
        return self._enabled(group, self._row(group))

    def _enabled(self, group: CampaignGroup, row: Row | None) -> bool:
        if group.enabled is not None:
            return group.enabled
        if row is not None and row.notifications_enabled is not None:
            return row.notifications_enabled
        return group.key not in self._disabled

    def _row(self, group: CampaignGroup) -> Row | None:
        directory = self._directory()
        return None if directory is None else directory.periods_of(group.names)
