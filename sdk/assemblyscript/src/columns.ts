// Columns of the picture, whole: one entry for each row of their table. Fetched when first read, and kept.
//
// Units, codes and what stands for "not known" are those of sdk/wit/view.wit, whose functions these are in camel case.
// Rows (rows.ts) make something kinder of them.

import * as contract from "./contract";
import { bytesOf, listAt, OUT, written } from "./memory";

/** Stands for "not known" where a column of whole numbers says that its values can be absent. */
export const ABSENT: u32 = 4294967295;

/** Places of columns among those that were fetched. */
export enum Column {
  classCpu, classMemory, classPending, classToCome, classHeadroom, classEc2Price, classFargatePrice, classPriority,
  classNamespace, classOwnerKind, classOwnerName, setName, setGroup, setKind, setArch, setPurchase, setOffers,
  setMinPrice, setNodes, setCpuRequested, setMemoryRequested, setCpuUsed, setMemoryUsed, setBootMs, workloadKind,
  workloadNamespace, workloadName, workloadReplicas, workloadReady, workloadMin, workloadMax, workloadMetric,
  workloadTarget, workloadValue, workloadAgeMs, workloadPods, workloadRequest, workloadRecentMax, candidateName,
  candidateGroup, candidatePrice, candidateAgeMs, candidateMoves, candidateCpuRequested, candidateMemoryRequested,
  candidateCpuUsed, candidateMemoryUsed, candidateUnneededMs, candidateDue, moverCandidate, moverNamespace,
  moverName, moverOwnerKind, moverOwnerName, moverCpu, moverMemory, moverAgeMs, stepKind, stepGroup, stepNamespace,
  stepObject, stepFrom, stepTo, stepPods, stepAdds, stepSaves, groupName, groupKind, groupMin, groupMax,
  groupDesired, groupNodes, groupForeign, groupCpuRequested, groupMemoryRequested, groupCpuUsed, groupMemoryUsed,
  groupBootMs, groupShortMs, offerGroup, offerType, offerZone, offerArch, offerPurchase, offerCpu, offerMemory,
  offerPods, offerPrice, offerConfidence, offerInterruptions, offerBarredMs, nodeName, nodeGroup, nodeOffer,
  nodeState, nodePrice, nodeAgeMs, nodeCpu, nodeMemory, nodePods, nodeCpuUsed, nodeMemoryUsed, podNamespace, podName,
  podNode, podPhase, podAgeMs, podCpu, podMemory, podCpuUsed, podMemoryUsed, podPriority, podOwnerKind, podOwnerName,
  metricName, metricKind, metricNamespace, metricWorkload, metricValue, metricAgeMs, metricPods, sampleWorkload,
  sampleAgeMs, sampleValue, historyAgeMs, historyPending,
  COUNT,
}

/** Columns that are asked for by a key: a label, an annotation, an extended resource. */
export enum ByKey {
  classExtended, classLabel, classAnnotation, setLabel, workloadLabel, workloadAnnotation, candidateLabel,
  moverLabel, moverAnnotation, groupLabel, offerExtended, offerLabel, nodeExtended, nodeLabel, podExtended, podLabel,
  podAnnotation,
}

type Fetch = (view: i32, start: u32, count: u32, out: usize) => void;
type FetchByKey = (view: i32, key: usize, bytes: usize, start: u32, count: u32, out: usize) => void;

/** A column that was asked for by a key. */
@final
export class Keyed {
  constructor(
    readonly which: ByKey,
    readonly key: string,
    readonly rows: StaticArray<u32>,
  ) {}
  /** Whether its words are in the dictionary. */
  worded: bool = false;
}

/** See the top of the file. */
export class Columns {
  private fetched: StaticArray<usize> = new StaticArray<usize>(Column.COUNT);
  private keyed: Keyed[] = [];

  constructor(protected readonly picture: i32) {}

