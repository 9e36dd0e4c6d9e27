package sdk

// Rows of the tables that every hook is shown: groups, offers, nodes, pods, metrics. As in rows.go.

import (
	"iter"

	"plimsoll.io/sdk/internal/contract"
)

// Group is whatever capacity is changed in, a Fargate profile among others.
type Group struct {
	view *View
	row  uint32
}

// Groups are all groups, sorted by name.
func (v *View) Groups() iter.Seq[Group] {
	return func(yield func(Group) bool) {
		for row := range v.groups.read(v, contract.Groups) {
			if !yield(Group{v, row}) {
				return
			}
		}
	}
}

// Row is the number of the row.
func (g Group) Row() uint32 { return g.row }

// Name is what it is called.
func (g Group) Name() string { return g.view.groupName.text(g.view, g.row, contract.GroupName) }

// Kind is what kind of group it is.
func (g Group) Kind() GroupKind { return GroupKind(g.view.GroupKind()[g.row]) }

// Min is the fewest instances.
func (g Group) Min() uint32 { return g.view.GroupMin()[g.row] }

// Max is the most instances.
func (g Group) Max() uint32 { return g.view.GroupMax()[g.row] }

// Desired is how many instances the provider was asked for last.
func (g Group) Desired() uint32 { return g.view.GroupDesired()[g.row] }

// Nodes is how many of its nodes are in the cluster.
func (g Group) Nodes() uint32 { return g.view.GroupNodes()[g.row] }

// Foreign says that somebody else owns its size and Plimsoll never changes it.
func (g Group) Foreign() bool { return g.view.GroupForeign()[g.row] != 0 }

// CPURequested is the share of its CPU that is requested, thousandths, smoothed over cycles; 0 where it has no
// nodes.
func (g Group) CPURequested() uint32 { return g.view.GroupCPURequested()[g.row] }

// MemoryRequested is the share of its memory that is requested, the same way.
func (g Group) MemoryRequested() uint32 { return g.view.GroupMemoryRequested()[g.row] }

// CPUUsed is the share of its CPU in use, thousandths, smoothed over cycles; false where not known.
func (g Group) CPUUsed() (uint32, bool) { return known(g.view.GroupCPUUsed()[g.row]) }

// MemoryUsed is the share of its memory in use, the same way; false where not known.
func (g Group) MemoryUsed() (uint32, bool) { return known(g.view.GroupMemoryUsed()[g.row]) }

// BootMs is the median of its last boot times, milliseconds; false where not known.
func (g Group) BootMs() (uint32, bool) { return known(g.view.GroupBootMs()[g.row]) }

// ShortMs is for how long it has had fewer instances than it was asked for, for want of capacity: milliseconds since
// the provider said so last; false where nothing is wanting.
func (g Group) ShortMs() (uint32, bool) { return known(g.view.GroupShortMs()[g.row]) }

// Label is the value of one label of its nodes; empty where absent.
func (g Group) Label(key string) string {
	return g.view.groupLabel.text(g.view, g.row, key, contract.GroupLabel)
}

// IsFargate says whether it is a Fargate profile.
func (g Group) IsFargate() bool { return g.Kind() == Fargate }

// Offer is what can be bought in a group: an instance type in a zone, or a Fargate size.
type Offer struct {
	view *View
	row  uint32
}

// Offers are all offers.
func (v *View) Offers() iter.Seq[Offer] {
	return func(yield func(Offer) bool) {
		for row := range v.offers.read(v, contract.Offers) {
			if !yield(Offer{v, row}) {
				return
			}
		}
	}
}

// Row is the number of the row.
func (o Offer) Row() uint32 { return o.row }

// Group is where it can be bought.
func (o Offer) Group() Group { return Group{o.view, o.view.OfferGroup()[o.row]} }

// Type is the instance type (m6a.xlarge); empty for a Fargate size.
func (o Offer) Type() string { return o.view.offerType.text(o.view, o.row, contract.OfferType) }

// Zone is empty for a Fargate size.
func (o Offer) Zone() string { return o.view.offerZone.text(o.view, o.row, contract.OfferZone) }

// Arch is "amd64" or "arm64"; empty for a Fargate size.
func (o Offer) Arch() string { return o.view.offerArch.text(o.view, o.row, contract.OfferArch) }

