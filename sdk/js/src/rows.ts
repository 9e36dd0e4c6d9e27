// Rows of the picture: what a policy walks through. Every figure is read from its column; `undefined` is what nobody
// knows, `""` a text that is absent.
//
// Sums and other reckoning are the policy's.

import { ABSENT, type Worded } from "./columns";
import type { View } from "./view";

/** A row of one of the tables. */
export abstract class Row {
  /** Number of the row. */
  declare readonly row: number;
  /** What all rows of a table have in common (`rowsOf`). */
  declare protected readonly view: View;
  declare protected readonly words: readonly string[];
  declare protected readonly worded: Worded;
}

/**
 * So many rows of a table. There may be a hundred thousand, and the engine makes a small object with a ready prototype
 * in half the time that a constructor takes.
 */
export function rowsOf<R extends Row>(type: { readonly prototype: R }, view: View, count: number): readonly R[] {
  const { words, worded } = view.dictionary;
  const common = Object.assign(Object.create(type.prototype as object), { view, words, worded });
  const rows: R[] = [];
  for (let row = 0; row < count; row++) rows.push({ __proto__: common, row } as unknown as R);
  return rows;
}

/** Kind of a group; one that this SDK does not know is nodes of some kind. */
export type GroupKind =
  | "asg"
  | "managed-node-group"
  | "kops"
  | "fleet"
  | "fargate"
  | "ecs"
  | "kwok"
  | "simulated"
  | "other";

/** How instances are paid for; `mixed`: several ways, or a Fargate size. */
export type Purchase = "mixed" | "on-demand" | "spot" | "reserved";

/** Why another node should take a candidate's place. */
export type Due = "no" | "expired" | "drifted" | "other";

/** Where a pod is in its life. */
export type Phase = "pending" | "running" | "terminating" | "finished" | "other";

/** How far a price can be trusted. An offer whose price nobody knows never wins by money. */
export type Confidence = "read" | "built-in" | "estimated" | "unknown";

const KINDS: readonly GroupKind[] = [
  "other", "asg", "managed-node-group", "kops", "fleet", "fargate", "ecs", "kwok", "simulated",
];
const PURCHASES: readonly Purchase[] = ["mixed", "on-demand", "spot", "reserved"];
const DUES: readonly Due[] = ["no", "expired", "drifted"];
const PHASES: readonly Phase[] = ["pending", "running", "terminating", "finished"];
const CONFIDENCES: readonly Confidence[] = ["unknown", "read", "built-in", "estimated"];

/** A class of demand: pods that no scheduling rule can tell apart. */
export class Class extends Row {
  /** Request of one pod, millicores. */
  get cpuMilli(): number { return this.view.classCpu[this.row]; }
  /** Request of one pod, MiB, rounded up. */
  get memoryMib(): number { return this.view.classMemory[this.row]; }
  /** Pods that wait. */
  get pending(): number { return this.view.classPending[this.row]; }
  /** Replicas that are decided but have no pod yet. */
  get toCome(): number { return this.view.classToCome[this.row]; }
  /** Virtual pods. */
  get headroom(): number { return this.view.classHeadroom[this.row]; }
  /** Cheapest EC2 price of one pod on a node used to the full, dollars per hour; undefined where none fits. */
  get ec2Price(): number | undefined { return known(this.view.classEc2Price[this.row]); }
  /** Price of one pod on Fargate, dollars per hour; undefined where it cannot run there. */
  get fargatePrice(): number | undefined { return known(this.view.classFargatePrice[this.row]); }
  /** `spec.priority`. */
  get priority(): number { return this.view.classPriority[this.row]; }
  /** Namespace; empty for virtual pods. */
  get namespace(): string { return this.words[this.worded.classNamespace[this.row]]; }
  /** Kind of the owner (`Deployment`, `Job`, …); empty where none. */
  get ownerKind(): string { return this.words[this.worded.classOwnerKind[this.row]]; }
  /** Name of the owner; empty where none. */
  get ownerName(): string { return this.words[this.worded.classOwnerName[this.row]]; }
  /** Value of a pod label; empty where absent. */
  label(key: string): string { return this.words[this.worded.classLabel(key)[this.row]]; }
  /** Value of a `plimsoll.io/…` annotation; empty where absent. */
  annotation(key: string): string { return this.words[this.worded.classAnnotation(key)[this.row]]; }
  /** Units of an extended resource that one pod asks for. */
  extended(resource: string): number { return this.view.classExtended(resource)[this.row]; }
}