  /** A column by key, with what is known of it. */
  byKey(which: ByKey, key: string, fetch: FetchByKey): Keyed {
    for (let i = 0; i < this.keyed.length; i++) {
      const known = this.keyed[i];
      if (known.which == which && known.key == key) return known;
    }
    fetch(this.picture, bytesOf(key), written, 0, u32.MAX_VALUE, OUT);
    const found = new Keyed(which, key, listAt<u32>(OUT));
    this.keyed.push(found);
    return found;
  }

  @inline
  private column<T>(column: Column, fetch: Fetch): StaticArray<T> {
    const known = unchecked(this.fetched[column]);
    return known != 0 ? changetype<StaticArray<T>>(known) : this.fetch<T>(column, fetch);
  }

  private fetch<T>(column: Column, fetch: Fetch): StaticArray<T> {
    fetch(this.picture, 0, u32.MAX_VALUE, OUT);
    const rows = listAt<T>(OUT);
    this.fetched[column] = changetype<usize>(rows);
    return rows;
  }

  // Classes
  get classCpu(): StaticArray<u32> { return this.column<u32>(Column.classCpu, contract.classCpu); }
  get classMemory(): StaticArray<u32> { return this.column<u32>(Column.classMemory, contract.classMemory); }
  classExtended(resource: string): StaticArray<u32> {
    return this.byKey(ByKey.classExtended, resource, contract.classExtended).rows;
  }
  get classPending(): StaticArray<u32> { return this.column<u32>(Column.classPending, contract.classPending); }
  get classToCome(): StaticArray<u32> { return this.column<u32>(Column.classToCome, contract.classToCome); }
  get classHeadroom(): StaticArray<u32> { return this.column<u32>(Column.classHeadroom, contract.classHeadroom); }
  get classEc2Price(): StaticArray<f64> { return this.column<f64>(Column.classEc2Price, contract.classEc2Price); }
  get classFargatePrice(): StaticArray<f64> {
    return this.column<f64>(Column.classFargatePrice, contract.classFargatePrice);
  }
  get classPriority(): StaticArray<i32> { return this.column<i32>(Column.classPriority, contract.classPriority); }
  get classNamespace(): StaticArray<u32> { return this.column<u32>(Column.classNamespace, contract.classNamespace); }
  get classOwnerKind(): StaticArray<u32> { return this.column<u32>(Column.classOwnerKind, contract.classOwnerKind); }
  get classOwnerName(): StaticArray<u32> { return this.column<u32>(Column.classOwnerName, contract.classOwnerName); }
  classLabel(key: string): StaticArray<u32> { return this.byKey(ByKey.classLabel, key, contract.classLabel).rows; }
  classAnnotation(key: string): StaticArray<u32> {
    return this.byKey(ByKey.classAnnotation, key, contract.classAnnotation).rows;
  }

  // Sets
  get setName(): StaticArray<u32> { return this.column<u32>(Column.setName, contract.setName); }
  get setGroup(): StaticArray<u32> { return this.column<u32>(Column.setGroup, contract.setGroup); }
  get setKind(): StaticArray<u32> { return this.column<u32>(Column.setKind, contract.setKind); }
  get setArch(): StaticArray<u32> { return this.column<u32>(Column.setArch, contract.setArch); }
  get setPurchase(): StaticArray<u32> { return this.column<u32>(Column.setPurchase, contract.setPurchase); }
  get setOffers(): StaticArray<u32> { return this.column<u32>(Column.setOffers, contract.setOffers); }
  get setMinPrice(): StaticArray<f64> { return this.column<f64>(Column.setMinPrice, contract.setMinPrice); }
  get setNodes(): StaticArray<u32> { return this.column<u32>(Column.setNodes, contract.setNodes); }
  get setCpuRequested(): StaticArray<u32> { return this.column<u32>(Column.setCpuRequested, contract.setCpuRequested); }
  get setMemoryRequested(): StaticArray<u32> {
    return this.column<u32>(Column.setMemoryRequested, contract.setMemoryRequested);
  }
  get setCpuUsed(): StaticArray<u32> { return this.column<u32>(Column.setCpuUsed, contract.setCpuUsed); }
  get setMemoryUsed(): StaticArray<u32> { return this.column<u32>(Column.setMemoryUsed, contract.setMemoryUsed); }
  get setBootMs(): StaticArray<u32> { return this.column<u32>(Column.setBootMs, contract.setBootMs); }
  setLabel(key: string): StaticArray<u32> { return this.byKey(ByKey.setLabel, key, contract.setLabel).rows; }

