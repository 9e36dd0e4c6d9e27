"""Answers, put together row by row or, where it must be fast, as whole lists.

Each is a number of parallel lists. What makes an answer nonsense (a row twice, numbers out of range) is written in
the contract; the host checks it.
"""

from array import array
from collections.abc import Iterable

from .rows import Candidate, Class, Set, Step, Workload
from .say import explain


class Answer:
    """Parallel lists, in the order of the contract."""

    # The name of each list, and the type code of `array` that its numbers must fit.
    LISTS: dict[str, str]

    def lists(self) -> tuple[list[float], ...]:
        """The lists, checked: what cannot cross the border of a component would end it there without a word."""
        lists = []
        for name, kind in self.LISTS.items():
            values: Iterable[float] = getattr(self, name)
            try:
                # Codes are many and alike.
                array(kind, set(values) if kind == "H" else values)
            except (TypeError, OverflowError) as why:
                raise TypeError(f"list {name} of the answer: {why}") from None
            lists.append(values if isinstance(values, list) else list(values))
        return tuple(lists)


class Replicas(Answer):
    """Answer of a scaler: how many replicas workloads need. One that is left out keeps what it has."""

    LISTS = {"rows": "I", "wanted": "I", "codes": "H"}

    def __init__(self) -> None:
        self.rows: list[int] = []
        # At most 1000000 each.
        self.wanted: list[int] = []
        self.codes: list[int] = []

    def set(self, workload: Workload, replicas: int, code: int, why: str | None = None) -> None:
        """This many replicas for this workload, with a reason code of your own (0: none) and perhaps words."""
        if why is not None:
            explain(workload.row, code, why)
        self.rows.append(workload.row)
        self.wanted.append(replicas)
        self.codes.append(code)


class Prices(Answer):
    """Answer of a placement policy: what places cost."""

    LISTS = {
        "factor_sets": "I",
        "factors": "d",
        "ban_classes": "I",
        "ban_sets": "I",
        "ban_codes": "H",
        "add_classes": "I",
        "add_sets": "I",
        "add_usd": "d",
        "add_codes": "H",
    }

    def __init__(self) -> None:
        self.factor_sets: list[int] = []
        self.factors: list[float] = []
        self.ban_classes: list[int] = []
        self.ban_sets: list[int] = []
        self.ban_codes: list[int] = []
        self.add_classes: list[int] = []
        self.add_sets: list[int] = []
        self.add_usd: list[float] = []
        self.add_codes: list[int] = []
        # Sets in which no class may be, with the codes.
        self._every: list[tuple[int, list[int]]] = []

    def factor(self, set: Set, factor: float) -> None:
        """Multiplies the prices of a set: 1.1 makes it 10 % dearer. 0.001 to 1000, once for each set."""
        self.factor_sets.append(set.row)
        self.factors.append(factor)

    def forbid(self, class_: Class, set: Set, code: int) -> None:
        """Never this class in this set, with a reason code of your own (0: none). Once for each pair."""
        self.ban_classes.append(class_.row)
        self.ban_sets.append(set.row)
        self.ban_codes.append(code)

    def forbid_every(self, set: Set, codes: list[int]) -> None:
        """Never any class in this set, with a code for every class in their order: the fast way for thousands."""
        self._every.append((set.row, codes))

    def lists(self) -> tuple[list[float], ...]:
        every, self._every = self._every, []
        if len(every) == 1 and not self.ban_codes and every[0][1]:
            # No classes stand for every one, and one set for all of them.
            self.ban_sets, self.ban_codes = [every[0][0]], every[0][1]
            return super().lists()
        for set, codes in every:
            self.ban_classes.extend(range(len(codes)))
            self.ban_sets.extend([set] * len(codes))
            self.ban_codes.extend(codes)
        return super().lists()

    def add(self, class_: Class, set: Set, usd_per_hour: float, code: int) -> None:
        """Adds dollars per hour and pod: positive avoids, negative prefers. Once for each class and set.

        It counts on nodes that are there already, too; a price cannot fall below zero.
        """
        self.add_classes.append(class_.row)
        self.add_sets.append(set.row)
        self.add_usd.append(usd_per_hour)
        self.add_codes.append(code)

    def explain(self, class_: Class, code: int, why: str) -> None:
        """Words about a class, which people read beside its reason code."""
        explain(class_.row, code, why)


class Room(Answer):
    """Answer of a headroom policy: virtual pods, at most 256 kinds and 10000 pods together."""

    LISTS = {"counts": "I", "cpu_milli": "I", "memory_mib": "I", "codes": "H"}

    def __init__(self) -> None:
        self.counts: list[int] = []
        self.cpu_milli: list[int] = []
        self.memory_mib: list[int] = []
        self.codes: list[int] = []

    def keep(self, count: int, cpu_milli: int, memory_mib: int, code: int, why: str | None = None) -> None:
        """Room for so many pods of this size, which is not nothing, with a reason code and perhaps words."""
        if why is not None:
            explain(len(self.counts), code, why)
        self.counts.append(count)
        self.cpu_milli.append(cpu_milli)
        self.memory_mib.append(memory_mib)
        self.codes.append(code)


class Verdicts(Answer):
    """Answer of a disruption policy. A candidate that it does not name may go as it is."""

    LISTS = {"denied": "I", "denial_codes": "H", "add_candidates": "I", "add_usd": "d", "add_codes": "H"}

    def __init__(self) -> None:
        self.denied: list[int] = []
        self.denial_codes: list[int] = []
        self.add_candidates: list[int] = []
        self.add_usd: list[float] = []
        self.add_codes: list[int] = []

    def deny(self, candidate: Candidate, code: int, why: str | None = None) -> None:
        """The node stays, with a reason code of your own (0: none) and perhaps words. Once for each candidate."""
        if why is not None:
            explain(candidate.row, code, why)
        self.denied.append(candidate.row)
        self.denial_codes.append(code)

    def add(self, candidate: Candidate, usd_per_hour: float, code: int) -> None:
        """Giving the node up must bring so many dollars per hour more than it must anyway; less, where negative.

        Once for each candidate.
        """
        self.add_candidates.append(candidate.row)
        self.add_usd.append(usd_per_hour)
        self.add_codes.append(code)


class Holds(Answer):
    """Answer of a review policy. A step that it does not name is begun."""

    LISTS = {"rows": "I", "codes": "H"}

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.codes: list[int] = []

    def hold(self, step: Step, code: int, why: str | None = None) -> None:
        """The step waits for a later cycle, with a reason code of your own (0: none) and perhaps words."""
        if why is not None:
            explain(step.row, code, why)
        self.rows.append(step.row)
        self.codes.append(code)
