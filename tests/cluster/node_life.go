// What the fakelet does for a Node: conditions, addresses, the kubelet's port, capacity where none was
// given, and leases. It adds no label and touches no taint: the creator of the Node and Kubernetes'
// controllers do.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

const (
	kubeletPort     = 10250
	defaultCapacity = "cpu=4,memory=16Gi,pods=110"
)

func (f *fakelet) syncNode(ctx context.Context, key string) (time.Duration, error) {
	n, err := f.nodes.Get(key)
	if err != nil || !f.plays(n) {
		return 0, nil // gone, or nobody's
	}
	f.removed.Delete(n.Name)
	if wait := left(n.Annotations, annReadyAfter, n.CreationTimestamp.Time); wait > 0 {
		return wait, nil
	}
	status := map[string]any{}
	if ready := readiness(n); conditionOf(n) != ready {
		status["conditions"] = conditions(ready)
	}
	if addressOf(n) == "" {
		status["addresses"] = []v1.NodeAddress{{Type: v1.NodeInternalIP, Address: fakeIP(n.Name)}, {Type: v1.NodeHostName, Address: n.Name}}
	}
	if n.Status.DaemonEndpoints.KubeletEndpoint.Port == 0 {
		status["daemonEndpoints"] = v1.NodeDaemonEndpoints{KubeletEndpoint: v1.DaemonEndpoint{Port: kubeletPort}}
	}
	if len(n.Status.Capacity) == 0 {
		list, err := capacity(n)
		if err != nil {
			return 0, err
		}
		status["capacity"], status["allocatable"] = list, list
	}
	if len(status) > 0 {
		patch, err := json.Marshal(map[string]any{"status": status})
		if err != nil {
			return 0, err
		}
		if _, err := f.client.CoreV1().Nodes().Patch(ctx, n.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status"); err != nil {
			return 0, err
		}
	}
	if f.lease <= 0 {
		return 0, nil
	}
	return f.lease, f.renew(ctx, n)
}

// nodeGone lets go of a deleted node; with --reap its pods go too.
func (f *fakelet) nodeGone(o any) {
	if unknown, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = unknown.Obj
	}
	n, ok := o.(*v1.Node)
	if !ok {
		return
	}
	f.meter.Forget(n.UID)
	f.watched.Delete(n.Name)
	if !f.reap || !f.plays(n) {
		return
	}
	f.removed.Store(n.Name, true)
	for _, p := range f.podsOn(n.Name) {
		f.podQueue.Add(p.Namespace + "/" + p.Name)
	}
}

func (f *fakelet) podsOn(node string) []*v1.Pod {
	objects, _ := f.podIndex.ByIndex(byNode, node) // fails only for an unknown index
	pods := make([]*v1.Pod, len(objects))
	for i, o := range objects {
		pods[i] = o.(*v1.Pod)
	}
	return pods
}

func readiness(n *v1.Node) v1.ConditionStatus {
	if n.Annotations[annNotReady] == "true" {
		return v1.ConditionFalse
	}
	return v1.ConditionTrue
}

func conditionOf(n *v1.Node) v1.ConditionStatus {
	for _, c := range n.Status.Conditions {
		if c.Type == v1.NodeReady {
			return c.Status
		}
	}
	return ""
}

func conditions(ready v1.ConditionStatus) []v1.NodeCondition {
	now := metav1.Now()
	condition := func(kind v1.NodeConditionType, status v1.ConditionStatus, reason string) v1.NodeCondition {
		return v1.NodeCondition{Type: kind, Status: status, Reason: reason, Message: reason, LastHeartbeatTime: now, LastTransitionTime: now}
	}
	reason := "KubeletReady"
	if ready != v1.ConditionTrue {
		reason = "KubeletNotReady"
	}
	return []v1.NodeCondition{
		condition(v1.NodeReady, ready, reason),
		condition(v1.NodeMemoryPressure, v1.ConditionFalse, "KubeletHasSufficientMemory"),
		condition(v1.NodeDiskPressure, v1.ConditionFalse, "KubeletHasNoDiskPressure"),
		condition(v1.NodePIDPressure, v1.ConditionFalse, "KubeletHasSufficientPID"),
	}
}

func addressOf(n *v1.Node) string {
	for _, a := range n.Status.Addresses {
		if a.Type == v1.NodeInternalIP {
			return a.Address
		}
	}
	return ""
}

func capacity(n *v1.Node) (v1.ResourceList, error) {
	text := n.Annotations[annCapacity]
	if text == "" {
		text = defaultCapacity
	}
	list := v1.ResourceList{}
	for _, item := range strings.Split(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(item), "=")
		quantity, err := resource.ParseQuantity(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %q: %w", annCapacity, item, err)
		}
		list[v1.ResourceName(name)] = quantity
	}
	return list, nil
}

func (f *fakelet) renew(ctx context.Context, n *v1.Node) error {
	now := metav1.NowMicro()
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"renewTime": now}})
	if err != nil {
		return err
	}
	leases := f.client.CoordinationV1().Leases(v1.NamespaceNodeLease)
	_, err = leases.Patch(ctx, n.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	if apierrors.IsNotFound(err) {
		seconds := int32(40)
		_, err = leases.Create(ctx, &coordinationv1.Lease{
			ObjectMeta: metav1.ObjectMeta{Name: n.Name, OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: n.Name, UID: n.UID}}},
			Spec:       coordinationv1.LeaseSpec{HolderIdentity: &n.Name, LeaseDurationSeconds: &seconds, RenewTime: &now},
		}, metav1.CreateOptions{})
	}
	return err
}

// fakeIP derives a stable 100.64.0.0/10 address from a name.
func fakeIP(name string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	sum := h.Sum32()
	return fmt.Sprintf("100.%d.%d.%d", 64+(sum>>16)%64, (sum>>8)%256, sum%256)
}
