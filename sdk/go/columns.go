package sdk

// Whole columns, for loops that must be fast: entry i belongs to row i of its table. What an entry means is written at
// the method of the row that bears the same name; here texts are syms, and what is not known is Absent or -1.

import "plimsoll.io/sdk/internal/contract"

// Columns of the classes.

func (v *View) ClassCPU() []uint32    { return read(v, &v.classCPU, contract.ClassCPU) }
func (v *View) ClassMemory() []uint32 { return read(v, &v.classMemory, contract.ClassMemory) }
func (v *View) ClassExtended(resource string) []uint32 {
	return v.classExtended.read(v, resource, contract.ClassExtended)
}
func (v *View) ClassPending() []uint32   { return read(v, &v.classPending, contract.ClassPending) }
func (v *View) ClassToCome() []uint32    { return read(v, &v.classToCome, contract.ClassToCome) }
func (v *View) ClassHeadroom() []uint32  { return read(v, &v.classHeadroom, contract.ClassHeadroom) }
func (v *View) ClassEC2Price() []float64 { return read(v, &v.classEC2Price, contract.ClassEC2Price) }
func (v *View) ClassFargatePrice() []float64 {
	return read(v, &v.classFargatePrice, contract.ClassFargatePrice)
}
func (v *View) ClassPriority() []int32 { return read(v, &v.classPriority, contract.ClassPriority) }
func (v *View) ClassNamespace() []uint32 {
	return read(v, &v.classNamespace.syms, contract.ClassNamespace)
}
func (v *View) ClassOwnerKind() []uint32 {
	return read(v, &v.classOwnerKind.syms, contract.ClassOwnerKind)
}
func (v *View) ClassOwnerName() []uint32 {
	return read(v, &v.classOwnerName.syms, contract.ClassOwnerName)
}
func (v *View) ClassLabel(key string) []uint32 { return v.classLabel.read(v, key, contract.ClassLabel) }
func (v *View) ClassAnnotation(key string) []uint32 {
	return v.classAnnotation.read(v, key, contract.ClassAnnotation)
}

// Columns of the sets.

func (v *View) SetName() []uint32      { return read(v, &v.setName.syms, contract.SetName) }
func (v *View) SetGroup() []uint32     { return read(v, &v.setGroup.syms, contract.SetGroup) }
func (v *View) SetKind() []uint32      { return read(v, &v.setKind, contract.SetKind) }
func (v *View) SetArch() []uint32      { return read(v, &v.setArch.syms, contract.SetArch) }
func (v *View) SetPurchase() []uint32  { return read(v, &v.setPurchase, contract.SetPurchase) }
func (v *View) SetOffers() []uint32    { return read(v, &v.setOffers, contract.SetOffers) }
func (v *View) SetMinPrice() []float64 { return read(v, &v.setMinPrice, contract.SetMinPrice) }
func (v *View) SetNodes() []uint32     { return read(v, &v.setNodes, contract.SetNodes) }
func (v *View) SetCPURequested() []uint32 {
	return read(v, &v.setCPURequested, contract.SetCPURequested)
}
func (v *View) SetMemoryRequested() []uint32 {
	return read(v, &v.setMemoryRequested, contract.SetMemoryRequested)
}
func (v *View) SetCPUUsed() []uint32         { return read(v, &v.setCPUUsed, contract.SetCPUUsed) }
func (v *View) SetMemoryUsed() []uint32      { return read(v, &v.setMemoryUsed, contract.SetMemoryUsed) }
func (v *View) SetBootMs() []uint32          { return read(v, &v.setBootMs, contract.SetBootMs) }
func (v *View) SetLabel(key string) []uint32 { return v.setLabel.read(v, key, contract.SetLabel) }

// Columns of the workloads.

