// The functions of the contract (sdk/wit) as the host gives them: numbers and pointers only. Lists come through `out`,
// where the host puts a pointer and a length. Only what a policy uses is imported.
//
// Nothing here is for authors.


// The picture itself, and the dictionary
@external("plimsoll:policy/view@0.2.0", "[method]view.now-ms")
export declare function nowMs(view: i32): u64;
@external("plimsoll:policy/view@0.2.0", "[method]view.seed")
export declare function seed(view: i32): u64;
@external("plimsoll:policy/view@0.2.0", "[method]view.cluster")
export declare function cluster(view: i32): u32;
@external("plimsoll:policy/view@0.2.0", "[method]view.state")
export declare function state(view: i32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.resolve")
export declare function resolve(view: i32, syms: usize, count: usize, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.intern")
export declare function intern(view: i32, text: usize, bytes: usize): u32;

// Classes of demand
@external("plimsoll:policy/view@0.2.0", "[method]view.classes")
export declare function classes(view: i32): u32;
@external("plimsoll:policy/view@0.2.0", "[method]view.class-cpu")
export declare function classCpu(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.class-memory")
export declare function classMemory(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.class-extended")
export declare function classExtended(view: i32, key: usize, bytes: usize, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.class-pending")
export declare function classPending(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.class-to-come")
export declare function classToCome(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.class-headroom")
export declare function classHeadroom(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.class-ec2-price")
export declare function classEc2Price(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.class-fargate-price")
export declare function classFargatePrice(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.class-priority")
export declare function classPriority(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.class-namespace")
export declare function classNamespace(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.class-owner-kind")
export declare function classOwnerKind(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.class-owner-name")
export declare function classOwnerName(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.class-label")
export declare function classLabel(view: i32, key: usize, bytes: usize, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.class-annotation")
export declare function classAnnotation(view: i32, key: usize, bytes: usize, start: u32, count: u32, out: usize): void;

// Offer sets
@external("plimsoll:policy/view@0.2.0", "[method]view.sets")
export declare function sets(view: i32): u32;
@external("plimsoll:policy/view@0.2.0", "[method]view.set-name")
export declare function setName(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.set-group")
export declare function setGroup(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.set-kind")
export declare function setKind(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.set-arch")
export declare function setArch(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.set-purchase")
export declare function setPurchase(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.set-offers")
export declare function setOffers(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.set-min-price")
export declare function setMinPrice(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.set-nodes")
export declare function setNodes(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.set-cpu-requested")
export declare function setCpuRequested(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.set-memory-requested")
export declare function setMemoryRequested(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.set-cpu-used")
export declare function setCpuUsed(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.set-memory-used")
export declare function setMemoryUsed(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.set-boot-ms")
export declare function setBootMs(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.set-label")
export declare function setLabel(view: i32, key: usize, bytes: usize, start: u32, count: u32, out: usize): void;

// Workloads
@external("plimsoll:policy/view@0.2.0", "[method]view.workloads")
export declare function workloads(view: i32): u32;
@external("plimsoll:policy/view@0.2.0", "[method]view.workload-kind")
export declare function workloadKind(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.workload-namespace")
export declare function workloadNamespace(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.workload-name")
export declare function workloadName(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.workload-replicas")
export declare function workloadReplicas(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.workload-ready")
export declare function workloadReady(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.workload-min")
export declare function workloadMin(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.workload-max")
export declare function workloadMax(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.workload-metric")
export declare function workloadMetric(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.workload-target")
export declare function workloadTarget(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.workload-value")
export declare function workloadValue(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.workload-age-ms")
export declare function workloadAgeMs(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.workload-pods")
export declare function workloadPods(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.workload-request")
export declare function workloadRequest(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.workload-recent-max")
export declare function workloadRecentMax(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.workload-label")
export declare function workloadLabel(view: i32, key: usize, bytes: usize, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.workload-annotation")
export declare function workloadAnnotation(
  view: i32, key: usize, bytes: usize, start: u32, count: u32, out: usize,
): void;

// Candidates
@external("plimsoll:policy/view@0.2.0", "[method]view.candidates")
export declare function candidates(view: i32): u32;
@external("plimsoll:policy/view@0.2.0", "[method]view.candidate-name")
export declare function candidateName(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.candidate-group")
export declare function candidateGroup(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.candidate-price")
export declare function candidatePrice(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.candidate-age-ms")
export declare function candidateAgeMs(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.candidate-moves")
export declare function candidateMoves(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.candidate-cpu-requested")
export declare function candidateCpuRequested(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.candidate-memory-requested")
export declare function candidateMemoryRequested(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.candidate-cpu-used")
export declare function candidateCpuUsed(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.candidate-memory-used")
export declare function candidateMemoryUsed(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.candidate-unneeded-ms")
export declare function candidateUnneededMs(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.candidate-due")
export declare function candidateDue(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.candidate-label")
export declare function candidateLabel(view: i32, key: usize, bytes: usize, start: u32, count: u32, out: usize): void;

// Movers
@external("plimsoll:policy/view@0.2.0", "[method]view.movers")
export declare function movers(view: i32): u32;
@external("plimsoll:policy/view@0.2.0", "[method]view.mover-candidate")
export declare function moverCandidate(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.mover-namespace")
export declare function moverNamespace(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.mover-name")
export declare function moverName(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.mover-owner-kind")
export declare function moverOwnerKind(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.mover-owner-name")
export declare function moverOwnerName(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.mover-cpu")
export declare function moverCpu(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.mover-memory")
export declare function moverMemory(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.mover-age-ms")
export declare function moverAgeMs(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.mover-label")
export declare function moverLabel(view: i32, key: usize, bytes: usize, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.mover-annotation")
export declare function moverAnnotation(view: i32, key: usize, bytes: usize, start: u32, count: u32, out: usize): void;

// Steps
@external("plimsoll:policy/view@0.2.0", "[method]view.steps")
export declare function steps(view: i32): u32;
@external("plimsoll:policy/view@0.2.0", "[method]view.step-kind")
export declare function stepKind(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.step-group")
export declare function stepGroup(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.step-namespace")
export declare function stepNamespace(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.step-object")
export declare function stepObject(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.step-from")
export declare function stepFrom(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.step-to")
export declare function stepTo(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.step-pods")
export declare function stepPods(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.step-adds")
export declare function stepAdds(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.step-saves")
export declare function stepSaves(view: i32, start: u32, count: u32, out: usize): void;

// Groups
@external("plimsoll:policy/view@0.2.0", "[method]view.groups")
export declare function groups(view: i32): u32;
@external("plimsoll:policy/view@0.2.0", "[method]view.group-name")
export declare function groupName(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.group-kind")
export declare function groupKind(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.group-min")
export declare function groupMin(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.group-max")
export declare function groupMax(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.group-desired")
export declare function groupDesired(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.group-nodes")
export declare function groupNodes(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.group-foreign")
export declare function groupForeign(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.group-cpu-requested")
export declare function groupCpuRequested(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.group-memory-requested")
export declare function groupMemoryRequested(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.group-cpu-used")
export declare function groupCpuUsed(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.group-memory-used")
export declare function groupMemoryUsed(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.group-boot-ms")
export declare function groupBootMs(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.group-short-ms")
export declare function groupShortMs(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.group-label")
export declare function groupLabel(view: i32, key: usize, bytes: usize, start: u32, count: u32, out: usize): void;

// Offers
@external("plimsoll:policy/view@0.2.0", "[method]view.offers")
export declare function offers(view: i32): u32;
@external("plimsoll:policy/view@0.2.0", "[method]view.offer-group")
export declare function offerGroup(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.offer-type")
export declare function offerType(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.offer-zone")
export declare function offerZone(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.offer-arch")
export declare function offerArch(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.offer-purchase")
export declare function offerPurchase(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.offer-cpu")
export declare function offerCpu(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.offer-memory")
export declare function offerMemory(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.offer-pods")
export declare function offerPods(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.offer-extended")
export declare function offerExtended(view: i32, key: usize, bytes: usize, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.offer-price")
export declare function offerPrice(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.offer-confidence")
export declare function offerConfidence(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.offer-interruptions")
export declare function offerInterruptions(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.offer-barred-ms")
export declare function offerBarredMs(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.offer-label")
export declare function offerLabel(view: i32, key: usize, bytes: usize, start: u32, count: u32, out: usize): void;

// Nodes
@external("plimsoll:policy/view@0.2.0", "[method]view.nodes")
export declare function nodes(view: i32): u32;
@external("plimsoll:policy/view@0.2.0", "[method]view.node-name")
export declare function nodeName(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.node-group")
export declare function nodeGroup(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.node-offer")
export declare function nodeOffer(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.node-state")
export declare function nodeState(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.node-price")
export declare function nodePrice(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.node-age-ms")
export declare function nodeAgeMs(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.node-cpu")
export declare function nodeCpu(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.node-memory")
export declare function nodeMemory(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.node-pods")
export declare function nodePods(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.node-extended")
export declare function nodeExtended(view: i32, key: usize, bytes: usize, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.node-cpu-used")
export declare function nodeCpuUsed(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.node-memory-used")
export declare function nodeMemoryUsed(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.node-label")
export declare function nodeLabel(view: i32, key: usize, bytes: usize, start: u32, count: u32, out: usize): void;

// Pods
@external("plimsoll:policy/view@0.2.0", "[method]view.pods")
export declare function pods(view: i32): u32;
@external("plimsoll:policy/view@0.2.0", "[method]view.pod-namespace")
export declare function podNamespace(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.pod-name")
export declare function podName(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.pod-node")
export declare function podNode(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.pod-phase")
export declare function podPhase(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.pod-age-ms")
export declare function podAgeMs(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.pod-cpu")
export declare function podCpu(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.pod-memory")
export declare function podMemory(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.pod-extended")
export declare function podExtended(view: i32, key: usize, bytes: usize, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.pod-cpu-used")
export declare function podCpuUsed(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.pod-memory-used")
export declare function podMemoryUsed(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.pod-priority")
export declare function podPriority(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.pod-owner-kind")
export declare function podOwnerKind(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.pod-owner-name")
export declare function podOwnerName(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.pod-label")
export declare function podLabel(view: i32, key: usize, bytes: usize, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.pod-annotation")
export declare function podAnnotation(view: i32, key: usize, bytes: usize, start: u32, count: u32, out: usize): void;

// Metrics
@external("plimsoll:policy/view@0.2.0", "[method]view.metrics")
export declare function metrics(view: i32): u32;
@external("plimsoll:policy/view@0.2.0", "[method]view.metric-name")
export declare function metricName(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.metric-kind")
export declare function metricKind(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.metric-namespace")
export declare function metricNamespace(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.metric-workload")
export declare function metricWorkload(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.metric-value")
export declare function metricValue(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.metric-age-ms")
export declare function metricAgeMs(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.metric-pods")
export declare function metricPods(view: i32, start: u32, count: u32, out: usize): void;

// Past values
@external("plimsoll:policy/view@0.2.0", "[method]view.samples")
export declare function samples(view: i32): u32;
@external("plimsoll:policy/view@0.2.0", "[method]view.sample-workload")
export declare function sampleWorkload(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.sample-age-ms")
export declare function sampleAgeMs(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.sample-value")
export declare function sampleValue(view: i32, start: u32, count: u32, out: usize): void;

// History
@external("plimsoll:policy/view@0.2.0", "[method]view.history")
export declare function history(view: i32): u32;
@external("plimsoll:policy/view@0.2.0", "[method]view.history-age-ms")
export declare function historyAgeMs(view: i32, start: u32, count: u32, out: usize): void;
@external("plimsoll:policy/view@0.2.0", "[method]view.history-pending")
export declare function historyPending(view: i32, start: u32, count: u32, out: usize): void;

// What is lent must be let go of
@external("plimsoll:policy/view@0.2.0", "[resource-drop]view")
export declare function drop(view: i32): void;

// What a policy may say
@external("plimsoll:policy/host@0.2.0", "log")
export declare function log(level: u32, message: usize, bytes: usize): void;
@external("plimsoll:policy/host@0.2.0", "explain")
export declare function explain(row: u32, code: u32, text: usize, bytes: usize): void;
@external("plimsoll:policy/host@0.2.0", "keep")
export declare function keep(state: usize, bytes: usize): void;
