// Rows of the picture: what a policy walks through. Every figure is read from its column. What may be absent is asked
// for with `has…` first, as with a Map; a text that is absent is "".
//
// Sums and other reckoning are the policy's.

import { ABSENT, ByKey, Column } from "./columns";
import * as contract from "./contract";
import { Table, View, within } from "./view";

/** A row of one of the tables. */
export class Row {
  constructor(
    protected readonly view: View,
    /** Number of the row. */
    readonly row: u32,
  ) {}
}

/** Kind of a group; `Other`: one that this SDK does not know, nodes of some kind. */
export enum GroupKind { Other, Asg, ManagedNodeGroup, Kops, Fleet, Fargate, Ecs, Kwok, Simulated }

/** How instances are paid for; `Mixed`: several ways, or a Fargate size. */
export enum Purchase { Mixed, OnDemand, Spot, Reserved }

/** Why another node should take a candidate's place. */
export enum Due { No, Expired, Drifted, Other }

/** Where a pod is in its life. */
export enum Phase { Pending, Running, Terminating, Finished, Other }

/** How far a price can be trusted. An offer whose price nobody knows never wins by money. */
export enum Confidence { Read = 1, BuiltIn, Estimated, Unknown }

/** A class of demand: pods that no scheduling rule can tell apart. */
@final
export class Class extends Row {
  /** Request of one pod, millicores. */
  get cpuMilli(): u32 { return this.view.classCpu[this.row]; }
  /** Request of one pod, MiB, rounded up. */
  get memoryMib(): u32 { return this.view.classMemory[this.row]; }
  /** Pods that wait. */
  get pending(): u32 { return this.view.classPending[this.row]; }
  /** Replicas that are decided but have no pod yet. */
  get toCome(): u32 { return this.view.classToCome[this.row]; }
  /** Virtual pods. */
  get headroom(): u32 { return this.view.classHeadroom[this.row]; }
  /** Cheapest EC2 price of one pod on a node used to the full, dollars per hour. */
  get ec2Price(): f64 { return known(this.view.classEc2Price[this.row], "ec2Price"); }
  get hasEc2Price(): bool { return this.view.classEc2Price[this.row] >= 0; }
  /** Price of one pod on Fargate, dollars per hour. */
  get fargatePrice(): f64 { return known(this.view.classFargatePrice[this.row], "fargatePrice"); }
  get hasFargatePrice(): bool { return this.view.classFargatePrice[this.row] >= 0; }
  /** `spec.priority`. */
  get priority(): i32 { return this.view.classPriority[this.row]; }
  /** Namespace; empty for virtual pods. */
  get namespace(): string { return this.view.text(Column.classNamespace, this.view.classNamespace, this.row); }
  /** Kind of the owner (`Deployment`, `Job`, …); empty where none. */
  get ownerKind(): string { return this.view.text(Column.classOwnerKind, this.view.classOwnerKind, this.row); }
  /** Name of the owner; empty where none. */
  get ownerName(): string { return this.view.text(Column.classOwnerName, this.view.classOwnerName, this.row); }
  /** Value of a pod label; empty where absent. */
  label(key: string): string {
    return this.view.textByKey(this.view.byKey(ByKey.classLabel, key, contract.classLabel), this.row);
  }
  /** Value of a `plimsoll.io/…` annotation; empty where absent. */
  annotation(key: string): string {
    return this.view.textByKey(this.view.byKey(ByKey.classAnnotation, key, contract.classAnnotation), this.row);
  }
  /** Units of an extended resource that one pod asks for. */
  extended(resource: string): u32 { return this.view.classExtended(resource)[this.row]; }
}