  // Workloads
  get workloadKind(): StaticArray<u32> { return this.column<u32>(Column.workloadKind, contract.workloadKind); }
  get workloadNamespace(): StaticArray<u32> {
    return this.column<u32>(Column.workloadNamespace, contract.workloadNamespace);
  }
  get workloadName(): StaticArray<u32> { return this.column<u32>(Column.workloadName, contract.workloadName); }
  get workloadReplicas(): StaticArray<u32> {
    return this.column<u32>(Column.workloadReplicas, contract.workloadReplicas);
  }
  get workloadReady(): StaticArray<u32> { return this.column<u32>(Column.workloadReady, contract.workloadReady); }
  get workloadMin(): StaticArray<u32> { return this.column<u32>(Column.workloadMin, contract.workloadMin); }
  get workloadMax(): StaticArray<u32> { return this.column<u32>(Column.workloadMax, contract.workloadMax); }
  get workloadMetric(): StaticArray<u32> { return this.column<u32>(Column.workloadMetric, contract.workloadMetric); }
  get workloadTarget(): StaticArray<f64> { return this.column<f64>(Column.workloadTarget, contract.workloadTarget); }
  get workloadValue(): StaticArray<f64> { return this.column<f64>(Column.workloadValue, contract.workloadValue); }
  get workloadAgeMs(): StaticArray<u32> { return this.column<u32>(Column.workloadAgeMs, contract.workloadAgeMs); }
  get workloadPods(): StaticArray<u32> { return this.column<u32>(Column.workloadPods, contract.workloadPods); }
  get workloadRequest(): StaticArray<f64> { return this.column<f64>(Column.workloadRequest, contract.workloadRequest); }
  get workloadRecentMax(): StaticArray<u32> {
    return this.column<u32>(Column.workloadRecentMax, contract.workloadRecentMax);
  }
  workloadLabel(key: string): StaticArray<u32> {
    return this.byKey(ByKey.workloadLabel, key, contract.workloadLabel).rows;
  }
  workloadAnnotation(key: string): StaticArray<u32> {
    return this.byKey(ByKey.workloadAnnotation, key, contract.workloadAnnotation).rows;
  }

  // Candidates
  get candidateName(): StaticArray<u32> { return this.column<u32>(Column.candidateName, contract.candidateName); }
  get candidateGroup(): StaticArray<u32> { return this.column<u32>(Column.candidateGroup, contract.candidateGroup); }
  get candidatePrice(): StaticArray<f64> { return this.column<f64>(Column.candidatePrice, contract.candidatePrice); }
  get candidateAgeMs(): StaticArray<u32> { return this.column<u32>(Column.candidateAgeMs, contract.candidateAgeMs); }
  get candidateMoves(): StaticArray<u32> { return this.column<u32>(Column.candidateMoves, contract.candidateMoves); }
  get candidateCpuRequested(): StaticArray<u32> {
    return this.column<u32>(Column.candidateCpuRequested, contract.candidateCpuRequested);
  }
  get candidateMemoryRequested(): StaticArray<u32> {
    return this.column<u32>(Column.candidateMemoryRequested, contract.candidateMemoryRequested);
  }
  get candidateCpuUsed(): StaticArray<u32> {
    return this.column<u32>(Column.candidateCpuUsed, contract.candidateCpuUsed);
  }
  get candidateMemoryUsed(): StaticArray<u32> {
    return this.column<u32>(Column.candidateMemoryUsed, contract.candidateMemoryUsed);
  }
  get candidateUnneededMs(): StaticArray<u32> {
    return this.column<u32>(Column.candidateUnneededMs, contract.candidateUnneededMs);
  }
  get candidateDue(): StaticArray<u32> { return this.column<u32>(Column.candidateDue, contract.candidateDue); }
  candidateLabel(key: string): StaticArray<u32> {
    return this.byKey(ByKey.candidateLabel, key, contract.candidateLabel).rows;
  }

