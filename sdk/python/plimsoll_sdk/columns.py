"""Whole columns, for loops that must be fast: entry i belongs to row i of its table.

What an entry means is written at the property of the row; here texts are syms (`View.texts` has their texts), and
what is not known is ABSENT in a column of whole numbers and -1 in one of prices and amounts. A column is fetched when
it is first read, and kept.
"""

from typing import TYPE_CHECKING, Generic, TypeVar, overload

if TYPE_CHECKING:
    from typing import Any, Self

    from .view import View

# As a count of rows: all that are there.
ALL = 0xFFFF_FFFF

Value = TypeVar("Value", int, float)


class Column(Generic[Value]):
    """A column that is fetched by its name, and then stands in the view in its own place."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, view: None, owner: type) -> "Self": ...
    @overload
    def __get__(self, view: "View", owner: type) -> list[Value]: ...
    def __get__(self, view: "View | None", owner: type) -> "Self | list[Value]":
        if view is None:
            return self
        column: list[Value] = getattr(view.handle, self.name)(0, ALL)
        view.__dict__[self.name] = column
        return column


class ByKey:
    """Columns that are asked for by a key: of labels, annotations, extended resources."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, view: None, owner: type) -> "Self": ...
    @overload
    def __get__(self, view: "View", owner: type) -> "Keyed": ...
    def __get__(self, view: "View | None", owner: type) -> "Self | Keyed":
        if view is None:
            return self
        keyed = view.__dict__[self.name] = Keyed(view, getattr(view.handle, self.name))
        return keyed


class Keyed:
    """What `view.class_label` is: called with a key it gives the column."""

    def __init__(self, view: "View", fetch: "Any") -> None:
        self._view = view
        self._fetch = fetch
        self._columns: dict[str, list[int]] = {}
        self._texts: dict[str, list[str]] = {}

    def __call__(self, key: str) -> list[int]:
        column = self._columns.get(key)
        if column is None:
            column = self._columns[key] = self._fetch(key, 0, ALL)
        return column

    def texts(self, key: str) -> list[str]:
        """The texts of the column."""
        texts = self._texts.get(key)
        if texts is None:
            texts = self._texts[key] = self._view.resolve(self(key))
        return texts


class Columns:
    """The columns of all tables, by the contract's names."""

    # classes
    class_cpu = Column[int]()
    class_memory = Column[int]()
    class_extended = ByKey()
    class_pending = Column[int]()
    class_to_come = Column[int]()
    class_headroom = Column[int]()
    class_ec2_price = Column[float]()
    class_fargate_price = Column[float]()
    class_priority = Column[int]()
    class_namespace = Column[int]()
    class_owner_kind = Column[int]()
    class_owner_name = Column[int]()
    class_label = ByKey()
    class_annotation = ByKey()

    # sets
    set_name = Column[int]()
    set_group = Column[int]()
    set_kind = Column[int]()
    set_arch = Column[int]()
    set_purchase = Column[int]()
    set_offers = Column[int]()
    set_min_price = Column[float]()
    set_nodes = Column[int]()
    set_cpu_requested = Column[int]()
    set_memory_requested = Column[int]()
    set_cpu_used = Column[int]()
    set_memory_used = Column[int]()
    set_boot_ms = Column[int]()
    set_label = ByKey()

    # workloads
    workload_kind = Column[int]()
    workload_namespace = Column[int]()
    workload_name = Column[int]()
    workload_replicas = Column[int]()
    workload_ready = Column[int]()
    workload_min = Column[int]()
    workload_max = Column[int]()
    workload_metric = Column[int]()
    workload_target = Column[float]()
    workload_value = Column[float]()
    workload_age_ms = Column[int]()
    workload_pods = Column[int]()
    workload_request = Column[float]()
    workload_recent_max = Column[int]()
    workload_label = ByKey()
    workload_annotation = ByKey()

    # candidates
    candidate_name = Column[int]()
    candidate_group = Column[int]()
    candidate_price = Column[float]()
    candidate_age_ms = Column[int]()
    candidate_moves = Column[int]()
    candidate_cpu_requested = Column[int]()
    candidate_memory_requested = Column[int]()
    candidate_cpu_used = Column[int]()
    candidate_memory_used = Column[int]()
    candidate_unneeded_ms = Column[int]()
    candidate_due = Column[int]()
    candidate_label = ByKey()

    # movers
    mover_candidate = Column[int]()
    mover_namespace = Column[int]()
    mover_name = Column[int]()
    mover_owner_kind = Column[int]()
    mover_owner_name = Column[int]()
    mover_cpu = Column[int]()
    mover_memory = Column[int]()
    mover_age_ms = Column[int]()
    mover_label = ByKey()
    mover_annotation = ByKey()

    # steps
    step_kind = Column[int]()
    step_group = Column[int]()
    step_namespace = Column[int]()
    step_object = Column[int]()
    step_from = Column[int]()
    step_to = Column[int]()
    step_pods = Column[int]()
    step_adds = Column[float]()
    step_saves = Column[float]()

    # groups
    group_name = Column[int]()
    group_kind = Column[int]()
    group_min = Column[int]()
    group_max = Column[int]()
    group_desired = Column[int]()
    group_nodes = Column[int]()
    group_foreign = Column[int]()
    group_cpu_requested = Column[int]()
    group_memory_requested = Column[int]()
    group_cpu_used = Column[int]()
    group_memory_used = Column[int]()
    group_boot_ms = Column[int]()
    group_short_ms = Column[int]()
    group_label = ByKey()

    # offers
    offer_group = Column[int]()
    offer_type = Column[int]()
    offer_zone = Column[int]()
    offer_arch = Column[int]()
    offer_purchase = Column[int]()
    offer_cpu = Column[int]()
    offer_memory = Column[int]()
    offer_pods = Column[int]()
    offer_extended = ByKey()
    offer_price = Column[float]()
    offer_confidence = Column[int]()
    offer_interruptions = Column[int]()
    offer_barred_ms = Column[int]()
    offer_label = ByKey()

    # nodes
    node_name = Column[int]()
    node_group = Column[int]()
    node_offer = Column[int]()
    node_state = Column[int]()
    node_price = Column[float]()
    node_age_ms = Column[int]()
    node_cpu = Column[int]()
    node_memory = Column[int]()
    node_pods = Column[int]()
    node_extended = ByKey()
    node_cpu_used = Column[int]()
    node_memory_used = Column[int]()
    node_label = ByKey()

    # pods
    pod_namespace = Column[int]()
    pod_name = Column[int]()
    pod_node = Column[int]()
    pod_phase = Column[int]()
    pod_age_ms = Column[int]()
    pod_cpu = Column[int]()
    pod_memory = Column[int]()
    pod_extended = ByKey()
    pod_cpu_used = Column[int]()
    pod_memory_used = Column[int]()
    pod_priority = Column[int]()
    pod_owner_kind = Column[int]()
    pod_owner_name = Column[int]()
    pod_label = ByKey()
    pod_annotation = ByKey()

    # metrics
    metric_name = Column[int]()
    metric_kind = Column[int]()
    metric_namespace = Column[int]()
    metric_workload = Column[int]()
    metric_value = Column[float]()
    metric_age_ms = Column[int]()
    metric_pods = Column[int]()

    # samples
    sample_workload = Column[int]()
    sample_age_ms = Column[int]()
    sample_value = Column[float]()

    # history
    history_age_ms = Column[int]()
    history_pending = Column[int]()
