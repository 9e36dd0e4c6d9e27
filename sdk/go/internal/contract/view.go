package contract

// What interface view has, function by function, in the order of view.wit. The component imports of these what a
// policy reaches, and no more, so that it runs wherever that is served.

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.now-ms
func NowMs(view uint32) uint64

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.seed
func Seed(view uint32) uint64

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.cluster
func Cluster(view uint32) uint32

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.state
func State(view uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.resolve
func Resolve(view uint32, syms *uint32, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.intern
func Intern(view uint32, text string) uint32

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.classes
func Classes(view uint32) uint32

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.class-cpu
func ClassCPU(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.class-memory
func ClassMemory(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.class-extended
func ClassExtended(view uint32, key string, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.class-pending
func ClassPending(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.class-to-come
func ClassToCome(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.class-headroom
func ClassHeadroom(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.class-ec2-price
func ClassEC2Price(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.class-fargate-price
func ClassFargatePrice(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.class-priority
func ClassPriority(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.class-namespace
func ClassNamespace(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.class-owner-kind
func ClassOwnerKind(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.class-owner-name
func ClassOwnerName(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.class-label
func ClassLabel(view uint32, key string, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.class-annotation
func ClassAnnotation(view uint32, key string, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.sets
func Sets(view uint32) uint32

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.set-name
func SetName(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.set-group
func SetGroup(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.set-kind
func SetKind(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.set-arch
func SetArch(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.set-purchase
func SetPurchase(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.set-offers
func SetOffers(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.set-min-price
func SetMinPrice(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.set-nodes
func SetNodes(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.set-cpu-requested
func SetCPURequested(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.set-memory-requested
func SetMemoryRequested(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.set-cpu-used
func SetCPUUsed(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.set-memory-used
func SetMemoryUsed(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.set-boot-ms
func SetBootMs(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.set-label
func SetLabel(view uint32, key string, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.workloads
func Workloads(view uint32) uint32

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.workload-kind
func WorkloadKind(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.workload-namespace
func WorkloadNamespace(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.workload-name
func WorkloadName(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.workload-replicas
func WorkloadReplicas(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.workload-ready
func WorkloadReady(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.workload-min
func WorkloadMin(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.workload-max
func WorkloadMax(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.workload-metric
func WorkloadMetric(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.workload-target
func WorkloadTarget(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.workload-value
func WorkloadValue(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.workload-age-ms
func WorkloadAgeMs(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.workload-pods
func WorkloadPods(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.workload-request
func WorkloadRequest(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.workload-recent-max
func WorkloadRecentMax(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.workload-label
func WorkloadLabel(view uint32, key string, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.workload-annotation
func WorkloadAnnotation(view uint32, key string, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.candidates
func Candidates(view uint32) uint32

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.candidate-name
func CandidateName(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.candidate-group
func CandidateGroup(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.candidate-price
func CandidatePrice(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.candidate-age-ms
func CandidateAgeMs(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.candidate-moves
func CandidateMoves(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.candidate-cpu-requested
func CandidateCPURequested(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.candidate-memory-requested
func CandidateMemoryRequested(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.candidate-cpu-used
func CandidateCPUUsed(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.candidate-memory-used
func CandidateMemoryUsed(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.candidate-unneeded-ms
func CandidateUnneededMs(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.candidate-due
func CandidateDue(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.candidate-label
func CandidateLabel(view uint32, key string, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.movers
func Movers(view uint32) uint32

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.mover-candidate
func MoverCandidate(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.mover-namespace
func MoverNamespace(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.mover-name
func MoverName(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.mover-owner-kind
func MoverOwnerKind(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.mover-owner-name
func MoverOwnerName(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.mover-cpu
func MoverCPU(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.mover-memory
func MoverMemory(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.mover-age-ms
func MoverAgeMs(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.mover-label
func MoverLabel(view uint32, key string, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.mover-annotation
func MoverAnnotation(view uint32, key string, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.steps
func Steps(view uint32) uint32

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.step-kind
func StepKind(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.step-group
func StepGroup(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.step-namespace
func StepNamespace(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.step-object
func StepObject(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.step-from
func StepFrom(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.step-to
func StepTo(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.step-pods
func StepPods(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.step-adds
func StepAdds(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.step-saves
func StepSaves(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.groups
func Groups(view uint32) uint32

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.group-name
func GroupName(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.group-kind
func GroupKind(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.group-min
func GroupMin(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.group-max
func GroupMax(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.group-desired
func GroupDesired(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.group-nodes
func GroupNodes(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.group-foreign
func GroupForeign(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.group-cpu-requested
func GroupCPURequested(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.group-memory-requested
func GroupMemoryRequested(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.group-cpu-used
func GroupCPUUsed(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.group-memory-used
func GroupMemoryUsed(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.group-boot-ms
func GroupBootMs(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.group-short-ms
func GroupShortMs(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.group-label
func GroupLabel(view uint32, key string, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.offers
func Offers(view uint32) uint32

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.offer-group
func OfferGroup(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.offer-type
func OfferType(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.offer-zone
func OfferZone(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.offer-arch
func OfferArch(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.offer-purchase
func OfferPurchase(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.offer-cpu
func OfferCPU(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.offer-memory
func OfferMemory(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.offer-pods
func OfferPods(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.offer-extended
func OfferExtended(view uint32, key string, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.offer-price
func OfferPrice(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.offer-confidence
func OfferConfidence(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.offer-interruptions
func OfferInterruptions(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.offer-barred-ms
func OfferBarredMs(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.offer-label
func OfferLabel(view uint32, key string, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.nodes
func Nodes(view uint32) uint32

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.node-name
func NodeName(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.node-group
func NodeGroup(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.node-offer
func NodeOffer(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.node-state
func NodeState(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.node-price
func NodePrice(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.node-age-ms
func NodeAgeMs(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.node-cpu
func NodeCPU(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.node-memory
func NodeMemory(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.node-pods
func NodePods(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.node-extended
func NodeExtended(view uint32, key string, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.node-cpu-used
func NodeCPUUsed(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.node-memory-used
func NodeMemoryUsed(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.node-label
func NodeLabel(view uint32, key string, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.pods
func Pods(view uint32) uint32

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.pod-namespace
func PodNamespace(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.pod-name
func PodName(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.pod-node
func PodNode(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.pod-phase
func PodPhase(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.pod-age-ms
func PodAgeMs(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.pod-cpu
func PodCPU(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.pod-memory
func PodMemory(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.pod-extended
func PodExtended(view uint32, key string, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.pod-cpu-used
func PodCPUUsed(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.pod-memory-used
func PodMemoryUsed(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.pod-priority
func PodPriority(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.pod-owner-kind
func PodOwnerKind(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.pod-owner-name
func PodOwnerName(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.pod-label
func PodLabel(view uint32, key string, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.pod-annotation
func PodAnnotation(view uint32, key string, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.metrics
func Metrics(view uint32) uint32

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.metric-name
func MetricName(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.metric-kind
func MetricKind(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.metric-namespace
func MetricNamespace(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.metric-workload
func MetricWorkload(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.metric-value
func MetricValue(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.metric-age-ms
func MetricAgeMs(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.metric-pods
func MetricPods(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.samples
func Samples(view uint32) uint32

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.sample-workload
func SampleWorkload(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.sample-age-ms
func SampleAgeMs(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.sample-value
func SampleValue(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.history
func History(view uint32) uint32

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.history-age-ms
func HistoryAgeMs(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [method]view.history-pending
func HistoryPending(view, start, count uint32, into *List)

//go:wasmimport plimsoll:policy/view@0.2.0 [resource-drop]view
func DropView(view uint32)