/** All offers of a group that are bought alike. */
export class OfferSet extends Row {
  /** `group` or `group/arch/purchase`. */
  get name(): string { return this.words[this.worded.setName[this.row]]; }
  /** Name of its group. */
  get group(): string { return this.words[this.worded.setGroup[this.row]]; }
  /** Kind of its group. */
  get kind(): GroupKind { return KINDS[this.view.setKind[this.row]] ?? "other"; }
  /** Whether pods run on Fargate there. */
  get isFargate(): boolean { return this.kind === "fargate"; }
  /** `amd64`, `arm64`, …; empty where it has several. */
  get arch(): string { return this.words[this.worded.setArch[this.row]]; }
  /** How its instances are paid for. */
  get purchase(): Purchase { return PURCHASES[this.view.setPurchase[this.row]] ?? "mixed"; }
  /** Offers in it. */
  get offers(): number { return this.view.setOffers[this.row]; }
  /** Price of its cheapest offer, dollars per hour. */
  get minPrice(): number { return this.view.setMinPrice[this.row]; }
  /** Nodes that its group has. */
  get nodes(): number { return this.view.setNodes[this.row]; }
  /** Requested share of the group's CPU, thousandths. */
  get cpuRequested(): number { return this.view.setCpuRequested[this.row]; }
  /** Requested share of the group's memory, thousandths. */
  get memoryRequested(): number { return this.view.setMemoryRequested[this.row]; }
  /** Used share of the group's CPU, thousandths. */
  get cpuUsed(): number | undefined { return present(this.view.setCpuUsed[this.row]); }
  /** Used share of the group's memory, thousandths. */
  get memoryUsed(): number | undefined { return present(this.view.setMemoryUsed[this.row]); }
  /** Median of the group's last boot times, milliseconds. */
  get bootMs(): number | undefined { return present(this.view.setBootMs[this.row]); }
  /** Value of a label of its group's nodes; empty where absent. */
  label(key: string): string { return this.words[this.worded.setLabel(key)[this.row]]; }
}

/** A workload that may be scaled. */
export class Workload extends Row {
  /** Kind: `Deployment`, `StatefulSet`, … */
  get kind(): string { return this.words[this.worded.workloadKind[this.row]]; }
  /** Namespace. */
  get namespace(): string { return this.words[this.worded.workloadNamespace[this.row]]; }
  /** Name. */
  get name(): string { return this.words[this.worded.workloadName[this.row]]; }
  /** Replicas now. */
  get replicas(): number { return this.view.workloadReplicas[this.row]; }
  /** Ready pods. */
  get ready(): number { return this.view.workloadReady[this.row]; }
  /** Fewest replicas. */
  get min(): number { return this.view.workloadMin[this.row]; }
  /** Most replicas. */
  get max(): number { return this.view.workloadMax[this.row]; }
  /** Metric to hold at the target: `cpu`, `memory`, or a name of the operator's. */
  get metric(): string { return this.words[this.worded.workloadMetric[this.row]]; }
  /** Target: share of the request for `cpu` and `memory`, else units per replica. */
  get target(): number { return this.view.workloadTarget[this.row]; }
  /** Value of the metric, summed over `pods`; undefined where it is missing. */
  get value(): number | undefined { return known(this.view.workloadValue[this.row]); }
  /** Age of the value, milliseconds. */
  get ageMs(): number { return this.view.workloadAgeMs[this.row]; }
  /** Pods that contributed to the value. */
  get pods(): number { return this.view.workloadPods[this.row]; }
  /** Request of one pod in the unit of the value; 0 for metrics other than `cpu` and `memory`. */
  get request(): number { return this.view.workloadRequest[this.row]; }
  /** Highest recommendation of the last five minutes; the replicas now where there was none. */
  get recentMax(): number { return this.view.workloadRecentMax[this.row]; }
  /** Past values, oldest first. */
  get samples(): readonly Sample[] { return this.view.samplesOf(this.row); }
  /** Value of a label of its pods; empty where absent. */
  label(key: string): string { return this.words[this.worded.workloadLabel(key)[this.row]]; }
  /** Value of a `plimsoll.io/…` annotation of its pods; empty where absent. */
  annotation(key: string): string { return this.words[this.worded.workloadAnnotation(key)[this.row]]; }
}

