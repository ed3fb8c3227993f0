"""How the records of a topic are read."""

import msgspec

from bridge.core.group import Policy
from bridge.core.profile import Profile


class Route(msgspec.Struct, frozen=True):
    """The profile of a topic, and what fills names that nobody knows."""

    profile: Profile
    policy: Policy