/** All offers of a group that are bought alike. */
@final
export class OfferSet extends Row {
  /** `group` or `group/arch/purchase`. */
  get name(): string { return this.view.text(Column.setName, this.view.setName, this.row); }
  /** Name of its group. */
  get group(): string { return this.view.text(Column.setGroup, this.view.setGroup, this.row); }
  /** Kind of its group. */
  get kind(): GroupKind { return groupKind(this.view.setKind[this.row]); }
  /** Whether pods run on Fargate there. */
  get isFargate(): bool { return this.kind == GroupKind.Fargate; }
  /** `amd64`, `arm64`, …; empty where it has several. */
  get arch(): string { return this.view.text(Column.setArch, this.view.setArch, this.row); }
  /** How its instances are paid for. */
  get purchase(): Purchase { return purchase(this.view.setPurchase[this.row]); }
  /** Offers in it. */
  get offers(): u32 { return this.view.setOffers[this.row]; }
  /** Price of its cheapest offer, dollars per hour. */
  get minPrice(): f64 { return this.view.setMinPrice[this.row]; }
  /** Nodes that its group has. */
  get nodes(): u32 { return this.view.setNodes[this.row]; }
  /** Requested share of the group's CPU, thousandths. */
  get cpuRequested(): u32 { return this.view.setCpuRequested[this.row]; }
  /** Requested share of the group's memory, thousandths. */
  get memoryRequested(): u32 { return this.view.setMemoryRequested[this.row]; }
  /** Used share of the group's CPU, thousandths. */
  get cpuUsed(): u32 { return present(this.view.setCpuUsed[this.row], "cpuUsed"); }
  get hasCpuUsed(): bool { return this.view.setCpuUsed[this.row] != ABSENT; }
  /** Used share of the group's memory, thousandths. */
  get memoryUsed(): u32 { return present(this.view.setMemoryUsed[this.row], "memoryUsed"); }
  get hasMemoryUsed(): bool { return this.view.setMemoryUsed[this.row] != ABSENT; }
  /** Median of the group's last boot times, milliseconds. */
  get bootMs(): u32 { return present(this.view.setBootMs[this.row], "bootMs"); }
  get hasBootMs(): bool { return this.view.setBootMs[this.row] != ABSENT; }
  /** Value of a label of its group's nodes; empty where absent. */
  label(key: string): string {
    return this.view.textByKey(this.view.byKey(ByKey.setLabel, key, contract.setLabel), this.row);
  }
}

/** A workload that may be scaled. */
@final
export class Workload extends Row {
  /** Kind: `Deployment`, `StatefulSet`, … */
  get kind(): string { return this.view.text(Column.workloadKind, this.view.workloadKind, this.row); }
  /** Namespace. */
  get namespace(): string { return this.view.text(Column.workloadNamespace, this.view.workloadNamespace, this.row); }
  /** Name. */
  get name(): string { return this.view.text(Column.workloadName, this.view.workloadName, this.row); }
  /** Replicas now. */
  get replicas(): u32 { return this.view.workloadReplicas[this.row]; }
  /** Ready pods. */
  get ready(): u32 { return this.view.workloadReady[this.row]; }
  /** Fewest replicas. */
  get min(): u32 { return this.view.workloadMin[this.row]; }
  /** Most replicas. */
  get max(): u32 { return this.view.workloadMax[this.row]; }
  /** Metric to hold at the target: `cpu`, `memory`, or a name of the operator's. */
  get metric(): string { return this.view.text(Column.workloadMetric, this.view.workloadMetric, this.row); }
  /** Target: share of the request for `cpu` and `memory`, else units per replica. */
  get target(): f64 { return this.view.workloadTarget[this.row]; }
  /** Value of the metric, summed over `pods`. */
  get value(): f64 { return known(this.view.workloadValue[this.row], "value"); }
  get hasValue(): bool { return this.view.workloadValue[this.row] >= 0; }
  /** Age of the value, milliseconds. */
  get ageMs(): u32 { return this.view.workloadAgeMs[this.row]; }
  /** Pods that contributed to the value. */
  get pods(): u32 { return this.view.workloadPods[this.row]; }
  /** Request of one pod in the unit of the value; 0 for metrics other than `cpu` and `memory`. */
  get request(): f64 { return this.view.workloadRequest[this.row]; }
  /** Highest recommendation of the last five minutes; the replicas now where there was none. */
  get recentMax(): u32 { return this.view.workloadRecentMax[this.row]; }
  /** Past values, oldest first. */
  get samples(): Table<Sample> { return within<Sample>(this.view, this.view.sampleWorkload, this.row); }
  /** Value of a label of its pods; empty where absent. */
  label(key: string): string {
    return this.view.textByKey(this.view.byKey(ByKey.workloadLabel, key, contract.workloadLabel), this.row);
  }
  /** Value of a `plimsoll.io/…` annotation of its pods; empty where absent. */
  annotation(key: string): string {
    return this.view.textByKey(this.view.byKey(ByKey.workloadAnnotation, key, contract.workloadAnnotation), this.row);
  }
}

/** A past value of a workload's metric. */
@final
export class Sample extends Row {
  /** Workload that it is of. */
  get workload(): Workload { return new Workload(this.view, this.view.sampleWorkload[this.row]); }
  /** How long before now it was measured, milliseconds. */
  get ageMs(): u32 { return this.view.sampleAgeMs[this.row]; }
  /** The value, in the unit of the workload's. */
  get value(): f64 { return this.view.sampleValue[this.row]; }
}