// Purchase is how it is paid; SeveralWays for a Fargate size.
func (o Offer) Purchase() Purchase { return Purchase(o.view.OfferPurchase()[o.row]) }

// CPUMilli is what pods can use of one, millicores.
func (o Offer) CPUMilli() uint32 { return o.view.OfferCPU()[o.row] }

// MemoryMiB is what pods can use of one, MiB, rounded down.
func (o Offer) MemoryMiB() uint32 { return o.view.OfferMemory()[o.row] }

// Pods is the most pods on one; 1 for a Fargate size.
func (o Offer) Pods() uint32 { return o.view.OfferPods()[o.row] }

// Extended is what pods can use of one of an extended resource (nvidia.com/gpu); 0 where none.
func (o Offer) Extended(resource string) uint32 { return o.view.OfferExtended(resource)[o.row] }

// Price is dollars per hour.
func (o Offer) Price() float64 { return o.view.OfferPrice()[o.row] }

// Confidence is how far the price can be trusted.
func (o Offer) Confidence() Confidence { return Confidence(o.view.OfferConfidence()[o.row]) }

// Interruptions is the chance that it is taken back within a month, thousandths; false where nobody knows.
func (o Offer) Interruptions() (uint32, bool) { return known(o.view.OfferInterruptions()[o.row]) }

// BarredMs is for how long it will not be bought for want of capacity, or because one like it was taken back,
// milliseconds; 0 where it may be bought.
func (o Offer) BarredMs() uint32 { return o.view.OfferBarredMs()[o.row] }

// Label is the value of one label of a node bought so; empty where absent.
func (o Offer) Label(key string) string {
	return o.view.offerLabel.text(o.view, o.row, key, contract.OfferLabel)
}

// Node is a node of the cluster.
type Node struct {
	view *View
	row  uint32
}

// Nodes are all nodes, sorted by name.
func (v *View) Nodes() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for row := range v.nodes.read(v, contract.Nodes) {
			if !yield(Node{v, row}) {
				return
			}
		}
	}
}

// Row is the number of the row.
func (n Node) Row() uint32 { return n.row }

// Name is what it is called.
func (n Node) Name() string { return n.view.nodeName.text(n.view, n.row, contract.NodeName) }

// Group is the group that it belongs to; false where none is known.
func (n Node) Group() (Group, bool) {
	row, known := known(n.view.NodeGroup()[n.row])
	return Group{n.view, row}, known
}

// Offer is what it was bought as; false where that is not known.
func (n Node) Offer() (Offer, bool) {
	row, known := known(n.view.NodeOffer()[n.row])
	return Offer{n.view, row}, known
}

// State is what it is up to, several things at a time.
func (n Node) State() NodeState { return NodeState(n.view.NodeState()[n.row]) }

// Price is dollars per hour; false where nobody knows.
func (n Node) Price() (float64, bool) { return perhaps(n.view.NodePrice()[n.row]) }

// AgeMs is its age, milliseconds.
func (n Node) AgeMs() uint32 { return n.view.NodeAgeMs()[n.row] }

// CPUMilli is what pods can use, millicores.
func (n Node) CPUMilli() uint32 { return n.view.NodeCPU()[n.row] }

// MemoryMiB is what pods can use, MiB, rounded down.
func (n Node) MemoryMiB() uint32 { return n.view.NodeMemory()[n.row] }

// Pods is the most pods on it.
func (n Node) Pods() uint32 { return n.view.NodePods()[n.row] }

// Extended is what pods can use of an extended resource; 0 where none.
func (n Node) Extended(resource string) uint32 { return n.view.NodeExtended(resource)[n.row] }

// CPUUsedMilli is the CPU in use, millicores; false where not known.
func (n Node) CPUUsedMilli() (uint32, bool) { return known(n.view.NodeCPUUsed()[n.row]) }

// MemoryUsedMiB is the memory in use, MiB, rounded up; false where not known.
func (n Node) MemoryUsedMiB() (uint32, bool) { return known(n.view.NodeMemoryUsed()[n.row]) }

// Label is the value of one label; empty where absent.
func (n Node) Label(key string) string {
	return n.view.nodeLabel.text(n.view, n.row, key, contract.NodeLabel)
}

// Pod is a pod of the cluster.
type Pod struct {
	view *View
	row  uint32
}

