package sdk

// Rows of the tables that belong to one hook or two, cheap to copy; every figure is read from its column. A second
// result says whether the first is known.

import (
	"iter"

	"plimsoll.io/sdk/internal/contract"
)

// Class is a class of demand: pods that no scheduling rule can tell apart.
type Class struct {
	view *View
	row  uint32
}

// Classes are the classes of demand; hooks placement and headroom.
func (v *View) Classes() iter.Seq[Class] {
	return func(yield func(Class) bool) {
		for row := range v.classes.read(v, contract.Classes) {
			if !yield(Class{v, row}) {
				return
			}
		}
	}
}

// Row is the number of the row.
func (c Class) Row() uint32 { return c.row }

// CPUMilli is the request of one pod, millicores.
func (c Class) CPUMilli() uint32 { return c.view.ClassCPU()[c.row] }

// MemoryMiB is the request of one pod, MiB, rounded up.
func (c Class) MemoryMiB() uint32 { return c.view.ClassMemory()[c.row] }

// Extended is how many units of an extended resource (nvidia.com/gpu) one pod asks for.
func (c Class) Extended(resource string) uint32 { return c.view.ClassExtended(resource)[c.row] }

// Pending is how many pods wait now.
func (c Class) Pending() uint32 { return c.view.ClassPending()[c.row] }

// ToCome is how many replicas are decided but have no pod yet.
func (c Class) ToCome() uint32 { return c.view.ClassToCome()[c.row] }

// Headroom is how many virtual pods keep room.
func (c Class) Headroom() uint32 { return c.view.ClassHeadroom()[c.row] }

// EC2Price is the cheapest EC2 price of the share that one pod needs, on a node used to the full, dollars per hour;
// false where no EC2 offer fits.
func (c Class) EC2Price() (float64, bool) { return perhaps(c.view.ClassEC2Price()[c.row]) }

// FargatePrice is the price of the smallest Fargate size that holds one pod, dollars per hour; false where Fargate
// cannot run it.
func (c Class) FargatePrice() (float64, bool) { return perhaps(c.view.ClassFargatePrice()[c.row]) }

// Priority is spec.priority of its pods.
func (c Class) Priority() int32 { return c.view.ClassPriority()[c.row] }

// Namespace is empty for virtual pods.
func (c Class) Namespace() string {
	return c.view.classNamespace.text(c.view, c.row, contract.ClassNamespace)
}

// OwnerKind is the kind of the owner (Deployment, Job, …), ReplicaSets resolved to their Deployment; empty where
// none.
func (c Class) OwnerKind() string {
	return c.view.classOwnerKind.text(c.view, c.row, contract.ClassOwnerKind)
}

// OwnerName is the name of the owner; empty where none.
func (c Class) OwnerName() string {
	return c.view.classOwnerName.text(c.view, c.row, contract.ClassOwnerName)
}

// Label is the value of one pod label; empty where absent.
func (c Class) Label(key string) string {
	return c.view.classLabel.text(c.view, c.row, key, contract.ClassLabel)
}

// Annotation is the value of one plimsoll.io/… annotation of the pods; empty where absent.
func (c Class) Annotation(key string) string {
	return c.view.classAnnotation.text(c.view, c.row, key, contract.ClassAnnotation)
}

// Set is all offers of a group that are bought alike.
type Set struct {
	view *View
	row  uint32
}

// Sets are the offer sets; hooks placement and headroom.
func (v *View) Sets() iter.Seq[Set] {
	return func(yield func(Set) bool) {
		for row := range v.sets.read(v, contract.Sets) {
			if !yield(Set{v, row}) {
				return
			}
		}
	}
}

// Row is the number of the row.
func (s Set) Row() uint32 { return s.row }

// Name is "group" or "group/arch/purchase".
func (s Set) Name() string { return s.view.setName.text(s.view, s.row, contract.SetName) }

// Group is the name of the group.
func (s Set) Group() string { return s.view.setGroup.text(s.view, s.row, contract.SetGroup) }

// Kind is the kind of the group.
func (s Set) Kind() GroupKind { return GroupKind(s.view.SetKind()[s.row]) }

// Arch is "amd64", "arm64", …; empty where the set has several.
func (s Set) Arch() string { return s.view.setArch.text(s.view, s.row, contract.SetArch) }

// Purchase is how its instances are paid.
func (s Set) Purchase() Purchase { return Purchase(s.view.SetPurchase()[s.row]) }

// Offers is how many offers are in the set.
func (s Set) Offers() uint32 { return s.view.SetOffers()[s.row] }