/** A node that could be given up. */
@final
export class Candidate extends Row {
  /** Name of the node. */
  get name(): string { return this.view.text(Column.candidateName, this.view.candidateName, this.row); }
  /** Name of its group. */
  get group(): string { return this.view.text(Column.candidateGroup, this.view.candidateGroup, this.row); }
  /** Price, dollars per hour. */
  get price(): f64 { return known(this.view.candidatePrice[this.row], "price"); }
  get hasPrice(): bool { return this.view.candidatePrice[this.row] >= 0; }
  /** Age, milliseconds. */
  get ageMs(): u32 { return this.view.candidateAgeMs[this.row]; }
  /** Pods that would have to move. */
  get moves(): u32 { return this.view.candidateMoves[this.row]; }
  /** Requested share of CPU, thousandths. */
  get cpuRequested(): u32 { return this.view.candidateCpuRequested[this.row]; }
  /** Requested share of memory, thousandths. */
  get memoryRequested(): u32 { return this.view.candidateMemoryRequested[this.row]; }
  /** Used share of CPU, thousandths. */
  get cpuUsed(): u32 { return present(this.view.candidateCpuUsed[this.row], "cpuUsed"); }
  get hasCpuUsed(): bool { return this.view.candidateCpuUsed[this.row] != ABSENT; }
  /** Used share of memory, thousandths. */
  get memoryUsed(): u32 { return present(this.view.candidateMemoryUsed[this.row], "memoryUsed"); }
  get hasMemoryUsed(): bool { return this.view.candidateMemoryUsed[this.row] != ABSENT; }
  /** For how long it could have gone, milliseconds. */
  get unneededMs(): u32 { return present(this.view.candidateUnneededMs[this.row], "unneededMs"); }
  get hasUnneededMs(): bool { return this.view.candidateUnneededMs[this.row] != ABSENT; }
  /** Why another should take its place. */
  get due(): Due { return min<u32>(this.view.candidateDue[this.row], Due.Other); }
  /** Pods that would have to move for it. */
  get movers(): Table<Mover> { return within<Mover>(this.view, this.view.moverCandidate, this.row); }
  /** Value of a label of the node; empty where absent. */
  label(key: string): string {
    return this.view.textByKey(this.view.byKey(ByKey.candidateLabel, key, contract.candidateLabel), this.row);
  }
}

/** A pod that would have to move. */
@final
export class Mover extends Row {
  /** Node that it is on. */
  get candidate(): Candidate { return new Candidate(this.view, this.view.moverCandidate[this.row]); }
  /** Namespace. */
  get namespace(): string { return this.view.text(Column.moverNamespace, this.view.moverNamespace, this.row); }
  /** Name of the pod. */
  get name(): string { return this.view.text(Column.moverName, this.view.moverName, this.row); }
  /** Kind of the owner (`Deployment`, `Job`, …); empty where none. */
  get ownerKind(): string { return this.view.text(Column.moverOwnerKind, this.view.moverOwnerKind, this.row); }
  /** Name of the owner; empty where none. */
  get ownerName(): string { return this.view.text(Column.moverOwnerName, this.view.moverOwnerName, this.row); }
  /** Request, millicores. */
  get cpuMilli(): u32 { return this.view.moverCpu[this.row]; }
  /** Request, MiB, rounded up. */
  get memoryMib(): u32 { return this.view.moverMemory[this.row]; }
  /** Age, milliseconds. */
  get ageMs(): u32 { return this.view.moverAgeMs[this.row]; }
  /** Value of a label; empty where absent. */
  label(key: string): string {
    return this.view.textByKey(this.view.byKey(ByKey.moverLabel, key, contract.moverLabel), this.row);
  }
  /** Value of a `plimsoll.io/…` annotation; empty where absent. */
  annotation(key: string): string {
    return this.view.textByKey(this.view.byKey(ByKey.moverAnnotation, key, contract.moverAnnotation), this.row);
  }
}

