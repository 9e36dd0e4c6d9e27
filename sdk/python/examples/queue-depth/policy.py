"""Scaler policy: as many replicas as a queue is deep, down to none once it has been empty for a while.

For workloads whose metric is the operator's own, so much of it for a replica. Since when a queue is empty is kept
from cycle to cycle. Says nothing about workloads that are scaled by cpu or memory, and nothing without a fresh value.

Works on whole columns, and asks for texts of those rows only that need some: rows would be shorter to write, and three
times as dear where there are thousands.
"""

import math
from dataclasses import dataclass
from typing import Annotated, Self

from plimsoll_sdk import Between, Replicas, View, config, explain, keep, scaler

DEEPER = 1
SHALLOWER = 2
AS_IT_WAS = 3

# No answer may want more replicas, no policy keep more bytes, and no text says more.
MOST_REPLICAS = 1_000_000
MOST_KEPT = 65_536
MOST_WAITING = 0xFFFF_FFFF


class Decimal(dict[int, str]):
    """Numbers as text, each written once: they come again and again."""

    def __missing__(self, number: int) -> str:
        self[number] = text = str(number)
        return text


DECIMAL = Decimal()


@scaler
@dataclass(frozen=True)
class QueueDepth:
    """The configuration, with its defaults."""

    # Values older than this are not believed.
    max_age_seconds: Annotated[int, Between(0, 86400)] = 120
    # A queue that has been empty for so long needs no replica.
    idle_seconds: Annotated[int, Between(0, 86400)] = 300
    # Share of the replicas that may go in one cycle.
    most_down_percent: Annotated[int, Between(0, 100)] = 50

    @classmethod
    def configure(cls, config_json: str) -> Self:
        return config(cls, config_json)

    def scale(self, view: View) -> Replicas:
        elsewhere = {view.sym("cpu"), view.sym("memory")}
        rows = [row for row, metric in enumerate(view.workload_metric) if metric not in elsewhere]
        values, targets, ages = view.workload_value, view.workload_target, view.workload_age_ms
        max_age_ms = self.max_age_seconds * 1000
        known = [row for row in rows if values[row] >= 0 and ages[row] <= max_age_ms and targets[row] > 0]
        empty = [row for row in known if values[row] == 0]
        idle = self.remember(view, rows, known, empty)
        names = view.resolve([view.workload_name[row] for row in known])
        stay_percent = 100 - self.most_down_percent
        replicas = view.workload_replicas
        answer = Replicas()
        for row, name in zip(known, names):
            value, now = values[row], replicas[row]
            if value == 0:
                then = 0 if row in idle else 1
            else:
                needed = value / targets[row]
                then = (math.ceil(needed) or 1) if needed < MOST_REPLICAS else MOST_REPLICAS
            if 0 < then < now:
                slowly = (now * stay_percent + 99) // 100
                if then < slowly:
                    then = slowly
            code = AS_IT_WAS
            if then != now:
                code = DEEPER if then > now else SHALLOWER
                waiting = math.floor(value) if value < MOST_WAITING else MOST_WAITING
                explain(row, code, f"{name}: {DECIMAL[waiting]} waiting, {DECIMAL[now]} to {DECIMAL[then]}")
            answer.rows.append(row)
            answer.wanted.append(then)
            answer.codes.append(code)
        return answer

    def remember(self, view: View, rows: list[int], known: list[int], empty: list[int]) -> set[int]:
        """Keeps since when queues are empty; those that have been for long enough."""
        before = empty_since(view.state)
        # What is not known now stays as it was known.
        unknown = set(rows).difference(known) if before else set()
        rows = sorted(unknown.union(empty))
        columns = (view.workload_kind, view.workload_namespace, view.workload_name)
        texts = (view.resolve([column[row] for row in rows]) for column in columns)
        keys = map("/".join, zip(*texts))
        now = view.now_ms
        state: list[str] = []
        idle: set[int] = set()
        for row, key in zip(rows, keys):
            if row in unknown:
                if key in before:
                    state.append(f"{key} {before[key]}\n")
                continue
            since = int(before.get(key, now))
            state.append(f"{key} {since}\n")
            if now - since >= self.idle_seconds * 1000:
                idle.add(row)
        keep(what_fits("".join(state).encode()))
        return idle


def what_fits(state: bytes) -> bytes:
    """The first lines of a state, as many as may be kept. A queue that is not remembered is never idle for long."""
    return state if len(state) <= MOST_KEPT else state[: state.rfind(b"\n", 0, MOST_KEPT) + 1]


def empty_since(state: bytes) -> dict[str, str]:
    """The state that was kept: of each workload whose queue is empty, since when, in ms since the epoch."""
    lines = (line.rpartition(" ") for line in state.decode(errors="replace").split("\n"))
    return {key: since for key, space, since in lines if space and number(since)}


def number(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) < 2**64
