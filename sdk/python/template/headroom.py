"""Headroom policy: keeps room for as many pods as waited at most in the last cycles."""

from dataclasses import dataclass
from typing import Self

from plimsoll_sdk import U32, Room, View, config, headroom


@headroom
@dataclass(frozen=True)
class Policy:
    """The configuration, with its defaults."""

    # How far back to look.
    minutes: U32 = 30
    # Request of a virtual pod.
    cpu_milli: U32 = 250
    memory_mib: U32 = 512

    @classmethod
    def configure(cls, config_json: str) -> Self:
        return config(cls, config_json)

    def reserve(self, view: View) -> Room:
        recent = (waited for age_ms, waited in view.history if age_ms // 60_000 <= self.minutes)
        room = Room()
        room.keep(min(max(recent, default=0), 100), self.cpu_milli, self.memory_mib, 1)
        return room