/** A step of the plan that begins something. */
@final
export class Step extends Row {
  /** Kind: `GrowGroup`, `Cordon`, `ScaleWorkload`, … */
  get kind(): string { return this.view.text(Column.stepKind, this.view.stepKind, this.row); }
  /** Group or Fargate profile that it changes; empty where none. */
  get group(): string { return this.view.text(Column.stepGroup, this.view.stepGroup, this.row); }
  /** Namespace of the workload or pod that it is about; empty where none. */
  get namespace(): string { return this.view.text(Column.stepNamespace, this.view.stepNamespace, this.row); }
  /** Name of the workload, pod, node or instance that it is about; empty where it is about a group. */
  get object(): string { return this.view.text(Column.stepObject, this.view.stepObject, this.row); }
  /** Replicas, size or maximum before; 0 where it has none. */
  get from(): u32 { return this.view.stepFrom[this.row]; }
  /** The same after. */
  get to(): u32 { return this.view.stepTo[this.row]; }
  /** Pods that it is for, or that would have to move. */
  get pods(): u32 { return this.view.stepPods[this.row]; }
  /** What it adds to the bill, dollars per hour. */
  get adds(): f64 { return known(this.view.stepAdds[this.row], "adds"); }
  get hasAdds(): bool { return this.view.stepAdds[this.row] >= 0; }
  /** What it takes off the bill once it is through, dollars per hour. */
  get saves(): f64 { return known(this.view.stepSaves[this.row], "saves"); }
  get hasSaves(): bool { return this.view.stepSaves[this.row] >= 0; }
}

/** What capacity is changed in; Fargate profiles are among them. */
@final
export class Group extends Row {
  /** Name. */
  get name(): string { return this.view.text(Column.groupName, this.view.groupName, this.row); }
  /** Kind. */
  get kind(): GroupKind { return groupKind(this.view.groupKind[this.row]); }
  /** Fewest instances. */
  get min(): u32 { return this.view.groupMin[this.row]; }
  /** Most instances. */
  get max(): u32 { return this.view.groupMax[this.row]; }
  /** Instances that the provider was asked for last. */
  get desired(): u32 { return this.view.groupDesired[this.row]; }
  /** Nodes of it that are in the cluster. */
  get nodes(): u32 { return this.view.groupNodes[this.row]; }
  /** Whether somebody else owns its size. */
  get foreign(): bool { return this.view.groupForeign[this.row] == 1; }
  /** Requested share of CPU, thousandths, smoothed over cycles; 0 where it has no nodes. */
  get cpuRequested(): u32 { return this.view.groupCpuRequested[this.row]; }
  /** Requested share of memory, the same way. */
  get memoryRequested(): u32 { return this.view.groupMemoryRequested[this.row]; }
  /** Used share of CPU, thousandths, smoothed over cycles. */
  get cpuUsed(): u32 { return present(this.view.groupCpuUsed[this.row], "cpuUsed"); }
  get hasCpuUsed(): bool { return this.view.groupCpuUsed[this.row] != ABSENT; }
  /** Used share of memory, the same way. */
  get memoryUsed(): u32 { return present(this.view.groupMemoryUsed[this.row], "memoryUsed"); }
  get hasMemoryUsed(): bool { return this.view.groupMemoryUsed[this.row] != ABSENT; }
  /** Median of its last boot times, milliseconds. */
  get bootMs(): u32 { return present(this.view.groupBootMs[this.row], "bootMs"); }
  get hasBootMs(): bool { return this.view.groupBootMs[this.row] != ABSENT; }
  /** How long ago the provider last said that it has no capacity, milliseconds. */
  get shortMs(): u32 { return present(this.view.groupShortMs[this.row], "shortMs"); }
  get hasShortMs(): bool { return this.view.groupShortMs[this.row] != ABSENT; }
  /** Value of a label of its nodes; empty where absent. */
  label(key: string): string {
    return this.view.textByKey(this.view.byKey(ByKey.groupLabel, key, contract.groupLabel), this.row);
  }
}