func (v *View) WorkloadKind() []uint32 { return read(v, &v.workloadKind.syms, contract.WorkloadKind) }
func (v *View) WorkloadNamespace() []uint32 {
	return read(v, &v.workloadNamespace.syms, contract.WorkloadNamespace)
}
func (v *View) WorkloadName() []uint32 { return read(v, &v.workloadName.syms, contract.WorkloadName) }
func (v *View) WorkloadReplicas() []uint32 {
	return read(v, &v.workloadReplicas, contract.WorkloadReplicas)
}
func (v *View) WorkloadReady() []uint32 { return read(v, &v.workloadReady, contract.WorkloadReady) }
func (v *View) WorkloadMin() []uint32   { return read(v, &v.workloadMin, contract.WorkloadMin) }
func (v *View) WorkloadMax() []uint32   { return read(v, &v.workloadMax, contract.WorkloadMax) }
func (v *View) WorkloadMetric() []uint32 {
	return read(v, &v.workloadMetric.syms, contract.WorkloadMetric)
}
func (v *View) WorkloadTarget() []float64 { return read(v, &v.workloadTarget, contract.WorkloadTarget) }
func (v *View) WorkloadValue() []float64  { return read(v, &v.workloadValue, contract.WorkloadValue) }
func (v *View) WorkloadAgeMs() []uint32   { return read(v, &v.workloadAgeMs, contract.WorkloadAgeMs) }
func (v *View) WorkloadPods() []uint32    { return read(v, &v.workloadPods, contract.WorkloadPods) }
func (v *View) WorkloadRequest() []float64 {
	return read(v, &v.workloadRequest, contract.WorkloadRequest)
}
func (v *View) WorkloadRecentMax() []uint32 {
	return read(v, &v.workloadRecentMax, contract.WorkloadRecentMax)
}
func (v *View) WorkloadLabel(key string) []uint32 {
	return v.workloadLabel.read(v, key, contract.WorkloadLabel)
}
func (v *View) WorkloadAnnotation(key string) []uint32 {
	return v.workloadAnnotation.read(v, key, contract.WorkloadAnnotation)
}

// Columns of the candidates.

func (v *View) CandidateName() []uint32 {
	return read(v, &v.candidateName.syms, contract.CandidateName)
}
func (v *View) CandidateGroup() []uint32 {
	return read(v, &v.candidateGroup.syms, contract.CandidateGroup)
}
func (v *View) CandidatePrice() []float64 { return read(v, &v.candidatePrice, contract.CandidatePrice) }
func (v *View) CandidateAgeMs() []uint32  { return read(v, &v.candidateAgeMs, contract.CandidateAgeMs) }
func (v *View) CandidateMoves() []uint32  { return read(v, &v.candidateMoves, contract.CandidateMoves) }
func (v *View) CandidateCPURequested() []uint32 {
	return read(v, &v.candidateCPURequested, contract.CandidateCPURequested)
}
func (v *View) CandidateMemoryRequested() []uint32 {
	return read(v, &v.candidateMemoryRequested, contract.CandidateMemoryRequested)
}
func (v *View) CandidateCPUUsed() []uint32 {
	return read(v, &v.candidateCPUUsed, contract.CandidateCPUUsed)
}
func (v *View) CandidateMemoryUsed() []uint32 {
	return read(v, &v.candidateMemoryUsed, contract.CandidateMemoryUsed)
}
func (v *View) CandidateUnneededMs() []uint32 {
	return read(v, &v.candidateUnneededMs, contract.CandidateUnneededMs)
}
func (v *View) CandidateDue() []uint32 { return read(v, &v.candidateDue, contract.CandidateDue) }
func (v *View) CandidateLabel(key string) []uint32 {
	return v.candidateLabel.read(v, key, contract.CandidateLabel)
}

// Columns of the movers.

func (v *View) MoverCandidate() []uint32 { return read(v, &v.moverCandidate, contract.MoverCandidate) }
func (v *View) MoverNamespace() []uint32 {
	return read(v, &v.moverNamespace.syms, contract.MoverNamespace)
}
func (v *View) MoverName() []uint32 { return read(v, &v.moverName.syms, contract.MoverName) }
func (v *View) MoverOwnerKind() []uint32 {
	return read(v, &v.moverOwnerKind.syms, contract.MoverOwnerKind)
}
func (v *View) MoverOwnerName() []uint32 {
	return read(v, &v.moverOwnerName.syms, contract.MoverOwnerName)
}
func (v *View) MoverCPU() []uint32             { return read(v, &v.moverCPU, contract.MoverCPU) }
func (v *View) MoverMemory() []uint32          { return read(v, &v.moverMemory, contract.MoverMemory) }
func (v *View) MoverAgeMs() []uint32           { return read(v, &v.moverAgeMs, contract.MoverAgeMs) }
func (v *View) MoverLabel(key string) []uint32 { return v.moverLabel.read(v, key, contract.MoverLabel) }
func (v *View) MoverAnnotation(key string) []uint32 {
	return v.moverAnnotation.read(v, key, contract.MoverAnnotation)
}

