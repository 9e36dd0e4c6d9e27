"""Scaler policy: every workload keeps its replicas, within its bounds.

Decides nothing; it shows the fastest way over whole columns, and speed is measured with it.
"""

from dataclasses import dataclass
from itertools import repeat
from typing import Self

from plimsoll_sdk import Replicas, View, config, scaler

# No answer may want more replicas.
MOST_REPLICAS = 1_000_000


@scaler
@dataclass(frozen=True)
class WithinBounds:
    """Has no configuration."""

    @classmethod
    def configure(cls, config_json: str) -> Self:
        return config(cls, config_json)

    def scale(self, view: View) -> Replicas:
        answer = Replicas()
        # Whole lists at once instead of `set` for each row.
        enough = map(max, view.workload_replicas, view.workload_min)
        answer.wanted = list(map(min, enough, view.workload_max, repeat(MOST_REPLICAS)))
        answer.rows = list(range(len(answer.wanted)))
        answer.codes = [0] * len(answer.wanted)
        return answer