  // Movers
  get moverCandidate(): StaticArray<u32> { return this.column<u32>(Column.moverCandidate, contract.moverCandidate); }
  get moverNamespace(): StaticArray<u32> { return this.column<u32>(Column.moverNamespace, contract.moverNamespace); }
  get moverName(): StaticArray<u32> { return this.column<u32>(Column.moverName, contract.moverName); }
  get moverOwnerKind(): StaticArray<u32> { return this.column<u32>(Column.moverOwnerKind, contract.moverOwnerKind); }
  get moverOwnerName(): StaticArray<u32> { return this.column<u32>(Column.moverOwnerName, contract.moverOwnerName); }
  get moverCpu(): StaticArray<u32> { return this.column<u32>(Column.moverCpu, contract.moverCpu); }
  get moverMemory(): StaticArray<u32> { return this.column<u32>(Column.moverMemory, contract.moverMemory); }
  get moverAgeMs(): StaticArray<u32> { return this.column<u32>(Column.moverAgeMs, contract.moverAgeMs); }
  moverLabel(key: string): StaticArray<u32> { return this.byKey(ByKey.moverLabel, key, contract.moverLabel).rows; }
  moverAnnotation(key: string): StaticArray<u32> {
    return this.byKey(ByKey.moverAnnotation, key, contract.moverAnnotation).rows;
  }

  // Steps
  get stepKind(): StaticArray<u32> { return this.column<u32>(Column.stepKind, contract.stepKind); }
  get stepGroup(): StaticArray<u32> { return this.column<u32>(Column.stepGroup, contract.stepGroup); }
  get stepNamespace(): StaticArray<u32> { return this.column<u32>(Column.stepNamespace, contract.stepNamespace); }
  get stepObject(): StaticArray<u32> { return this.column<u32>(Column.stepObject, contract.stepObject); }
  get stepFrom(): StaticArray<u32> { return this.column<u32>(Column.stepFrom, contract.stepFrom); }
  get stepTo(): StaticArray<u32> { return this.column<u32>(Column.stepTo, contract.stepTo); }
  get stepPods(): StaticArray<u32> { return this.column<u32>(Column.stepPods, contract.stepPods); }
  get stepAdds(): StaticArray<f64> { return this.column<f64>(Column.stepAdds, contract.stepAdds); }
  get stepSaves(): StaticArray<f64> { return this.column<f64>(Column.stepSaves, contract.stepSaves); }

  // Groups
  get groupName(): StaticArray<u32> { return this.column<u32>(Column.groupName, contract.groupName); }
  get groupKind(): StaticArray<u32> { return this.column<u32>(Column.groupKind, contract.groupKind); }
  get groupMin(): StaticArray<u32> { return this.column<u32>(Column.groupMin, contract.groupMin); }
  get groupMax(): StaticArray<u32> { return this.column<u32>(Column.groupMax, contract.groupMax); }
  get groupDesired(): StaticArray<u32> { return this.column<u32>(Column.groupDesired, contract.groupDesired); }
  get groupNodes(): StaticArray<u32> { return this.column<u32>(Column.groupNodes, contract.groupNodes); }
  get groupForeign(): StaticArray<u32> { return this.column<u32>(Column.groupForeign, contract.groupForeign); }
  get groupCpuRequested(): StaticArray<u32> {
    return this.column<u32>(Column.groupCpuRequested, contract.groupCpuRequested);
  }
  get groupMemoryRequested(): StaticArray<u32> {
    return this.column<u32>(Column.groupMemoryRequested, contract.groupMemoryRequested);
  }
  get groupCpuUsed(): StaticArray<u32> { return this.column<u32>(Column.groupCpuUsed, contract.groupCpuUsed); }
  get groupMemoryUsed(): StaticArray<u32> { return this.column<u32>(Column.groupMemoryUsed, contract.groupMemoryUsed); }
  get groupBootMs(): StaticArray<u32> { return this.column<u32>(Column.groupBootMs, contract.groupBootMs); }
  get groupShortMs(): StaticArray<u32> { return this.column<u32>(Column.groupShortMs, contract.groupShortMs); }
  groupLabel(key: string): StaticArray<u32> { return this.byKey(ByKey.groupLabel, key, contract.groupLabel).rows; }