// Columns of the steps.

func (v *View) StepKind() []uint32  { return read(v, &v.stepKind.syms, contract.StepKind) }
func (v *View) StepGroup() []uint32 { return read(v, &v.stepGroup.syms, contract.StepGroup) }
func (v *View) StepNamespace() []uint32 {
	return read(v, &v.stepNamespace.syms, contract.StepNamespace)
}
func (v *View) StepObject() []uint32 { return read(v, &v.stepObject.syms, contract.StepObject) }
func (v *View) StepFrom() []uint32   { return read(v, &v.stepFrom, contract.StepFrom) }
func (v *View) StepTo() []uint32     { return read(v, &v.stepTo, contract.StepTo) }
func (v *View) StepPods() []uint32   { return read(v, &v.stepPods, contract.StepPods) }
func (v *View) StepAdds() []float64  { return read(v, &v.stepAdds, contract.StepAdds) }
func (v *View) StepSaves() []float64 { return read(v, &v.stepSaves, contract.StepSaves) }

// Columns of the groups.

func (v *View) GroupName() []uint32    { return read(v, &v.groupName.syms, contract.GroupName) }
func (v *View) GroupKind() []uint32    { return read(v, &v.groupKind, contract.GroupKind) }
func (v *View) GroupMin() []uint32     { return read(v, &v.groupMin, contract.GroupMin) }
func (v *View) GroupMax() []uint32     { return read(v, &v.groupMax, contract.GroupMax) }
func (v *View) GroupDesired() []uint32 { return read(v, &v.groupDesired, contract.GroupDesired) }
func (v *View) GroupNodes() []uint32   { return read(v, &v.groupNodes, contract.GroupNodes) }
func (v *View) GroupForeign() []uint32 { return read(v, &v.groupForeign, contract.GroupForeign) }
func (v *View) GroupCPURequested() []uint32 {
	return read(v, &v.groupCPURequested, contract.GroupCPURequested)
}
func (v *View) GroupMemoryRequested() []uint32 {
	return read(v, &v.groupMemoryRequested, contract.GroupMemoryRequested)
}
func (v *View) GroupCPUUsed() []uint32 { return read(v, &v.groupCPUUsed, contract.GroupCPUUsed) }
func (v *View) GroupMemoryUsed() []uint32 {
	return read(v, &v.groupMemoryUsed, contract.GroupMemoryUsed)
}
func (v *View) GroupBootMs() []uint32          { return read(v, &v.groupBootMs, contract.GroupBootMs) }
func (v *View) GroupShortMs() []uint32         { return read(v, &v.groupShortMs, contract.GroupShortMs) }
func (v *View) GroupLabel(key string) []uint32 { return v.groupLabel.read(v, key, contract.GroupLabel) }

// Columns of the offers.

func (v *View) OfferGroup() []uint32    { return read(v, &v.offerGroup, contract.OfferGroup) }
func (v *View) OfferType() []uint32     { return read(v, &v.offerType.syms, contract.OfferType) }
func (v *View) OfferZone() []uint32     { return read(v, &v.offerZone.syms, contract.OfferZone) }
func (v *View) OfferArch() []uint32     { return read(v, &v.offerArch.syms, contract.OfferArch) }
func (v *View) OfferPurchase() []uint32 { return read(v, &v.offerPurchase, contract.OfferPurchase) }
func (v *View) OfferCPU() []uint32      { return read(v, &v.offerCPU, contract.OfferCPU) }
func (v *View) OfferMemory() []uint32   { return read(v, &v.offerMemory, contract.OfferMemory) }
func (v *View) OfferPods() []uint32     { return read(v, &v.offerPods, contract.OfferPods) }
func (v *View) OfferExtended(resource string) []uint32 {
	return v.offerExtended.read(v, resource, contract.OfferExtended)
}
func (v *View) OfferPrice() []float64 { return read(v, &v.offerPrice, contract.OfferPrice) }
func (v *View) OfferConfidence() []uint32 {
	return read(v, &v.offerConfidence, contract.OfferConfidence)
}
func (v *View) OfferInterruptions() []uint32 {
	return read(v, &v.offerInterruptions, contract.OfferInterruptions)
}
func (v *View) OfferBarredMs() []uint32        { return read(v, &v.offerBarredMs, contract.OfferBarredMs) }
func (v *View) OfferLabel(key string) []uint32 { return v.offerLabel.read(v, key, contract.OfferLabel) }