/** What can be bought in a group: an instance type in a zone, or a Fargate size. */
@final
export class Offer extends Row {
  /** Group that it is bought in. */
  get group(): Group { return new Group(this.view, this.view.offerGroup[this.row]); }
  /** Instance type (`m6a.xlarge`); empty for a Fargate size. */
  get type(): string { return this.view.text(Column.offerType, this.view.offerType, this.row); }
  /** Zone; empty for a Fargate size. */
  get zone(): string { return this.view.text(Column.offerZone, this.view.offerZone, this.row); }
  /** `amd64` or `arm64`; empty for a Fargate size. */
  get arch(): string { return this.view.text(Column.offerArch, this.view.offerArch, this.row); }
  /** How it is paid for. */
  get purchase(): Purchase { return purchase(this.view.offerPurchase[this.row]); }
  /** What pods can use of one, millicores. */
  get cpuMilli(): u32 { return this.view.offerCpu[this.row]; }
  /** What pods can use of one, MiB, rounded down. */
  get memoryMib(): u32 { return this.view.offerMemory[this.row]; }
  /** Most pods on one; 1 for a Fargate size. */
  get pods(): u32 { return this.view.offerPods[this.row]; }
  /** Price, dollars per hour. */
  get price(): f64 { return this.view.offerPrice[this.row]; }
  /** How far the price can be trusted. */
  get confidence(): Confidence {
    const code = this.view.offerConfidence[this.row];
    return code < <u32>Confidence.Unknown ? code : Confidence.Unknown;
  }
  /** Chance that it is taken back within a month, thousandths. */
  get interruptions(): u32 { return present(this.view.offerInterruptions[this.row], "interruptions"); }
  get hasInterruptions(): bool { return this.view.offerInterruptions[this.row] != ABSENT; }
  /** For how long it will not be bought, milliseconds; 0 where it may be. */
  get barredMs(): u32 { return this.view.offerBarredMs[this.row]; }
  /** What pods can use of one of an extended resource. */
  extended(resource: string): u32 { return this.view.offerExtended(resource)[this.row]; }
  /** Value of a label of a node bought so; empty where absent. */
  label(key: string): string {
    return this.view.textByKey(this.view.byKey(ByKey.offerLabel, key, contract.offerLabel), this.row);
  }
}

/** A node. */
@final
export class Node extends Row {
  /** Name. */
  get name(): string { return this.view.text(Column.nodeName, this.view.nodeName, this.row); }
  /** Its group; null where it has none. */
  get group(): Group | null {
    const row = this.view.nodeGroup[this.row];
    return row == ABSENT ? null : new Group(this.view, row);
  }
  /** Offer that it was bought as; null where nobody knows. */
  get offer(): Offer | null {
    const row = this.view.nodeOffer[this.row];
    return row == ABSENT ? null : new Offer(this.view, row);
  }
  /** State, as the sum that view.wit names; the properties below take it apart. */
  get state(): u32 { return this.view.nodeState[this.row]; }
  /** Whether it is Ready. */
  get isReady(): bool { return (this.state & 1) != 0; }
  /** Whether it is cordoned. */
  get isCordoned(): bool { return (this.state & 2) != 0; }
  /** Whether it is being deleted. */
  get isDeleting(): bool { return (this.state & 4) != 0; }
  /** Whether it is a Fargate pod's own node. */
  get isFargate(): bool { return (this.state & 8) != 0; }
  /** Whether an annotation keeps it. */
  get isKept(): bool { return (this.state & 16) != 0; }
  /** Whether Plimsoll drains it. */
  get isDraining(): bool { return (this.state & 32) != 0; }
  /** Whether the provider takes it away. */
  get isLeaving(): bool { return (this.state & 64) != 0; }
  /** Price, dollars per hour. */
  get price(): f64 { return known(this.view.nodePrice[this.row], "price"); }
  get hasPrice(): bool { return this.view.nodePrice[this.row] >= 0; }
  /** Age, milliseconds. */
  get ageMs(): u32 { return this.view.nodeAgeMs[this.row]; }
  /** What pods can use, millicores. */
  get cpuMilli(): u32 { return this.view.nodeCpu[this.row]; }
  /** What pods can use, MiB, rounded down. */
  get memoryMib(): u32 { return this.view.nodeMemory[this.row]; }
  /** Most pods. */
  get pods(): u32 { return this.view.nodePods[this.row]; }
  /** CPU in use, millicores. */
  get cpuUsedMilli(): u32 { return present(this.view.nodeCpuUsed[this.row], "cpuUsedMilli"); }
  get hasCpuUsedMilli(): bool { return this.view.nodeCpuUsed[this.row] != ABSENT; }
  /** Memory in use, MiB, rounded up. */
  get memoryUsedMib(): u32 { return present(this.view.nodeMemoryUsed[this.row], "memoryUsedMib"); }
  get hasMemoryUsedMib(): bool { return this.view.nodeMemoryUsed[this.row] != ABSENT; }
  /** What pods can use of an extended resource. */
  extended(resource: string): u32 { return this.view.nodeExtended(resource)[this.row]; }
  /** Value of a label; empty where absent. */
  label(key: string): string {
    return this.view.textByKey(this.view.byKey(ByKey.nodeLabel, key, contract.nodeLabel), this.row);
  }
}