  // Offers
  get offerGroup(): StaticArray<u32> { return this.column<u32>(Column.offerGroup, contract.offerGroup); }
  get offerType(): StaticArray<u32> { return this.column<u32>(Column.offerType, contract.offerType); }
  get offerZone(): StaticArray<u32> { return this.column<u32>(Column.offerZone, contract.offerZone); }
  get offerArch(): StaticArray<u32> { return this.column<u32>(Column.offerArch, contract.offerArch); }
  get offerPurchase(): StaticArray<u32> { return this.column<u32>(Column.offerPurchase, contract.offerPurchase); }
  get offerCpu(): StaticArray<u32> { return this.column<u32>(Column.offerCpu, contract.offerCpu); }
  get offerMemory(): StaticArray<u32> { return this.column<u32>(Column.offerMemory, contract.offerMemory); }
  get offerPods(): StaticArray<u32> { return this.column<u32>(Column.offerPods, contract.offerPods); }
  offerExtended(resource: string): StaticArray<u32> {
    return this.byKey(ByKey.offerExtended, resource, contract.offerExtended).rows;
  }
  get offerPrice(): StaticArray<f64> { return this.column<f64>(Column.offerPrice, contract.offerPrice); }
  get offerConfidence(): StaticArray<u32> { return this.column<u32>(Column.offerConfidence, contract.offerConfidence); }
  get offerInterruptions(): StaticArray<u32> {
    return this.column<u32>(Column.offerInterruptions, contract.offerInterruptions);
  }
  get offerBarredMs(): StaticArray<u32> { return this.column<u32>(Column.offerBarredMs, contract.offerBarredMs); }
  offerLabel(key: string): StaticArray<u32> { return this.byKey(ByKey.offerLabel, key, contract.offerLabel).rows; }

  // Nodes
  get nodeName(): StaticArray<u32> { return this.column<u32>(Column.nodeName, contract.nodeName); }
  get nodeGroup(): StaticArray<u32> { return this.column<u32>(Column.nodeGroup, contract.nodeGroup); }
  get nodeOffer(): StaticArray<u32> { return this.column<u32>(Column.nodeOffer, contract.nodeOffer); }
  get nodeState(): StaticArray<u32> { return this.column<u32>(Column.nodeState, contract.nodeState); }
  get nodePrice(): StaticArray<f64> { return this.column<f64>(Column.nodePrice, contract.nodePrice); }
  get nodeAgeMs(): StaticArray<u32> { return this.column<u32>(Column.nodeAgeMs, contract.nodeAgeMs); }
  get nodeCpu(): StaticArray<u32> { return this.column<u32>(Column.nodeCpu, contract.nodeCpu); }
  get nodeMemory(): StaticArray<u32> { return this.column<u32>(Column.nodeMemory, contract.nodeMemory); }
  get nodePods(): StaticArray<u32> { return this.column<u32>(Column.nodePods, contract.nodePods); }
  nodeExtended(resource: string): StaticArray<u32> {
    return this.byKey(ByKey.nodeExtended, resource, contract.nodeExtended).rows;
  }
  get nodeCpuUsed(): StaticArray<u32> { return this.column<u32>(Column.nodeCpuUsed, contract.nodeCpuUsed); }
  get nodeMemoryUsed(): StaticArray<u32> { return this.column<u32>(Column.nodeMemoryUsed, contract.nodeMemoryUsed); }
  nodeLabel(key: string): StaticArray<u32> { return this.byKey(ByKey.nodeLabel, key, contract.nodeLabel).rows; }

