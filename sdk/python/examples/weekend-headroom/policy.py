"""Headroom policy: room for fewer pods at the weekend, and for a share of the latest peak where that is more.

Days begin at midnight of a fixed offset from UTC; daylight saving is not known.
"""

from dataclasses import dataclass
from typing import Annotated, Self

from plimsoll_sdk import U32, Between, Refused, Room, View, config, headroom

ON_WEEKDAYS = 1
ON_WEEKENDS = 2
AFTER_PEAK = 3

MOST_PODS = 10_000
SATURDAY = 5


@headroom
@dataclass(frozen=True)
class WeekendHeadroom:
    """The configuration, with its defaults."""

    # Local time minus UTC.
    utc_offset_minutes: Annotated[int, Between(-1440, 1440)] = 0
    # Request of a virtual pod.
    cpu_milli: U32 = 500
    memory_mib: U32 = 1024
    # How many virtual pods.
    weekday_pods: Annotated[int, Between(0, MOST_PODS)] = 10
    weekend_pods: Annotated[int, Between(0, MOST_PODS)] = 2
    # Share of the most pods that waited in the last minutes; 0: does not count.
    peak_percent: Annotated[int, Between(0, 1000)] = 0
    peak_minutes: Annotated[int, Between(1, 1440)] = 60

    @classmethod
    def configure(cls, config_json: str) -> Self:
        policy = config(cls, config_json)
        if policy.cpu_milli == policy.memory_mib == 0:
            raise Refused("cpu_milli and memory_mib must not both be 0")
        return policy

    def reserve(self, view: View) -> Room:
        pods, code = self.weekday_pods, ON_WEEKDAYS
        if self.weekday(view.now_ms) >= SATURDAY:
            pods, code = self.weekend_pods, ON_WEEKENDS
        recent = (waited for age_ms, waited in view.history if age_ms <= self.peak_minutes * 60_000)
        follow = (max(recent, default=0) * self.peak_percent + 99) // 100
        if follow > pods:
            pods, code = follow, AFTER_PEAK
        room = Room()
        if pods > 0:
            room.keep(min(pods, MOST_PODS), self.cpu_milli, self.memory_mib, code)
        return room

    def weekday(self, now_ms: int) -> int:
        """0 is Monday; day 0 of the epoch was a Thursday."""
        return ((now_ms // 60_000 + self.utc_offset_minutes) // 1440 + 3) % 7
