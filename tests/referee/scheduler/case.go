package main

import (
	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
)

// question is one line of input: a cluster, and pods to be judged one after another.
type question struct {
	ID string `json:"id"`
	// Nodes of the cluster.
	Nodes []*v1.Node `json:"nodes"`
	// Pods that are there; those without a known node, and finished ones, count nowhere.
	Pods []*v1.Pod `json:"pods"`
	// Pending pods, judged in this order.
	Pending []*v1.Pod `json:"pending"`
	// Bind puts pending[i] on this node once it has been judged ("" or a name nobody has: nowhere).
	Bind []string `json:"bind"`
	// AnyOrder binds pending pods in whatever order lets each onto its node, trying again and again. A
	// pod that never gets there is judged where it is stuck.
	AnyOrder bool `json:"anyOrder"`

	Namespaces     []*v1.Namespace             `json:"namespaces"`
	Claims         []*v1.PersistentVolumeClaim `json:"pvcs"`
	Volumes        []*v1.PersistentVolume      `json:"pvs"`
	StorageClasses []*storagev1.StorageClass   `json:"storageClasses"`
	CSINodes       []*storagev1.CSINode        `json:"csiNodes"`
	CSIDrivers     []*storagev1.CSIDriver      `json:"csiDrivers"`
}

// answer is one line of output.
type answer struct {
	ID string `json:"id"`
	// Pods as judged, in the order of pending.
	Pods []judged `json:"pods,omitempty"`
	// Refused lists what the API server would not have taken: such a case proves nothing.
	Refused []string `json:"refused,omitempty"`
	// Error is set where the case could not be judged at all.
	Error string `json:"error,omitempty"`
}

// judged is what the scheduler says about one pending pod.
type judged struct {
	Pod string `json:"pod"`
	// Gated names the plugins that would not even let it into the queue.
	Gated []string `json:"gated,omitempty"`
	// Everywhere is set where PreFilter turns all nodes down.
	Everywhere *objection `json:"everywhere,omitempty"`
	// Feasible nodes, sorted.
	Feasible []string `json:"feasible"`
	// Rejected nodes with objections; the first is what the scheduler reports.
	Rejected map[string][]objection `json:"rejected,omitempty"`
}

// objection is one plugin's word against one node.
type objection struct {
	Plugin  string   `json:"plugin"`
	Reasons []string `json:"reasons,omitempty"`
	// Early is set where the node was left out before filters ran, so that the order of plugins says nothing.
	Early bool `json:"early,omitempty"`
}