// Columns of the nodes.

func (v *View) NodeName() []uint32   { return read(v, &v.nodeName.syms, contract.NodeName) }
func (v *View) NodeGroup() []uint32  { return read(v, &v.nodeGroup, contract.NodeGroup) }
func (v *View) NodeOffer() []uint32  { return read(v, &v.nodeOffer, contract.NodeOffer) }
func (v *View) NodeState() []uint32  { return read(v, &v.nodeState, contract.NodeState) }
func (v *View) NodePrice() []float64 { return read(v, &v.nodePrice, contract.NodePrice) }
func (v *View) NodeAgeMs() []uint32  { return read(v, &v.nodeAgeMs, contract.NodeAgeMs) }
func (v *View) NodeCPU() []uint32    { return read(v, &v.nodeCPU, contract.NodeCPU) }
func (v *View) NodeMemory() []uint32 { return read(v, &v.nodeMemory, contract.NodeMemory) }
func (v *View) NodePods() []uint32   { return read(v, &v.nodePods, contract.NodePods) }
func (v *View) NodeExtended(resource string) []uint32 {
	return v.nodeExtended.read(v, resource, contract.NodeExtended)
}
func (v *View) NodeCPUUsed() []uint32         { return read(v, &v.nodeCPUUsed, contract.NodeCPUUsed) }
func (v *View) NodeMemoryUsed() []uint32      { return read(v, &v.nodeMemoryUsed, contract.NodeMemoryUsed) }
func (v *View) NodeLabel(key string) []uint32 { return v.nodeLabel.read(v, key, contract.NodeLabel) }

// Columns of the pods.

func (v *View) PodNamespace() []uint32 { return read(v, &v.podNamespace.syms, contract.PodNamespace) }
func (v *View) PodName() []uint32      { return read(v, &v.podName.syms, contract.PodName) }
func (v *View) PodNode() []uint32      { return read(v, &v.podNode, contract.PodNode) }
func (v *View) PodPhase() []uint32     { return read(v, &v.podPhase, contract.PodPhase) }
func (v *View) PodAgeMs() []uint32     { return read(v, &v.podAgeMs, contract.PodAgeMs) }
func (v *View) PodCPU() []uint32       { return read(v, &v.podCPU, contract.PodCPU) }
func (v *View) PodMemory() []uint32    { return read(v, &v.podMemory, contract.PodMemory) }
func (v *View) PodExtended(resource string) []uint32 {
	return v.podExtended.read(v, resource, contract.PodExtended)
}
func (v *View) PodCPUUsed() []uint32         { return read(v, &v.podCPUUsed, contract.PodCPUUsed) }
func (v *View) PodMemoryUsed() []uint32      { return read(v, &v.podMemoryUsed, contract.PodMemoryUsed) }
func (v *View) PodPriority() []int32         { return read(v, &v.podPriority, contract.PodPriority) }
func (v *View) PodOwnerKind() []uint32       { return read(v, &v.podOwnerKind.syms, contract.PodOwnerKind) }
func (v *View) PodOwnerName() []uint32       { return read(v, &v.podOwnerName.syms, contract.PodOwnerName) }
func (v *View) PodLabel(key string) []uint32 { return v.podLabel.read(v, key, contract.PodLabel) }
func (v *View) PodAnnotation(key string) []uint32 {
	return v.podAnnotation.read(v, key, contract.PodAnnotation)
}

// Columns of the metrics.

func (v *View) MetricName() []uint32 { return read(v, &v.metricName.syms, contract.MetricName) }
func (v *View) MetricKind() []uint32 { return read(v, &v.metricKind.syms, contract.MetricKind) }
func (v *View) MetricNamespace() []uint32 {
	return read(v, &v.metricNamespace.syms, contract.MetricNamespace)
}
func (v *View) MetricWorkload() []uint32 {
	return read(v, &v.metricWorkload.syms, contract.MetricWorkload)
}
func (v *View) MetricValue() []float64 { return read(v, &v.metricValue, contract.MetricValue) }
func (v *View) MetricAgeMs() []uint32  { return read(v, &v.metricAgeMs, contract.MetricAgeMs) }
func (v *View) MetricPods() []uint32   { return read(v, &v.metricPods, contract.MetricPods) }

