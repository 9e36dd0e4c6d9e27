"""The picture that a policy is shown: tables of rows over columns (`columns`) that are fetched when first read."""

from functools import cached_property
from typing import Any

from .cluster import Group, Metric, Node, Offer, Pod
from .columns import Columns
from .rows import Candidate, Class, Mover, Sample, Set, Step, Workload
from .table import Rows


class View(Columns):
    """The one immutable picture of cluster and cloud. Tables that the hook is not about have no rows."""

    def __init__(self, handle: Any) -> None:
        # What the host lends, as the generated bindings have it.
        self.handle = handle
        self.texts = Texts(self)
        self._words = {0: ""}

    @property
    def now_ms(self) -> int:
        """When the picture was taken: milliseconds since 1970-01-01T00:00:00Z. The only time there is."""
        now: int = self.handle.now_ms()
        return now

    @property
    def seed(self) -> int:
        """The recorded random number of the cycle. The only randomness there is."""
        seed: int = self.handle.seed()
        return seed

    @property
    def cluster(self) -> str:
        """The name of the cluster."""
        return self.text(self.handle.cluster())

    @property
    def state(self) -> bytes:
        """What this policy kept at the same hook in the last cycle that had an answer of it (see `keep`).

        Empty where nothing was kept, and after its component or its name has changed.
        """
        state: bytes = self.handle.state()
        return state

    def sym(self, text: str) -> int:
        """The number that stands for a text in the columns of this view, to compare labels as numbers."""
        sym: int = self.handle.intern(text)
        return sym

    def text(self, sym: int) -> str:
        """The text of a sym of this view; empty for a number that is none."""
        return self.resolve([sym])[0]

    def resolve(self, syms: list[int]) -> list[str]:
        """The text of each sym. Where some stand often, the host is asked for each once."""
        distinct = set(syms)
        if len(distinct) == len(syms):
            texts: list[str] = self.handle.resolve(syms)
            return texts
        words = self._words
        missing = list(distinct.difference(words))
        words.update(zip(missing, self.handle.resolve(missing)))
        return list(map(words.__getitem__, syms))

    @property
    def history(self) -> list[tuple[int, int]]:
        """The demand of recent cycles, oldest first: how many milliseconds ago, and how many pods waited."""
        return list(zip(self.history_age_ms, self.history_pending))

    @cached_property
    def classes(self) -> Rows[Class]:
        """The classes of demand; hooks placement and headroom."""
        return Rows(Class, self, range(self.handle.classes()))

    @cached_property
    def sets(self) -> Rows[Set]:
        """The offer sets; hooks placement and headroom."""
        return Rows(Set, self, range(self.handle.sets()))

    @cached_property
    def workloads(self) -> Rows[Workload]:
        """The workloads that may be scaled; hook scaler."""
        return Rows(Workload, self, range(self.handle.workloads()))

    @cached_property
    def samples(self) -> Rows[Sample]:
        """Past values of workloads, in their order, oldest first; hook scaler.

        One a minute, at most 32 of a workload and of at most 200 workloads; a value that was missing is not there.
        """
        return Rows(Sample, self, range(self.handle.samples()))

    @cached_property
    def candidates(self) -> Rows[Candidate]:
        """The nodes that could be given up; hook disruption."""
        return Rows(Candidate, self, range(self.handle.candidates()))

    @cached_property
    def movers(self) -> Rows[Mover]:
        """The pods that would have to move for all candidates, in their order; hook disruption."""
        return Rows(Mover, self, range(self.handle.movers()))

    @cached_property
    def steps(self) -> Rows[Step]:
        """The steps of the plan that begin something, in its order; hook review."""
        return Rows(Step, self, range(self.handle.steps()))

    @cached_property
    def groups(self) -> Rows[Group]:
        """All groups, sorted by name."""
        return Rows(Group, self, range(self.handle.groups()))

    @cached_property
    def offers(self) -> Rows[Offer]:
        """All offers."""
        return Rows(Offer, self, range(self.handle.offers()))

    @cached_property
    def nodes(self) -> Rows[Node]:
        """All nodes, sorted by name."""
        return Rows(Node, self, range(self.handle.nodes()))

    @cached_property
    def pods(self) -> Rows[Pod]:
        """All pods, sorted by namespace and name; those that have finished are among them."""
        return Rows(Pod, self, range(self.handle.pods()))

    @cached_property
    def metrics(self) -> Rows[Metric]:
        """All figures that are known about workloads."""
        return Rows(Metric, self, range(self.handle.metrics()))


class Texts:
    """Whole columns of text by the contract's names, with their texts instead of syms: `view.texts.workload_name`."""

    def __init__(self, view: View) -> None:
        self._view = view

    def __getattr__(self, name: str) -> list[str]:
        texts = self._view.resolve(getattr(self._view, name))
        self.__dict__[name] = texts
        return texts