// MinPrice is the price of its cheapest offer, dollars per hour.
func (s Set) MinPrice() float64 { return s.view.SetMinPrice()[s.row] }

// Nodes is how many nodes the group has.
func (s Set) Nodes() uint32 { return s.view.SetNodes()[s.row] }

// CPURequested is the share of the group's CPU that is requested, thousandths; 0 where it has no nodes.
func (s Set) CPURequested() uint32 { return s.view.SetCPURequested()[s.row] }

// MemoryRequested is the share of the group's memory that is requested, thousandths; 0 where it has no nodes.
func (s Set) MemoryRequested() uint32 { return s.view.SetMemoryRequested()[s.row] }

// CPUUsed is the share of the group's CPU in use, thousandths; false where not known.
func (s Set) CPUUsed() (uint32, bool) { return known(s.view.SetCPUUsed()[s.row]) }

// MemoryUsed is the share of the group's memory in use, thousandths; false where not known.
func (s Set) MemoryUsed() (uint32, bool) { return known(s.view.SetMemoryUsed()[s.row]) }

// BootMs is the median of the group's last boot times, milliseconds; false where not known.
func (s Set) BootMs() (uint32, bool) { return known(s.view.SetBootMs()[s.row]) }

// Label is the value of one label of the group's nodes; empty where absent.
func (s Set) Label(key string) string {
	return s.view.setLabel.text(s.view, s.row, key, contract.SetLabel)
}

// IsFargate says whether pods run on Fargate there.
func (s Set) IsFargate() bool { return s.Kind() == Fargate }

// Workload is a workload that may be scaled.
type Workload struct {
	view *View
	row  uint32
}

// Workloads are the workloads that may be scaled; hook scaler.
func (v *View) Workloads() iter.Seq[Workload] {
	return func(yield func(Workload) bool) {
		for row := range v.workloads.read(v, contract.Workloads) {
			if !yield(Workload{v, row}) {
				return
			}
		}
	}
}

// Row is the number of the row.
func (w Workload) Row() uint32 { return w.row }

// Kind is "Deployment", "StatefulSet", …
func (w Workload) Kind() string {
	return w.view.workloadKind.text(w.view, w.row, contract.WorkloadKind)
}

// Namespace is where it is.
func (w Workload) Namespace() string {
	return w.view.workloadNamespace.text(w.view, w.row, contract.WorkloadNamespace)
}

// Name is what it is called.
func (w Workload) Name() string {
	return w.view.workloadName.text(w.view, w.row, contract.WorkloadName)
}

// Replicas is how many replicas it has now.
func (w Workload) Replicas() uint32 { return w.view.WorkloadReplicas()[w.row] }

// Ready is how many of its pods are ready.
func (w Workload) Ready() uint32 { return w.view.WorkloadReady()[w.row] }

// Min is how many replicas are allowed at least. The engine clamps every answer to the bounds.
func (w Workload) Min() uint32 { return w.view.WorkloadMin()[w.row] }

// Max is how many replicas are allowed at most.
func (w Workload) Max() uint32 { return w.view.WorkloadMax()[w.row] }

// Metric is the metric to hold at the target: "cpu", "memory", or a name of the operator's.
func (w Workload) Metric() string {
	return w.view.workloadMetric.text(w.view, w.row, contract.WorkloadMetric)
}

// Target is a share of the request for cpu and memory (0.6 is 60 %), else units per replica.
func (w Workload) Target() float64 { return w.view.WorkloadTarget()[w.row] }

// Value is the metric, summed over Pods pods: millicores for cpu, bytes for memory, else the metric's unit; false
// where it is missing.
func (w Workload) Value() (float64, bool) { return perhaps(w.view.WorkloadValue()[w.row]) }

// AgeMs is the age of the value, milliseconds.
func (w Workload) AgeMs() uint32 { return w.view.WorkloadAgeMs()[w.row] }

// Pods is how many pods contributed to the value.
func (w Workload) Pods() uint32 { return w.view.WorkloadPods()[w.row] }

// Request is the request of one pod in the unit of the value; 0 for metrics other than cpu and memory.
func (w Workload) Request() float64 { return w.view.WorkloadRequest()[w.row] }

// RecentMax is the highest number of replicas recommended in the last five minutes; the replicas now where none was.
func (w Workload) RecentMax() uint32 { return w.view.WorkloadRecentMax()[w.row] }

