"""Disruption policy: nodes with young pods of Jobs stay, and moving a pod of a namespace that is named costs extra."""

from dataclasses import dataclass, field
from typing import Self

from plimsoll_sdk import U32, Verdicts, View, config, disruption

YOUNG_JOB = 1
DEAR_NAMESPACE = 2


@disruption
@dataclass(frozen=True)
class Policy:
    """The configuration, with its defaults."""

    # Pods of Jobs are young for so many minutes.
    minutes: U32 = 30
    # Dollars per hour that a pod of a namespace counts beyond what every eviction counts.
    usd_per_hour: dict[str, float] = field(default_factory=dict)

    @classmethod
    def configure(cls, config_json: str) -> Self:
        return config(cls, config_json)

    def judge(self, view: View) -> Verdicts:
        verdicts = Verdicts()
        for candidate in view.candidates:
            pods = candidate.movers
            jobs = [pod for pod in pods if pod.owner_kind == "Job" and pod.age_ms // 60_000 < self.minutes]
            if jobs:
                verdicts.deny(candidate, YOUNG_JOB, f"Job {jobs[0].owner_name} has just begun")
            extra = sum(self.usd_per_hour.get(pod.namespace, 0.0) for pod in pods) if self.usd_per_hour else 0.0
            if extra != 0:
                verdicts.add(candidate, extra, DEAR_NAMESPACE)
        return verdicts
