"""Rows of the tables that every hook is shown: groups, offers, nodes, pods, metrics. As in `rows`."""

from __future__ import annotations

from .codes import FARGATE, Confidence, GroupKind, NodeState, Phase, Purchase
from .table import ABSENT, Row, known, perhaps


class Group(Row):
    """Whatever capacity is changed in, a Fargate profile among others."""

    @property
    def name(self) -> str:
        """What it is called."""
        return self._view.texts.group_name[self.row]

    @property
    def kind(self) -> GroupKind:
        """What kind of group it is."""
        return GroupKind(self._view.group_kind[self.row])

    @property
    def min(self) -> int:
        """The fewest instances."""
        return self._view.group_min[self.row]

    @property
    def max(self) -> int:
        """The most instances."""
        return self._view.group_max[self.row]

    @property
    def desired(self) -> int:
        """How many instances the provider was asked for last."""
        return self._view.group_desired[self.row]

    @property
    def nodes(self) -> int:
        """How many of its nodes are in the cluster."""
        return self._view.group_nodes[self.row]

    @property
    def foreign(self) -> bool:
        """Whether somebody else owns its size and Plimsoll never changes it."""
        return self._view.group_foreign[self.row] != 0

    @property
    def cpu_requested(self) -> int:
        """The share of its CPU that is requested, thousandths, smoothed over cycles; 0 where it has no nodes."""
        return self._view.group_cpu_requested[self.row]

    @property
    def memory_requested(self) -> int:
        """The share of its memory that is requested, the same way."""
        return self._view.group_memory_requested[self.row]

    @property
    def cpu_used(self) -> int | None:
        """The share of its CPU in use, thousandths, smoothed over cycles; None where not known."""
        return known(self._view.group_cpu_used[self.row])

    @property
    def memory_used(self) -> int | None:
        """The share of its memory in use, the same way; None where not known."""
        return known(self._view.group_memory_used[self.row])

    @property
    def boot_ms(self) -> int | None:
        """The median of its last boot times, milliseconds; None where not known."""
        return known(self._view.group_boot_ms[self.row])

    @property
    def short_ms(self) -> int | None:
        """For how long it has had fewer instances than it was asked for, for want of capacity: milliseconds
        since the provider said so last; None where nothing is wanting."""
        return known(self._view.group_short_ms[self.row])

    def label(self, key: str) -> str:
        """The value of one label of its nodes; empty where absent."""
        return self._view.group_label.texts(key)[self.row]

    @property
    def is_fargate(self) -> bool:
        """Whether it is a Fargate profile."""
        return self._view.group_kind[self.row] == FARGATE


class Offer(Row):
    """What can be bought in a group: an instance type in a zone, or a Fargate size."""

    @property
    def group(self) -> Group:
        """Where it can be bought."""
        return Group(self._view, self._view.offer_group[self.row])

    @property
    def type(self) -> str:
        """The instance type (m6a.xlarge); empty for a Fargate size."""
        return self._view.texts.offer_type[self.row]

    @property
    def zone(self) -> str:
        """Empty for a Fargate size."""
        return self._view.texts.offer_zone[self.row]

    @property
    def arch(self) -> str:
        """"amd64" or "arm64"; empty for a Fargate size."""
        return self._view.texts.offer_arch[self.row]

    @property
    def purchase(self) -> Purchase:
        """How it is paid; SEVERAL_WAYS for a Fargate size."""
        return Purchase(self._view.offer_purchase[self.row])

    @property
    def cpu_milli(self) -> int:
        """What pods can use of one, millicores."""
        return self._view.offer_cpu[self.row]

    @property
    def memory_mib(self) -> int:
        """What pods can use of one, MiB, rounded down."""
        return self._view.offer_memory[self.row]

    @property
    def pods(self) -> int:
        """The most pods on one; 1 for a Fargate size."""
        return self._view.offer_pods[self.row]

    def extended(self, resource: str) -> int:
        """What pods can use of one of an extended resource (`nvidia.com/gpu`); 0 where none."""
        return self._view.offer_extended(resource)[self.row]

    @property
    def price(self) -> float:
        """The price, dollars per hour."""
        return self._view.offer_price[self.row]

    @property
    def confidence(self) -> Confidence:
        """How far the price can be trusted."""
        return Confidence(self._view.offer_confidence[self.row])

    @property
    def interruptions(self) -> int | None:
        """The chance that it is taken back within a month, thousandths; None where nobody knows."""
        return known(self._view.offer_interruptions[self.row])

    @property
    def barred_ms(self) -> int:
        """For how long it will not be bought for want of capacity, or because one like it was taken back,
        milliseconds; 0 where it may be bought."""
        return self._view.offer_barred_ms[self.row]

    def label(self, key: str) -> str:
        """The value of one label of a node bought so; empty where absent."""
        return self._view.offer_label.texts(key)[self.row]


