"""Rows of the tables that belong to one hook or two; every figure is read from its column.

What is not known is None.
"""

from __future__ import annotations

from .codes import FARGATE, Due, GroupKind, Purchase
from .table import Row, known, perhaps, run


class Class(Row):
    """A class of demand: pods that no scheduling rule can tell apart."""

    @property
    def cpu_milli(self) -> int:
        """The request of one pod, millicores."""
        return self._view.class_cpu[self.row]

    @property
    def memory_mib(self) -> int:
        """The request of one pod, MiB, rounded up."""
        return self._view.class_memory[self.row]

    def extended(self, resource: str) -> int:
        """How many units of an extended resource (`nvidia.com/gpu`) one pod asks for."""
        return self._view.class_extended(resource)[self.row]

    @property
    def pending(self) -> int:
        """How many pods wait now."""
        return self._view.class_pending[self.row]

    @property
    def to_come(self) -> int:
        """How many replicas are decided but have no pod yet."""
        return self._view.class_to_come[self.row]

    @property
    def headroom(self) -> int:
        """How many virtual pods keep room."""
        return self._view.class_headroom[self.row]

    @property
    def ec2_price(self) -> float | None:
        """The cheapest EC2 price of the share that one pod needs, on a node used to the full, dollars per
        hour; None where no EC2 offer fits."""
        return perhaps(self._view.class_ec2_price[self.row])

    @property
    def fargate_price(self) -> float | None:
        """The price of the smallest Fargate size that holds one pod, dollars per hour; None where Fargate
        cannot run it."""
        return perhaps(self._view.class_fargate_price[self.row])

    @property
    def priority(self) -> int:
        """`spec.priority` of its pods."""
        return self._view.class_priority[self.row]

    @property
    def namespace(self) -> str:
        """Empty for virtual pods."""
        return self._view.texts.class_namespace[self.row]

    @property
    def owner_kind(self) -> str:
        """The kind of the owner (Deployment, Job, …), ReplicaSets resolved to their Deployment; empty where
        none."""
        return self._view.texts.class_owner_kind[self.row]

    @property
    def owner_name(self) -> str:
        """The name of the owner; empty where none."""
        return self._view.texts.class_owner_name[self.row]

    def label(self, key: str) -> str:
        """The value of one pod label; empty where absent."""
        return self._view.class_label.texts(key)[self.row]

    def annotation(self, key: str) -> str:
        """The value of one `plimsoll.io/…` annotation of the pods; empty where absent."""
        return self._view.class_annotation.texts(key)[self.row]


class Set(Row):
    """All offers of a group that are bought alike."""

    @property
    def name(self) -> str:
        """"group" or "group/arch/purchase"."""
        return self._view.texts.set_name[self.row]

    @property
    def group(self) -> str:
        """The name of the group."""
        return self._view.texts.set_group[self.row]

    @property
    def kind(self) -> GroupKind:
        """The kind of the group."""
        return GroupKind(self._view.set_kind[self.row])

    @property
    def arch(self) -> str:
        """"amd64", "arm64", …; empty where the set has several."""
        return self._view.texts.set_arch[self.row]

    @property
    def purchase(self) -> Purchase:
        """How its instances are paid."""
        return Purchase(self._view.set_purchase[self.row])

    @property
    def offers(self) -> int:
        """How many offers are in the set."""
        return self._view.set_offers[self.row]

    @property
    def min_price(self) -> float:
        """The price of its cheapest offer, dollars per hour."""
        return self._view.set_min_price[self.row]

    @property
    def nodes(self) -> int:
        """How many nodes the group has."""
        return self._view.set_nodes[self.row]

    @property
    def cpu_requested(self) -> int:
        """The share of the group's CPU that is requested, thousandths; 0 where it has no nodes."""
        return self._view.set_cpu_requested[self.row]

    @property
    def memory_requested(self) -> int:
        """The share of the group's memory that is requested, thousandths; 0 where it has no nodes."""
        return self._view.set_memory_requested[self.row]

    @property
    def cpu_used(self) -> int | None:
        """The share of the group's CPU in use, thousandths; None where not known."""
        return known(self._view.set_cpu_used[self.row])

    @property
    def memory_used(self) -> int | None:
        """The share of the group's memory in use, thousandths; None where not known."""
        return known(self._view.set_memory_used[self.row])

    @property
    def boot_ms(self) -> int | None:
        """The median of the group's last boot times, milliseconds; None where not known."""
        return known(self._view.set_boot_ms[self.row])

    def label(self, key: str) -> str:
        """The value of one label of the group's nodes; empty where absent."""
        return self._view.set_label.texts(key)[self.row]

    @property
    def is_fargate(self) -> bool:
        """Whether pods run on Fargate there."""
        return self._view.set_kind[self.row] == FARGATE