// Columns of the samples.

func (v *View) SampleWorkload() []uint32 { return read(v, &v.sampleWorkload, contract.SampleWorkload) }
func (v *View) SampleAgeMs() []uint32    { return read(v, &v.sampleAgeMs, contract.SampleAgeMs) }
func (v *View) SampleValue() []float64   { return read(v, &v.sampleValue, contract.SampleValue) }

// Columns of the demand history.

func (v *View) HistoryAgeMs() []uint32   { return read(v, &v.historyAgeMs, contract.HistoryAgeMs) }
func (v *View) HistoryPending() []uint32 { return read(v, &v.historyPending, contract.HistoryPending) }

// columns are those that were read; nil is one that was not.
type columns struct {
	// classes
	classCPU, classMemory, classPending, classToCome, classHeadroom []uint32
	classNamespace, classOwnerKind                                  textColumn
	classOwnerName                                                  textColumn
	classEC2Price, classFargatePrice                                []float64
	classPriority                                                   []int32
	classExtended, classLabel, classAnnotation                      keyed
	// sets
	setKind, setPurchase, setOffers, setNodes, setCPURequested []uint32
	setName, setGroup, setArch                                 textColumn
	setMemoryRequested, setCPUUsed, setMemoryUsed, setBootMs   []uint32
	setMinPrice                                                []float64
	setLabel                                                   keyed
	// workloads
	workloadReplicas, workloadReady, workloadMin                []uint32
	workloadKind, workloadNamespace, workloadName               textColumn
	workloadMax, workloadAgeMs, workloadPods, workloadRecentMax []uint32
	workloadMetric                                              textColumn
	workloadTarget, workloadValue, workloadRequest              []float64
	workloadLabel, workloadAnnotation                           keyed
	// candidates
	candidateAgeMs, candidateMoves, candidateCPURequested                                []uint32
	candidateName, candidateGroup                                                        textColumn
	candidateMemoryRequested, candidateCPUUsed, candidateMemoryUsed, candidateUnneededMs []uint32
	candidateDue                                                                         []uint32
	candidatePrice                                                                       []float64
	candidateLabel                                                                       keyed
	// movers
	moverCandidate, moverCPU, moverMemory                     []uint32
	moverNamespace, moverName, moverOwnerKind, moverOwnerName textColumn
	moverAgeMs                                                []uint32
	moverLabel, moverAnnotation                               keyed
	// steps
	stepFrom, stepTo, stepPods                     []uint32
	stepKind, stepGroup, stepNamespace, stepObject textColumn
	stepAdds, stepSaves                            []float64
	// groups
	groupKind, groupMin, groupMax, groupDesired, groupNodes, groupForeign               []uint32
	groupName                                                                           textColumn
	groupCPURequested, groupMemoryRequested, groupCPUUsed, groupMemoryUsed, groupBootMs []uint32
	groupShortMs                                                                        []uint32
	groupLabel                                                                          keyed
	// offers
	offerGroup, offerPurchase, offerCPU, offerMemory, offerPods []uint32
	offerType, offerZone, offerArch                             textColumn
	offerConfidence, offerInterruptions, offerBarredMs          []uint32
	offerPrice                                                  []float64
	offerExtended, offerLabel                                   keyed
	// nodes
	nodeGroup, nodeOffer, nodeState, nodeAgeMs, nodeCPU, nodeMemory, nodePods, nodeCPUUsed []uint32
	nodeName                                                                               textColumn
	nodeMemoryUsed                                                                         []uint32
	nodePrice                                                                              []float64
	nodeExtended, nodeLabel                                                                keyed
	// pods
	podNode, podPhase, podAgeMs, podCPU, podMemory, podCPUUsed, podMemoryUsed []uint32
	podNamespace, podName                                                     textColumn
	podOwnerKind, podOwnerName                                                textColumn
	podPriority                                                               []int32
	podExtended, podLabel, podAnnotation                                      keyed
	// metrics
	metricAgeMs, metricPods                                 []uint32
	metricName, metricKind, metricNamespace, metricWorkload textColumn
	metricValue                                             []float64
	// samples
	sampleWorkload, sampleAgeMs []uint32
	sampleValue                 []float64
	// history
	historyAgeMs, historyPending []uint32
}