// Label is the value of one label of its pods; empty where absent.
func (w Workload) Label(key string) string {
	return w.view.workloadLabel.text(w.view, w.row, key, contract.WorkloadLabel)
}

// Annotation is the value of one plimsoll.io/… annotation of its pods; empty where absent.
func (w Workload) Annotation(key string) string {
	return w.view.workloadAnnotation.text(w.view, w.row, key, contract.WorkloadAnnotation)
}

// Samples are what its value was in recent minutes, oldest first.
func (w Workload) Samples() iter.Seq[Sample] {
	begin, end := run(w.view.SampleWorkload(), w.row)
	return func(yield func(Sample) bool) {
		for row := begin; row < end; row++ {
			if !yield(Sample{w.view, row}) {
				return
			}
		}
	}
}

// Sample is what the value of a workload was in a recent minute.
type Sample struct {
	view *View
	row  uint32
}

// Samples are the past values of workloads: in their order, oldest first, one a minute, at most 32 of a workload and of at
// most 200 workloads. A value that was missing is not there. Hook scaler.
func (v *View) Samples() iter.Seq[Sample] {
	return func(yield func(Sample) bool) {
		for row := range v.samples.read(v, contract.Samples) {
			if !yield(Sample{v, row}) {
				return
			}
		}
	}
}

// Row is the number of the row.
func (s Sample) Row() uint32 { return s.row }

// Workload is whose value it was.
func (s Sample) Workload() Workload { return Workload{s.view, s.view.SampleWorkload()[s.row]} }

// AgeMs is how long before now it was measured, milliseconds.
func (s Sample) AgeMs() uint32 { return s.view.SampleAgeMs()[s.row] }

// Value is what was measured, in the unit of the workload's value.
func (s Sample) Value() float64 { return s.view.SampleValue()[s.row] }

// Candidate is a node that could be given up.
type Candidate struct {
	view *View
	row  uint32
}

// Candidates are the nodes that could be given up; hook disruption.
func (v *View) Candidates() iter.Seq[Candidate] {
	return func(yield func(Candidate) bool) {
		for row := range v.candidates.read(v, contract.Candidates) {
			if !yield(Candidate{v, row}) {
				return
			}
		}
	}
}

// Row is the number of the row.
func (c Candidate) Row() uint32 { return c.row }

// Name is the name of the node.
func (c Candidate) Name() string {
	return c.view.candidateName.text(c.view, c.row, contract.CandidateName)
}

// Group is the name of its group.
func (c Candidate) Group() string {
	return c.view.candidateGroup.text(c.view, c.row, contract.CandidateGroup)
}

// Price is the price of the node, dollars per hour; false where nobody knows it.
func (c Candidate) Price() (float64, bool) { return perhaps(c.view.CandidatePrice()[c.row]) }

// AgeMs is the age of the node, milliseconds.
func (c Candidate) AgeMs() uint32 { return c.view.CandidateAgeMs()[c.row] }

// Moves is how many pods would have to move; DaemonSets' and static ones do not count.
func (c Candidate) Moves() uint32 { return c.view.CandidateMoves()[c.row] }

// CPURequested is the requested share of the node's CPU, thousandths.
func (c Candidate) CPURequested() uint32 { return c.view.CandidateCPURequested()[c.row] }

// MemoryRequested is the requested share of the node's memory, thousandths.
func (c Candidate) MemoryRequested() uint32 { return c.view.CandidateMemoryRequested()[c.row] }

// CPUUsed is the share of the node's CPU in use, thousandths; false where not known.
func (c Candidate) CPUUsed() (uint32, bool) { return known(c.view.CandidateCPUUsed()[c.row]) }

// MemoryUsed is the share of the node's memory in use, thousandths; false where not known.
func (c Candidate) MemoryUsed() (uint32, bool) { return known(c.view.CandidateMemoryUsed()[c.row]) }

// UnneededMs is for how long it could have gone so far, milliseconds; false where it could not until now.
func (c Candidate) UnneededMs() (uint32, bool) { return known(c.view.CandidateUnneededMs()[c.row]) }

// Due is why another should take its place.
func (c Candidate) Due() Due { return Due(c.view.CandidateDue()[c.row]) }

// Label is the value of one label of the node; empty where absent.
func (c Candidate) Label(key string) string {
	return c.view.candidateLabel.text(c.view, c.row, key, contract.CandidateLabel)
}

// Movers are the pods that would have to move for it.
func (c Candidate) Movers() iter.Seq[Mover] {
	begin, end := run(c.view.MoverCandidate(), c.row)
	return func(yield func(Mover) bool) {
		for row := begin; row < end; row++ {
			if !yield(Mover{c.view, row}) {
				return
			}
		}
	}
}