class Workload(Row):
    """A workload that may be scaled."""

    @property
    def kind(self) -> str:
        """"Deployment", "StatefulSet", …"""
        return self._view.texts.workload_kind[self.row]

    @property
    def namespace(self) -> str:
        """Where it is."""
        return self._view.texts.workload_namespace[self.row]

    @property
    def name(self) -> str:
        """What it is called."""
        return self._view.texts.workload_name[self.row]

    @property
    def replicas(self) -> int:
        """How many replicas it has now."""
        return self._view.workload_replicas[self.row]

    @property
    def ready(self) -> int:
        """How many of its pods are ready."""
        return self._view.workload_ready[self.row]

    @property
    def min(self) -> int:
        """How many replicas are allowed at least. The engine clamps every answer to the bounds."""
        return self._view.workload_min[self.row]

    @property
    def max(self) -> int:
        """How many replicas are allowed at most."""
        return self._view.workload_max[self.row]

    @property
    def metric(self) -> str:
        """The metric to hold at the target: "cpu", "memory", or a name of the operator's."""
        return self._view.texts.workload_metric[self.row]

    @property
    def target(self) -> float:
        """A share of the request for cpu and memory (0.6 is 60 %), else units per replica."""
        return self._view.workload_target[self.row]

    @property
    def value(self) -> float | None:
        """The metric, summed over `pods` pods: millicores for cpu, bytes for memory, else the metric's unit;
        None where it is missing."""
        return perhaps(self._view.workload_value[self.row])

    @property
    def age_ms(self) -> int:
        """The age of the value, milliseconds."""
        return self._view.workload_age_ms[self.row]

    @property
    def pods(self) -> int:
        """How many pods contributed to the value."""
        return self._view.workload_pods[self.row]

    @property
    def request(self) -> float:
        """The request of one pod in the unit of the value; 0 for metrics other than cpu and memory."""
        return self._view.workload_request[self.row]

    @property
    def recent_max(self) -> int:
        """The highest number of replicas recommended in the last five minutes; the replicas now where none
        was."""
        return self._view.workload_recent_max[self.row]

    def label(self, key: str) -> str:
        """The value of one label of its pods; empty where absent."""
        return self._view.workload_label.texts(key)[self.row]

    def annotation(self, key: str) -> str:
        """The value of one `plimsoll.io/…` annotation of its pods; empty where absent."""
        return self._view.workload_annotation.texts(key)[self.row]

    @property
    def samples(self) -> list[Sample]:
        """What its value was in recent minutes, oldest first."""
        view = self._view
        return [Sample(view, row) for row in run(view.sample_workload, self.row)]


class Sample(Row):
    """What the value of a workload was in a recent minute."""

    @property
    def workload(self) -> Workload:
        """Whose value it was."""
        return Workload(self._view, self._view.sample_workload[self.row])

    @property
    def age_ms(self) -> int:
        """How long before now it was measured, milliseconds."""
        return self._view.sample_age_ms[self.row]

    @property
    def value(self) -> float:
        """What was measured, in the unit of the workload's value."""
        return self._view.sample_value[self.row]