/** A past value of a workload's metric. */
export class Sample extends Row {
  /** Workload that it is of. */
  get workload(): Workload { return this.view.workloads[this.view.sampleWorkload[this.row]]; }
  /** How long before now it was measured, milliseconds. */
  get ageMs(): number { return this.view.sampleAgeMs[this.row]; }
  /** The value, in the unit of the workload's. */
  get value(): number { return this.view.sampleValue[this.row]; }
}

/** A node that could be given up. */
export class Candidate extends Row {
  /** Name of the node. */
  get name(): string { return this.words[this.worded.candidateName[this.row]]; }
  /** Name of its group. */
  get group(): string { return this.words[this.worded.candidateGroup[this.row]]; }
  /** Price, dollars per hour; undefined where nobody knows it. */
  get price(): number | undefined { return known(this.view.candidatePrice[this.row]); }
  /** Age, milliseconds. */
  get ageMs(): number { return this.view.candidateAgeMs[this.row]; }
  /** Pods that would have to move. */
  get moves(): number { return this.view.candidateMoves[this.row]; }
  /** Requested share of CPU, thousandths. */
  get cpuRequested(): number { return this.view.candidateCpuRequested[this.row]; }
  /** Requested share of memory, thousandths. */
  get memoryRequested(): number { return this.view.candidateMemoryRequested[this.row]; }
  /** Used share of CPU, thousandths. */
  get cpuUsed(): number | undefined { return present(this.view.candidateCpuUsed[this.row]); }
  /** Used share of memory, thousandths. */
  get memoryUsed(): number | undefined { return present(this.view.candidateMemoryUsed[this.row]); }
  /** For how long it could have gone, milliseconds; undefined: it could not until now. */
  get unneededMs(): number | undefined { return present(this.view.candidateUnneededMs[this.row]); }
  /** Why another should take its place. */
  get due(): Due { return DUES[this.view.candidateDue[this.row]] ?? "other"; }
  /** Pods that would have to move for it. */
  get movers(): readonly Mover[] { return this.view.moversOf(this.row); }
  /** Value of a label of the node; empty where absent. */
  label(key: string): string { return this.words[this.worded.candidateLabel(key)[this.row]]; }
}

/** A pod that would have to move. */
export class Mover extends Row {
  /** Node that it is on. */
  get candidate(): Candidate { return this.view.candidates[this.view.moverCandidate[this.row]]; }
  /** Namespace. */
  get namespace(): string { return this.words[this.worded.moverNamespace[this.row]]; }
  /** Name of the pod. */
  get name(): string { return this.words[this.worded.moverName[this.row]]; }
  /** Kind of the owner (`Deployment`, `Job`, …); empty where none. */
  get ownerKind(): string { return this.words[this.worded.moverOwnerKind[this.row]]; }
  /** Name of the owner; empty where none. */
  get ownerName(): string { return this.words[this.worded.moverOwnerName[this.row]]; }
  /** Request, millicores. */
  get cpuMilli(): number { return this.view.moverCpu[this.row]; }
  /** Request, MiB, rounded up. */
  get memoryMib(): number { return this.view.moverMemory[this.row]; }
  /** Age, milliseconds. */
  get ageMs(): number { return this.view.moverAgeMs[this.row]; }
  /** Value of a label; empty where absent. */
  label(key: string): string { return this.words[this.worded.moverLabel(key)[this.row]]; }
  /** Value of a `plimsoll.io/…` annotation; empty where absent. */
  annotation(key: string): string { return this.words[this.worded.moverAnnotation(key)[this.row]]; }
}