  // Pods
  get podNamespace(): StaticArray<u32> { return this.column<u32>(Column.podNamespace, contract.podNamespace); }
  get podName(): StaticArray<u32> { return this.column<u32>(Column.podName, contract.podName); }
  get podNode(): StaticArray<u32> { return this.column<u32>(Column.podNode, contract.podNode); }
  get podPhase(): StaticArray<u32> { return this.column<u32>(Column.podPhase, contract.podPhase); }
  get podAgeMs(): StaticArray<u32> { return this.column<u32>(Column.podAgeMs, contract.podAgeMs); }
  get podCpu(): StaticArray<u32> { return this.column<u32>(Column.podCpu, contract.podCpu); }
  get podMemory(): StaticArray<u32> { return this.column<u32>(Column.podMemory, contract.podMemory); }
  podExtended(resource: string): StaticArray<u32> {
    return this.byKey(ByKey.podExtended, resource, contract.podExtended).rows;
  }
  get podCpuUsed(): StaticArray<u32> { return this.column<u32>(Column.podCpuUsed, contract.podCpuUsed); }
  get podMemoryUsed(): StaticArray<u32> { return this.column<u32>(Column.podMemoryUsed, contract.podMemoryUsed); }
  get podPriority(): StaticArray<i32> { return this.column<i32>(Column.podPriority, contract.podPriority); }
  get podOwnerKind(): StaticArray<u32> { return this.column<u32>(Column.podOwnerKind, contract.podOwnerKind); }
  get podOwnerName(): StaticArray<u32> { return this.column<u32>(Column.podOwnerName, contract.podOwnerName); }
  podLabel(key: string): StaticArray<u32> { return this.byKey(ByKey.podLabel, key, contract.podLabel).rows; }
  podAnnotation(key: string): StaticArray<u32> {
    return this.byKey(ByKey.podAnnotation, key, contract.podAnnotation).rows;
  }

  // Metrics
  get metricName(): StaticArray<u32> { return this.column<u32>(Column.metricName, contract.metricName); }
  get metricKind(): StaticArray<u32> { return this.column<u32>(Column.metricKind, contract.metricKind); }
  get metricNamespace(): StaticArray<u32> { return this.column<u32>(Column.metricNamespace, contract.metricNamespace); }
  get metricWorkload(): StaticArray<u32> { return this.column<u32>(Column.metricWorkload, contract.metricWorkload); }
  get metricValue(): StaticArray<f64> { return this.column<f64>(Column.metricValue, contract.metricValue); }
  get metricAgeMs(): StaticArray<u32> { return this.column<u32>(Column.metricAgeMs, contract.metricAgeMs); }
  get metricPods(): StaticArray<u32> { return this.column<u32>(Column.metricPods, contract.metricPods); }

  // Past values
  get sampleWorkload(): StaticArray<u32> { return this.column<u32>(Column.sampleWorkload, contract.sampleWorkload); }
  get sampleAgeMs(): StaticArray<u32> { return this.column<u32>(Column.sampleAgeMs, contract.sampleAgeMs); }
  get sampleValue(): StaticArray<f64> { return this.column<f64>(Column.sampleValue, contract.sampleValue); }

  // History
  get historyAgeMs(): StaticArray<u32> { return this.column<u32>(Column.historyAgeMs, contract.historyAgeMs); }
  get historyPending(): StaticArray<u32> { return this.column<u32>(Column.historyPending, contract.historyPending); }
}