class Candidate(Row):
    """A node that could be given up."""

    @property
    def name(self) -> str:
        """The name of the node."""
        return self._view.texts.candidate_name[self.row]

    @property
    def group(self) -> str:
        """The name of its group."""
        return self._view.texts.candidate_group[self.row]

    @property
    def price(self) -> float | None:
        """The price of the node, dollars per hour; None where nobody knows it."""
        return perhaps(self._view.candidate_price[self.row])

    @property
    def age_ms(self) -> int:
        """The age of the node, milliseconds."""
        return self._view.candidate_age_ms[self.row]

    @property
    def moves(self) -> int:
        """How many pods would have to move; DaemonSets' and static ones do not count."""
        return self._view.candidate_moves[self.row]

    @property
    def cpu_requested(self) -> int:
        """The requested share of the node's CPU, thousandths."""
        return self._view.candidate_cpu_requested[self.row]

    @property
    def memory_requested(self) -> int:
        """The requested share of the node's memory, thousandths."""
        return self._view.candidate_memory_requested[self.row]

    @property
    def cpu_used(self) -> int | None:
        """The share of the node's CPU in use, thousandths; None where not known."""
        return known(self._view.candidate_cpu_used[self.row])

    @property
    def memory_used(self) -> int | None:
        """The share of the node's memory in use, thousandths; None where not known."""
        return known(self._view.candidate_memory_used[self.row])

    @property
    def unneeded_ms(self) -> int | None:
        """For how long it could have gone so far, milliseconds; None where it could not until now."""
        return known(self._view.candidate_unneeded_ms[self.row])

    @property
    def due(self) -> Due:
        """Why another should take its place."""
        return Due(self._view.candidate_due[self.row])

    def label(self, key: str) -> str:
        """The value of one label of the node; empty where absent."""
        return self._view.candidate_label.texts(key)[self.row]

    @property
    def movers(self) -> list[Mover]:
        """The pods that would have to move for it."""
        view = self._view
        return [Mover(view, row) for row in run(view.mover_candidate, self.row)]


class Mover(Row):
    """A pod that would have to move."""

    @property
    def candidate(self) -> Candidate:
        """The pod's node."""
        return Candidate(self._view, self._view.mover_candidate[self.row])

    @property
    def namespace(self) -> str:
        """Where it is."""
        return self._view.texts.mover_namespace[self.row]

    @property
    def name(self) -> str:
        """What the pod is called."""
        return self._view.texts.mover_name[self.row]

    @property
    def owner_kind(self) -> str:
        """The kind of the owner (Deployment, Job, …), ReplicaSets resolved to their Deployment; empty where
        none."""
        return self._view.texts.mover_owner_kind[self.row]

    @property
    def owner_name(self) -> str:
        """The name of the owner; empty where none."""
        return self._view.texts.mover_owner_name[self.row]

    @property
    def cpu_milli(self) -> int:
        """Its request, millicores."""
        return self._view.mover_cpu[self.row]

    @property
    def memory_mib(self) -> int:
        """Its request, MiB, rounded up."""
        return self._view.mover_memory[self.row]

    @property
    def age_ms(self) -> int:
        """The age of the pod, milliseconds."""
        return self._view.mover_age_ms[self.row]

    def label(self, key: str) -> str:
        """The value of one label of the pod; empty where absent."""
        return self._view.mover_label.texts(key)[self.row]

    def annotation(self, key: str) -> str:
        """The value of one `plimsoll.io/…` annotation of the pod; empty where absent."""
        return self._view.mover_annotation.texts(key)[self.row]


class Step(Row):
    """A step of the plan that begins something."""

    @property
    def kind(self) -> str:
        """ScaleWorkload, GrowGroup, SetBounds, PlaceOnFargate, Remake, Cordon (a node is given up) or
        RemoveInstance (one that never became a node). Later versions may show more."""
        return self._view.texts.step_kind[self.row]

    @property
    def group(self) -> str:
        """The group or Fargate profile that it changes; empty where none."""
        return self._view.texts.step_group[self.row]

    @property
    def namespace(self) -> str:
        """The namespace of the workload or pod that it is about; empty where none."""
        return self._view.texts.step_namespace[self.row]

    @property
    def object(self) -> str:
        """The name of the workload, pod, node or instance that it is about; empty where it is about a group."""
        return self._view.texts.step_object[self.row]

    @property
    def from_(self) -> int:
        """The replicas (ScaleWorkload), size (GrowGroup) or maximum (SetBounds) before; 0 elsewhere."""
        return self._view.step_from[self.row]

    @property
    def to(self) -> int:
        """The same after."""
        return self._view.step_to[self.row]

    @property
    def pods(self) -> int:
        """How many pods it is for, or would have to move."""
        return self._view.step_pods[self.row]

    @property
    def adds(self) -> float | None:
        """What it adds to the bill, dollars per hour; None where nobody knows."""
        return perhaps(self._view.step_adds[self.row])

    @property
    def saves(self) -> float | None:
        """What it takes off the bill once it is through, dollars per hour; None where nobody knows."""
        return perhaps(self._view.step_saves[self.row])
