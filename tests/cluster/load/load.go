// Package load says how much CPU and memory pretended pods use, and adds the use up over real time
// as a kubelet's counters do. Pure arithmetic over pods handed in: no client, no goroutine; the clock
// is the caller's.
package load

import (
	"strconv"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
)

// Annotations on a pod.
const (
	AnnCPU    = "fakelet/cpu-milli"  // what the whole pod uses, in thousandths of a CPU
	AnnMemory = "fakelet/memory-mib" // its working set
	AnnGroup  = "fakelet/load-group" // the load group it serves, see GroupPrefix
)

// GroupPrefix + the group's name is an annotation on a Namespace: thousandths of a CPU that the
// running pods of that group use together, in equal shares. More replicas mean less for each, so an
// autoscaler's loop closes.
const GroupPrefix = "fakelet/load."

// Without annotations a pod uses this share of its request, as many real ones do.
const (
	defaultCPU    = 0.1
	defaultMemory = 0.5
)

// What a node uses besides its pods.
const (
	nodeMilli = 40.0
	nodeBytes = 400 << 20
)

// Use is a rate of CPU and an amount of memory.
type Use struct {
	Milli float64
	Bytes int64
}

// Container is one container's use.
type Container struct {
	Name string
	Use
}

// Of gives the use of each container of a pod. group is the pod's share of its load group, negative
// where it has none; the pod's own annotation wins over it.
func Of(pod *v1.Pod, group float64) []Container {
	list := pod.Spec.Containers
	cpu, memory := make([]float64, len(list)), make([]float64, len(list))
	var cpuSum, memorySum float64
	for i, c := range list {
		cpu[i] = float64(amount(c, v1.ResourceCPU).MilliValue())
		memory[i] = float64(amount(c, v1.ResourceMemory).Value())
		cpuSum, memorySum = cpuSum+cpu[i], memorySum+memory[i]
	}
	milli, bytes := cpuSum*defaultCPU, memorySum*defaultMemory
	if group >= 0 {
		milli = group
	}
	if set, ok := number(pod.Annotations[AnnCPU]); ok {
		milli = set
	}
	if set, ok := number(pod.Annotations[AnnMemory]); ok {
		bytes = set * (1 << 20)
	}
	out := make([]Container, len(list))
	for i, c := range list {
		out[i] = Container{c.Name, Use{milli * share(cpu[i], cpuSum, len(list)), int64(bytes * share(memory[i], memorySum, len(list)))}}
	}
	return out
}

func amount(c v1.Container, name v1.ResourceName) *resource.Quantity {
	q := c.Resources.Requests[name]
	return &q
}

// share splits by request, evenly where nobody requests anything.
func share(part, sum float64, n int) float64 {
	if sum > 0 {
		return part / sum
	}
	return 1 / float64(n)
}

func number(text string) (float64, bool) {
	value, err := strconv.ParseFloat(text, 64)
	return value, err == nil && value >= 0
}

// Counter is a container's use with the CPU seconds spent so far.
type Counter struct {
	Container
	Seconds float64
}

// PodCounters is what a kubelet tells about one pod.
type PodCounters struct {
	Namespace, Name string
	Start           time.Time
	Containers      []Counter
}

// NodeCounters is what a kubelet tells about its node.
type NodeCounters struct {
	Use
	Seconds float64
	Pods    []PodCounters
}

// Running is a pod that uses CPU now, with its share of its load group (negative: none).
type Running struct {
	Pod   *v1.Pod
	Group float64
}

// Meter keeps the counters of all nodes.
type Meter struct {
	lock  sync.Mutex
	nodes map[types.UID]*nodeMeter
}

type nodeMeter struct {
	last    time.Time
	seconds float64
	pods    map[types.UID]*podMeter
}

type podMeter struct {
	last    time.Time
	seconds []float64
}

// NewMeter makes an empty meter.
func NewMeter() *Meter { return &Meter{nodes: map[types.UID]*nodeMeter{}} }

// Read adds the time since the last reading, at the rates of now, and returns the counters. The first
// reading of a node or pod counts from its start. Call it every second where rates change.
func (m *Meter) Read(node *v1.Node, running []Running, now time.Time) NodeCounters {
	m.lock.Lock()
	defer m.lock.Unlock()
	meter := m.nodes[node.UID]
	if meter == nil {
		meter = &nodeMeter{last: node.CreationTimestamp.Time, pods: map[types.UID]*podMeter{}}
		m.nodes[node.UID] = meter
	}
	out := NodeCounters{Use: Use{nodeMilli, nodeBytes}}
	meter.seconds += nodeMilli / 1000 * since(&meter.last, now)
	pods := make(map[types.UID]*podMeter, len(running))
	for _, r := range running {
		p := meter.pods[r.Pod.UID]
		if p == nil {
			p = &podMeter{started(r.Pod), make([]float64, len(r.Pod.Spec.Containers))}
		}
		pods[r.Pod.UID] = p
		counters := PodCounters{Namespace: r.Pod.Namespace, Name: r.Pod.Name, Start: started(r.Pod)}
		elapsed := since(&p.last, now)
		for i, c := range Of(r.Pod, r.Group) {
			spent := c.Milli / 1000 * elapsed
			p.seconds[i] += spent
			meter.seconds += spent // the node's counter keeps what ended pods have spent
			out.Milli, out.Bytes = out.Milli+c.Milli, out.Bytes+c.Bytes
			counters.Containers = append(counters.Containers, Counter{c, p.seconds[i]})
		}
		out.Pods = append(out.Pods, counters)
	}
	meter.pods, out.Seconds = pods, meter.seconds
	return out
}

// Forget drops a node.
func (m *Meter) Forget(node types.UID) {
	m.lock.Lock()
	defer m.lock.Unlock()
	delete(m.nodes, node)
}

func started(pod *v1.Pod) time.Time {
	if pod.Status.StartTime != nil {
		return pod.Status.StartTime.Time
	}
	return pod.CreationTimestamp.Time
}

// since moves last to now and says by how many seconds; never by less than none.
func since(last *time.Time, now time.Time) float64 {
	elapsed := now.Sub(*last).Seconds()
	if elapsed <= 0 {
		return 0
	}
	*last = now
	return elapsed
}