class Node(Row):
    """A node of the cluster."""

    @property
    def name(self) -> str:
        """What it is called."""
        return self._view.texts.node_name[self.row]

    @property
    def group(self) -> Group | None:
        """The group that it belongs to; None where none is known."""
        row = self._view.node_group[self.row]
        return None if row == ABSENT else Group(self._view, row)

    @property
    def offer(self) -> Offer | None:
        """What it was bought as; None where that is not known."""
        row = self._view.node_offer[self.row]
        return None if row == ABSENT else Offer(self._view, row)

    @property
    def state(self) -> NodeState:
        """What it is up to, several things at a time."""
        return NodeState(self._view.node_state[self.row])

    @property
    def price(self) -> float | None:
        """The price, dollars per hour; None where nobody knows."""
        return perhaps(self._view.node_price[self.row])

    @property
    def age_ms(self) -> int:
        """Its age, milliseconds."""
        return self._view.node_age_ms[self.row]

    @property
    def cpu_milli(self) -> int:
        """What pods can use, millicores."""
        return self._view.node_cpu[self.row]

    @property
    def memory_mib(self) -> int:
        """What pods can use, MiB, rounded down."""
        return self._view.node_memory[self.row]

    @property
    def pods(self) -> int:
        """The most pods on it."""
        return self._view.node_pods[self.row]

    def extended(self, resource: str) -> int:
        """What pods can use of an extended resource; 0 where none."""
        return self._view.node_extended(resource)[self.row]

    @property
    def cpu_used_milli(self) -> int | None:
        """The CPU in use, millicores; None where not known."""
        return known(self._view.node_cpu_used[self.row])

    @property
    def memory_used_mib(self) -> int | None:
        """The memory in use, MiB, rounded up; None where not known."""
        return known(self._view.node_memory_used[self.row])

    def label(self, key: str) -> str:
        """The value of one label; empty where absent."""
        return self._view.node_label.texts(key)[self.row]


class Pod(Row):
    """A pod of the cluster."""

    @property
    def namespace(self) -> str:
        """Where it is."""
        return self._view.texts.pod_namespace[self.row]

    @property
    def name(self) -> str:
        """What it is called."""
        return self._view.texts.pod_name[self.row]

    @property
    def node(self) -> Node | None:
        """Where it runs; None where it has no node."""
        row = self._view.pod_node[self.row]
        return None if row == ABSENT else Node(self._view, row)

    @property
    def phase(self) -> Phase:
        """How far it has come."""
        return Phase(self._view.pod_phase[self.row])

    @property
    def age_ms(self) -> int:
        """Its age, milliseconds."""
        return self._view.pod_age_ms[self.row]

    @property
    def cpu_milli(self) -> int:
        """Its request, millicores."""
        return self._view.pod_cpu[self.row]

    @property
    def memory_mib(self) -> int:
        """Its request, MiB, rounded up."""
        return self._view.pod_memory[self.row]

    def extended(self, resource: str) -> int:
        """Its request of an extended resource; 0 where none."""
        return self._view.pod_extended(resource)[self.row]

    @property
    def cpu_used_milli(self) -> int | None:
        """The CPU in use, millicores; None where not known."""
        return known(self._view.pod_cpu_used[self.row])

    @property
    def memory_used_mib(self) -> int | None:
        """The memory in use, MiB, rounded up; None where not known."""
        return known(self._view.pod_memory_used[self.row])

    @property
    def priority(self) -> int:
        """`spec.priority`."""
        return self._view.pod_priority[self.row]

    @property
    def owner_kind(self) -> str:
        """The kind of the owner (Deployment, Job, …), ReplicaSets resolved to their Deployment; empty where
        none."""
        return self._view.texts.pod_owner_kind[self.row]

    @property
    def owner_name(self) -> str:
        """The name of the owner; empty where none."""
        return self._view.texts.pod_owner_name[self.row]

    def label(self, key: str) -> str:
        """The value of one label; empty where absent."""
        return self._view.pod_label.texts(key)[self.row]

    def annotation(self, key: str) -> str:
        """The value of one `plimsoll.io/…` annotation; empty where absent."""
        return self._view.pod_annotation.texts(key)[self.row]


class Metric(Row):
    """A figure that is known about a workload, whether or not the workload is scaled."""

    @property
    def name(self) -> str:
        """"cpu", "memory", or a name of the operator's."""
        return self._view.texts.metric_name[self.row]

    @property
    def kind(self) -> str:
        """The kind of the workload."""
        return self._view.texts.metric_kind[self.row]

    @property
    def namespace(self) -> str:
        """The namespace of the workload."""
        return self._view.texts.metric_namespace[self.row]

    @property
    def workload(self) -> str:
        """The name of the workload."""
        return self._view.texts.metric_workload[self.row]

    @property
    def value(self) -> float:
        """Summed over `pods` pods: millicores for cpu, bytes for memory, else the metric's unit."""
        return self._view.metric_value[self.row]

    @property
    def age_ms(self) -> int:
        """The age of the value, milliseconds."""
        return self._view.metric_age_ms[self.row]

    @property
    def pods(self) -> int:
        """How many pods contributed to it."""
        return self._view.metric_pods[self.row]