// Pods are all pods, sorted by namespace and name; those that have finished are among them.
func (v *View) Pods() iter.Seq[Pod] {
	return func(yield func(Pod) bool) {
		for row := range v.pods.read(v, contract.Pods) {
			if !yield(Pod{v, row}) {
				return
			}
		}
	}
}

// Row is the number of the row.
func (p Pod) Row() uint32 { return p.row }

// Namespace is where it is.
func (p Pod) Namespace() string {
	return p.view.podNamespace.text(p.view, p.row, contract.PodNamespace)
}

// Name is what it is called.
func (p Pod) Name() string { return p.view.podName.text(p.view, p.row, contract.PodName) }

// Node is where it runs; false where it has no node.
func (p Pod) Node() (Node, bool) {
	row, known := known(p.view.PodNode()[p.row])
	return Node{p.view, row}, known
}

// Phase is how far it has come.
func (p Pod) Phase() Phase { return Phase(p.view.PodPhase()[p.row]) }

// AgeMs is its age, milliseconds.
func (p Pod) AgeMs() uint32 { return p.view.PodAgeMs()[p.row] }

// CPUMilli is its request, millicores.
func (p Pod) CPUMilli() uint32 { return p.view.PodCPU()[p.row] }

// MemoryMiB is its request, MiB, rounded up.
func (p Pod) MemoryMiB() uint32 { return p.view.PodMemory()[p.row] }

// Extended is its request of an extended resource; 0 where none.
func (p Pod) Extended(resource string) uint32 { return p.view.PodExtended(resource)[p.row] }

// CPUUsedMilli is the CPU in use, millicores; false where not known.
func (p Pod) CPUUsedMilli() (uint32, bool) { return known(p.view.PodCPUUsed()[p.row]) }

// MemoryUsedMiB is the memory in use, MiB, rounded up; false where not known.
func (p Pod) MemoryUsedMiB() (uint32, bool) { return known(p.view.PodMemoryUsed()[p.row]) }

// Priority is spec.priority.
func (p Pod) Priority() int32 { return p.view.PodPriority()[p.row] }

// OwnerKind is the kind of the owner (Deployment, Job, …), ReplicaSets resolved to their Deployment; empty where
// none.
func (p Pod) OwnerKind() string {
	return p.view.podOwnerKind.text(p.view, p.row, contract.PodOwnerKind)
}

// OwnerName is the name of the owner; empty where none.
func (p Pod) OwnerName() string {
	return p.view.podOwnerName.text(p.view, p.row, contract.PodOwnerName)
}

// Label is the value of one label; empty where absent.
func (p Pod) Label(key string) string {
	return p.view.podLabel.text(p.view, p.row, key, contract.PodLabel)
}

// Annotation is the value of one plimsoll.io/… annotation; empty where absent.
func (p Pod) Annotation(key string) string {
	return p.view.podAnnotation.text(p.view, p.row, key, contract.PodAnnotation)
}

// Metric is a figure that is known about a workload, whether or not the workload is scaled.
type Metric struct {
	view *View
	row  uint32
}

// Metrics are all figures that are known about workloads.
func (v *View) Metrics() iter.Seq[Metric] {
	return func(yield func(Metric) bool) {
		for row := range v.metrics.read(v, contract.Metrics) {
			if !yield(Metric{v, row}) {
				return
			}
		}
	}
}

// Row is the number of the row.
func (m Metric) Row() uint32 { return m.row }

// Name is "cpu", "memory", or a name of the operator's.
func (m Metric) Name() string { return m.view.metricName.text(m.view, m.row, contract.MetricName) }

// Kind is the kind of the workload.
func (m Metric) Kind() string { return m.view.metricKind.text(m.view, m.row, contract.MetricKind) }

// Namespace is the namespace of the workload.
func (m Metric) Namespace() string {
	return m.view.metricNamespace.text(m.view, m.row, contract.MetricNamespace)
}

// Workload is the name of the workload.
func (m Metric) Workload() string {
	return m.view.metricWorkload.text(m.view, m.row, contract.MetricWorkload)
}

// Value is summed over Pods pods: millicores for cpu, bytes for memory, else the metric's unit.
func (m Metric) Value() float64 { return m.view.MetricValue()[m.row] }

// AgeMs is the age of the value, milliseconds.
func (m Metric) AgeMs() uint32 { return m.view.MetricAgeMs()[m.row] }

// Pods is how many pods contributed to it.
func (m Metric) Pods() uint32 { return m.view.MetricPods()[m.row] }
