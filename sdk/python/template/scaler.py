"""Scaler policy: one replica for so much of the metric, at least as many as are allowed."""

import math
from dataclasses import dataclass
from typing import Self

from plimsoll_sdk import U32, Replicas, View, config, scaler


@scaler
@dataclass(frozen=True)
class Policy:
    """The configuration, with its defaults."""

    # Values older than this are not believed.
    max_age_seconds: U32 = 120

    @classmethod
    def configure(cls, config_json: str) -> Self:
        return config(cls, config_json)

    def scale(self, view: View) -> Replicas:
        answer = Replicas()
        for workload in view.workloads:
            # A missing value never means zero: without one, the workload keeps what it has.
            value = workload.value
            if value is None or workload.age_ms // 1000 > self.max_age_seconds:
                continue
            per_replica = workload.target * (workload.request or 1)
            if per_replica > 0:
                wanted = math.ceil(min(value / per_replica, 1_000_000))
                answer.set(workload, max(wanted, workload.min), 1)
        return answer