/** A step of the plan that begins something. */
export class Step extends Row {
  /** Kind: `GrowGroup`, `Cordon`, `ScaleWorkload`, … */
  get kind(): string { return this.words[this.worded.stepKind[this.row]]; }
  /** Group or Fargate profile that it changes; empty where none. */
  get group(): string { return this.words[this.worded.stepGroup[this.row]]; }
  /** Namespace of the workload or pod that it is about; empty where none. */
  get namespace(): string { return this.words[this.worded.stepNamespace[this.row]]; }
  /** Name of the workload, pod, node or instance that it is about; empty where it is about a group. */
  get object(): string { return this.words[this.worded.stepObject[this.row]]; }
  /** Replicas, size or maximum before; 0 where it has none. */
  get from(): number { return this.view.stepFrom[this.row]; }
  /** The same after. */
  get to(): number { return this.view.stepTo[this.row]; }
  /** Pods that it is for, or that would have to move. */
  get pods(): number { return this.view.stepPods[this.row]; }
  /** What it adds to the bill, dollars per hour; undefined where nobody knows. */
  get adds(): number | undefined { return known(this.view.stepAdds[this.row]); }
  /** What it takes off the bill once it is through, dollars per hour; undefined where nobody knows. */
  get saves(): number | undefined { return known(this.view.stepSaves[this.row]); }
}

/** What capacity is changed in; Fargate profiles are among them. */
export class Group extends Row {
  /** Name. */
  get name(): string { return this.words[this.worded.groupName[this.row]]; }
  /** Kind. */
  get kind(): GroupKind { return KINDS[this.view.groupKind[this.row]] ?? "other"; }
  /** Fewest instances. */
  get min(): number { return this.view.groupMin[this.row]; }
  /** Most instances. */
  get max(): number { return this.view.groupMax[this.row]; }
  /** Instances that the provider was asked for last. */
  get desired(): number { return this.view.groupDesired[this.row]; }
  /** Nodes of it that are in the cluster. */
  get nodes(): number { return this.view.groupNodes[this.row]; }
  /** Whether somebody else owns its size. */
  get foreign(): boolean { return this.view.groupForeign[this.row] === 1; }
  /** Requested share of CPU, thousandths, smoothed over cycles; 0 where it has no nodes. */
  get cpuRequested(): number { return this.view.groupCpuRequested[this.row]; }
  /** Requested share of memory, the same way. */
  get memoryRequested(): number { return this.view.groupMemoryRequested[this.row]; }
  /** Used share of CPU, thousandths, smoothed over cycles. */
  get cpuUsed(): number | undefined { return present(this.view.groupCpuUsed[this.row]); }
  /** Used share of memory, the same way. */
  get memoryUsed(): number | undefined { return present(this.view.groupMemoryUsed[this.row]); }
  /** Median of its last boot times, milliseconds. */
  get bootMs(): number | undefined { return present(this.view.groupBootMs[this.row]); }
  /** How long ago the provider last said that it has no capacity, milliseconds; undefined where nothing is wanting. */
  get shortMs(): number | undefined { return present(this.view.groupShortMs[this.row]); }
  /** Value of a label of its nodes; empty where absent. */
  label(key: string): string { return this.words[this.worded.groupLabel(key)[this.row]]; }
}