/** A pod; those that have finished are among them. */
@final
export class Pod extends Row {
  /** Namespace. */
  get namespace(): string { return this.view.text(Column.podNamespace, this.view.podNamespace, this.row); }
  /** Name. */
  get name(): string { return this.view.text(Column.podName, this.view.podName, this.row); }
  /** Node that it is on; null where it has none. */
  get node(): Node | null {
    const row = this.view.podNode[this.row];
    return row == ABSENT ? null : new Node(this.view, row);
  }
  /** Phase. */
  get phase(): Phase { return min<u32>(this.view.podPhase[this.row], Phase.Other); }
  /** Age, milliseconds. */
  get ageMs(): u32 { return this.view.podAgeMs[this.row]; }
  /** Request, millicores. */
  get cpuMilli(): u32 { return this.view.podCpu[this.row]; }
  /** Request, MiB, rounded up. */
  get memoryMib(): u32 { return this.view.podMemory[this.row]; }
  /** CPU in use, millicores. */
  get cpuUsedMilli(): u32 { return present(this.view.podCpuUsed[this.row], "cpuUsedMilli"); }
  get hasCpuUsedMilli(): bool { return this.view.podCpuUsed[this.row] != ABSENT; }
  /** Memory in use, MiB, rounded up. */
  get memoryUsedMib(): u32 { return present(this.view.podMemoryUsed[this.row], "memoryUsedMib"); }
  get hasMemoryUsedMib(): bool { return this.view.podMemoryUsed[this.row] != ABSENT; }
  /** `spec.priority`. */
  get priority(): i32 { return this.view.podPriority[this.row]; }
  /** Kind of the owner (`Deployment`, `Job`, …); empty where none. */
  get ownerKind(): string { return this.view.text(Column.podOwnerKind, this.view.podOwnerKind, this.row); }
  /** Name of the owner; empty where none. */
  get ownerName(): string { return this.view.text(Column.podOwnerName, this.view.podOwnerName, this.row); }
  /** Request of an extended resource. */
  extended(resource: string): u32 { return this.view.podExtended(resource)[this.row]; }
  /** Value of a label; empty where absent. */
  label(key: string): string {
    return this.view.textByKey(this.view.byKey(ByKey.podLabel, key, contract.podLabel), this.row);
  }
  /** Value of a `plimsoll.io/…` annotation; empty where absent. */
  annotation(key: string): string {
    return this.view.textByKey(this.view.byKey(ByKey.podAnnotation, key, contract.podAnnotation), this.row);
  }
}

/** A figure about a workload, whether or not the workload is scaled. */
@final
export class Metric extends Row {
  /** `cpu`, `memory`, or a name of the operator's. */
  get name(): string { return this.view.text(Column.metricName, this.view.metricName, this.row); }
  /** Kind of the workload. */
  get kind(): string { return this.view.text(Column.metricKind, this.view.metricKind, this.row); }
  /** Namespace of the workload. */
  get namespace(): string { return this.view.text(Column.metricNamespace, this.view.metricNamespace, this.row); }
  /** Name of the workload. */
  get workload(): string { return this.view.text(Column.metricWorkload, this.view.metricWorkload, this.row); }
  /** Value, summed over `pods`: millicores for `cpu`, bytes for `memory`, else the metric's unit. */
  get value(): f64 { return this.view.metricValue[this.row]; }
  /** Age of the value, milliseconds. */
  get ageMs(): u32 { return this.view.metricAgeMs[this.row]; }
  /** Pods that contributed to it. */
  get pods(): u32 { return this.view.metricPods[this.row]; }
}

/** Demand of a recent cycle. */
@final
export class Moment extends Row {
  /** How long before now, milliseconds. */
  get ageMs(): u32 { return this.view.historyAgeMs[this.row]; }
  /** Pods that waited. */
  get pending(): u32 { return this.view.historyPending[this.row]; }
}

function groupKind(code: u32): GroupKind {
  return code <= <u32>GroupKind.Simulated ? code : GroupKind.Other;
}

function purchase(code: u32): Purchase {
  return code <= <u32>Purchase.Reserved ? code : Purchase.Mixed;
}

function present(value: u32, name: string): u32 {
  if (value == ABSENT) absent(name);
  return value;
}

function known(amount: f64, name: string): f64 {
  if (amount < 0) absent(name);
  return amount;
}

function absent(name: string): void {
  throw new Error(name + " is not known; ask whether it is there first");
}