// Mover is a pod that would have to move.
type Mover struct {
	view *View
	row  uint32
}

// Movers are the pods that would have to move for all candidates, in their order; hook disruption.
func (v *View) Movers() iter.Seq[Mover] {
	return func(yield func(Mover) bool) {
		for row := range v.movers.read(v, contract.Movers) {
			if !yield(Mover{v, row}) {
				return
			}
		}
	}
}

// Row is the number of the row.
func (m Mover) Row() uint32 { return m.row }

// Candidate is the pod's node.
func (m Mover) Candidate() Candidate { return Candidate{m.view, m.view.MoverCandidate()[m.row]} }

// Namespace is where it is.
func (m Mover) Namespace() string {
	return m.view.moverNamespace.text(m.view, m.row, contract.MoverNamespace)
}

// Name is what the pod is called.
func (m Mover) Name() string { return m.view.moverName.text(m.view, m.row, contract.MoverName) }

// OwnerKind is the kind of the owner (Deployment, Job, …), ReplicaSets resolved to their Deployment; empty where
// none.
func (m Mover) OwnerKind() string {
	return m.view.moverOwnerKind.text(m.view, m.row, contract.MoverOwnerKind)
}

// OwnerName is the name of the owner; empty where none.
func (m Mover) OwnerName() string {
	return m.view.moverOwnerName.text(m.view, m.row, contract.MoverOwnerName)
}

// CPUMilli is its request, millicores.
func (m Mover) CPUMilli() uint32 { return m.view.MoverCPU()[m.row] }

// MemoryMiB is its request, MiB, rounded up.
func (m Mover) MemoryMiB() uint32 { return m.view.MoverMemory()[m.row] }

// AgeMs is the age of the pod, milliseconds.
func (m Mover) AgeMs() uint32 { return m.view.MoverAgeMs()[m.row] }

// Label is the value of one label of the pod; empty where absent.
func (m Mover) Label(key string) string {
	return m.view.moverLabel.text(m.view, m.row, key, contract.MoverLabel)
}

// Annotation is the value of one plimsoll.io/… annotation of the pod; empty where absent.
func (m Mover) Annotation(key string) string {
	return m.view.moverAnnotation.text(m.view, m.row, key, contract.MoverAnnotation)
}

// Step is a step of the plan that begins something.
type Step struct {
	view *View
	row  uint32
}

// Steps are the steps of the plan that begin something, in its order; hook review.
func (v *View) Steps() iter.Seq[Step] {
	return func(yield func(Step) bool) {
		for row := range v.steps.read(v, contract.Steps) {
			if !yield(Step{v, row}) {
				return
			}
		}
	}
}

// Row is the number of the row.
func (s Step) Row() uint32 { return s.row }

// Kind is ScaleWorkload, GrowGroup, SetBounds, PlaceOnFargate, Remake, Cordon (a node is given up) or RemoveInstance
// (one that never became a node). Later versions may show more.
func (s Step) Kind() string { return s.view.stepKind.text(s.view, s.row, contract.StepKind) }

// Group is the group or Fargate profile that it changes; empty where none.
func (s Step) Group() string { return s.view.stepGroup.text(s.view, s.row, contract.StepGroup) }

// Namespace is the namespace of the workload or pod that it is about; empty where none.
func (s Step) Namespace() string {
	return s.view.stepNamespace.text(s.view, s.row, contract.StepNamespace)
}

// Object is the name of the workload, pod, node or instance that it is about; empty where it is about a group.
func (s Step) Object() string { return s.view.stepObject.text(s.view, s.row, contract.StepObject) }

// From is the replicas (ScaleWorkload), size (GrowGroup) or maximum (SetBounds) before; 0 elsewhere.
func (s Step) From() uint32 { return s.view.StepFrom()[s.row] }

// To is the same after.
func (s Step) To() uint32 { return s.view.StepTo()[s.row] }

// Pods is how many pods it is for, or would have to move.
func (s Step) Pods() uint32 { return s.view.StepPods()[s.row] }

// Adds is what it adds to the bill, dollars per hour; false where nobody knows.
func (s Step) Adds() (float64, bool) { return perhaps(s.view.StepAdds()[s.row]) }

// Saves is what it takes off the bill once it is through, dollars per hour; false where nobody knows.
func (s Step) Saves() (float64, bool) { return perhaps(s.view.StepSaves()[s.row]) }