/** What can be bought in a group: an instance type in a zone, or a Fargate size. */
export class Offer extends Row {
  /** Group that it is bought in. */
  get group(): Group { return this.view.groups[this.view.offerGroup[this.row]]; }
  /** Instance type (`m6a.xlarge`); empty for a Fargate size. */
  get type(): string { return this.words[this.worded.offerType[this.row]]; }
  /** Zone; empty for a Fargate size. */
  get zone(): string { return this.words[this.worded.offerZone[this.row]]; }
  /** `amd64` or `arm64`; empty for a Fargate size. */
  get arch(): string { return this.words[this.worded.offerArch[this.row]]; }
  /** How it is paid for. */
  get purchase(): Purchase { return PURCHASES[this.view.offerPurchase[this.row]] ?? "mixed"; }
  /** What pods can use of one, millicores. */
  get cpuMilli(): number { return this.view.offerCpu[this.row]; }
  /** What pods can use of one, MiB, rounded down. */
  get memoryMib(): number { return this.view.offerMemory[this.row]; }
  /** Most pods on one; 1 for a Fargate size. */
  get pods(): number { return this.view.offerPods[this.row]; }
  /** Price, dollars per hour. */
  get price(): number { return this.view.offerPrice[this.row]; }
  /** How far the price can be trusted. */
  get confidence(): Confidence { return CONFIDENCES[this.view.offerConfidence[this.row]] ?? "unknown"; }
  /** Chance that it is taken back within a month, thousandths. */
  get interruptions(): number | undefined { return present(this.view.offerInterruptions[this.row]); }
  /** For how long it will not be bought, milliseconds; 0 where it may be. */
  get barredMs(): number { return this.view.offerBarredMs[this.row]; }
  /** What pods can use of one of an extended resource. */
  extended(resource: string): number { return this.view.offerExtended(resource)[this.row]; }
  /** Value of a label of a node bought so; empty where absent. */
  label(key: string): string { return this.words[this.worded.offerLabel(key)[this.row]]; }
}

/** A node. */
export class Node extends Row {
  /** Name. */
  get name(): string { return this.words[this.worded.nodeName[this.row]]; }
  /** Its group; undefined where it has none. */
  get group(): Group | undefined { return this.view.groups[this.view.nodeGroup[this.row]]; }
  /** Offer that it was bought as, where that is known. */
  get offer(): Offer | undefined { return this.view.offers[this.view.nodeOffer[this.row]]; }
  /** State, as the sum that view.wit names; the properties below take it apart. */
  get state(): number { return this.view.nodeState[this.row]; }
  /** Whether it is Ready. */
  get isReady(): boolean { return (this.state & 1) !== 0; }
  /** Whether it is cordoned. */
  get isCordoned(): boolean { return (this.state & 2) !== 0; }
  /** Whether it is being deleted. */
  get isDeleting(): boolean { return (this.state & 4) !== 0; }
  /** Whether it is a Fargate pod's own node. */
  get isFargate(): boolean { return (this.state & 8) !== 0; }
  /** Whether an annotation keeps it. */
  get isKept(): boolean { return (this.state & 16) !== 0; }
  /** Whether Plimsoll drains it. */
  get isDraining(): boolean { return (this.state & 32) !== 0; }
  /** Whether the provider takes it away. */
  get isLeaving(): boolean { return (this.state & 64) !== 0; }
  /** Price, dollars per hour; undefined where nobody knows it. */
  get price(): number | undefined { return known(this.view.nodePrice[this.row]); }
  /** Age, milliseconds. */
  get ageMs(): number { return this.view.nodeAgeMs[this.row]; }
  /** What pods can use, millicores. */
  get cpuMilli(): number { return this.view.nodeCpu[this.row]; }
  /** What pods can use, MiB, rounded down. */
  get memoryMib(): number { return this.view.nodeMemory[this.row]; }
  /** Most pods. */
  get pods(): number { return this.view.nodePods[this.row]; }
  /** CPU in use, millicores. */
  get cpuUsedMilli(): number | undefined { return present(this.view.nodeCpuUsed[this.row]); }
  /** Memory in use, MiB, rounded up. */
  get memoryUsedMib(): number | undefined { return present(this.view.nodeMemoryUsed[this.row]); }
  /** What pods can use of an extended resource. */
  extended(resource: string): number { return this.view.nodeExtended(resource)[this.row]; }
  /** Value of a label; empty where absent. */
  label(key: string): string { return this.words[this.worded.nodeLabel(key)[this.row]]; }
}

/** A pod; those that have finished are among them. */
export class Pod extends Row {
  /** Namespace. */
  get namespace(): string { return this.words[this.worded.podNamespace[this.row]]; }
  /** Name. */
  get name(): string { return this.words[this.worded.podName[this.row]]; }
  /** Node that it is on; undefined where it has none. */
  get node(): Node | undefined { return this.view.nodes[this.view.podNode[this.row]]; }
  /** Phase. */
  get phase(): Phase { return PHASES[this.view.podPhase[this.row]] ?? "other"; }
  /** Age, milliseconds. */
  get ageMs(): number { return this.view.podAgeMs[this.row]; }
  /** Request, millicores. */
  get cpuMilli(): number { return this.view.podCpu[this.row]; }
  /** Request, MiB, rounded up. */
  get memoryMib(): number { return this.view.podMemory[this.row]; }
  /** CPU in use, millicores. */
  get cpuUsedMilli(): number | undefined { return present(this.view.podCpuUsed[this.row]); }
  /** Memory in use, MiB, rounded up. */
  get memoryUsedMib(): number | undefined { return present(this.view.podMemoryUsed[this.row]); }
  /** `spec.priority`. */
  get priority(): number { return this.view.podPriority[this.row]; }
  /** Kind of the owner (`Deployment`, `Job`, …); empty where none. */
  get ownerKind(): string { return this.words[this.worded.podOwnerKind[this.row]]; }
  /** Name of the owner; empty where none. */
  get ownerName(): string { return this.words[this.worded.podOwnerName[this.row]]; }
  /** Request of an extended resource. */
  extended(resource: string): number { return this.view.podExtended(resource)[this.row]; }
  /** Value of a label; empty where absent. */
  label(key: string): string { return this.words[this.worded.podLabel(key)[this.row]]; }
  /** Value of a `plimsoll.io/…` annotation; empty where absent. */
  annotation(key: string): string { return this.words[this.worded.podAnnotation(key)[this.row]]; }
}

/** A figure about a workload, whether or not the workload is scaled. */
export class Metric extends Row {
  /** `cpu`, `memory`, or a name of the operator's. */
  get name(): string { return this.words[this.worded.metricName[this.row]]; }
  /** Kind of the workload. */
  get kind(): string { return this.words[this.worded.metricKind[this.row]]; }
  /** Namespace of the workload. */
  get namespace(): string { return this.words[this.worded.metricNamespace[this.row]]; }
  /** Name of the workload. */
  get workload(): string { return this.words[this.worded.metricWorkload[this.row]]; }
  /** Value, summed over `pods`: millicores for `cpu`, bytes for `memory`, else the metric's unit. */
  get value(): number { return this.view.metricValue[this.row]; }
  /** Age of the value, milliseconds. */
  get ageMs(): number { return this.view.metricAgeMs[this.row]; }
  /** Pods that contributed to it. */
  get pods(): number { return this.view.metricPods[this.row]; }
}

/** Demand of a recent cycle. */
export class Moment extends Row {
  /** How long before now, milliseconds. */
  get ageMs(): number { return this.view.historyAgeMs[this.row]; }
  /** Pods that waited. */
  get pending(): number { return this.view.historyPending[this.row]; }
}

function present(value: number): number | undefined {
  return value === ABSENT ? undefined : value;
}

function known(amount: number): number | undefined {
  return amount < 0 ? undefined : amount;
}

/** Where the rows of each owner begin, in a table that is in the order of its owners, and where the last ones end. */
export function beginnings(ownerOf: Uint32Array, owners: number): Uint32Array {
  const begins = new Uint32Array(owners + 1);
  const rows = ownerOf.length;
  let next = 0;
  for (let row = 0; row < rows; row++) {
    const owner = ownerOf[row];
    while (next <= owner && next <= owners) begins[next++] = row;
  }
  return begins.fill(rows, next);
}
